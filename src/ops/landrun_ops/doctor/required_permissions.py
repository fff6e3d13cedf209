"""What each role of a stack has to allow: the calls that code and services make as that role.

The calls are those of `src/stacks/roles.yaml` and `src/stacks/processing.yaml`, each of which
names what needs it; here the ones that runs cannot do without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from landrun.adapters.concurrency_table import STATUS_INDEX

Context = Mapping[str, tuple[str, str]]
"""Condition keys: the type that IAM's simulator has for them, and the value."""

MANAGED_RULE: Final = "StepFunctionsGetEventsForSageMakerProcessingJobsRule"
"""The rule that ``.sync`` keeps in the account (Step Functions developer guide, "IAM policies for
Amazon SageMaker")."""


@dataclass(frozen=True, slots=True)
class Need:
    """Actions on one resource, that a role has to allow."""

    actions: tuple[str, ...]
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Places:
    """What a stack's resources are called, as ARNs.

    Attributes
    ----------
    partition, region, account : str
        Where it is.
    outputs, parameters : Mapping[str, str]
        The stack's.
    """

    partition: str
    region: str
    account: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    def arn(self, service: str, rest: str) -> str:
        """Spell an ARN of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def object(self, output: str, key: str) -> str:
        """Spell the ARN of an object in the bucket of an output."""
        return f"arn:{self.partition}:s3:::{self.outputs[output]}/{key}"

    def bucket(self, output: str) -> str:
        """Spell the ARN of the bucket of an output."""
        return f"arn:{self.partition}:s3:::{self.outputs[output]}"

    def table(self, output: str, index: str = "") -> str:
        """Spell the ARN of the table of an output, or of an index of it."""
        return self.arn(
            "dynamodb", f"table/{self.outputs[output]}" + (f"/index/{index}" if index else "")
        )

    def queue(self, output: str) -> str:
        """Spell the ARN of the queue whose URL an output has."""
        return self.arn("sqs", self.outputs[output].rpartition("/")[2])

    @property
    def machine(self) -> str:
        """The state machine's ARN."""
        return self.outputs["StateMachineArn"]

    @property
    def execution(self) -> str:
        """The ARN of an execution of it."""
        return f"{self.machine.replace(':stateMachine:', ':execution:', 1)}:doctor"

    @property
    def manifest(self) -> str:
        """The ARN of a manifest."""
        return self.object("OutputBucket", f"{self.parameters['ManifestPrefix']}doctor.json")

    @property
    def output(self) -> str:
        """The ARN of an output."""
        return self.object(
            "OutputBucket", f"{self.parameters['OutputPrefix']}doctor/part-0.parquet"
        )

    @property
    def job(self) -> str:
        """The ARN of a Processing job."""
        return self.arn("sagemaker", f"processing-job/{self.parameters['JobNamePrefix']}-doctor")


def of_machine(places: Places, job: Mapping[str, Any]) -> Iterator[Need]:
    """Give what Step Functions does for a job.

    Parameters
    ----------
    job : Mapping[str, Any]
        The definition's parameters of CreateProcessingJob.
    """
    parameters = places.parameters
    rule = places.arn("events", f"rule/{MANAGED_RULE}")
    yield Need(("events:PutTargets", "events:PutRule", "events:DescribeRule"), rule)
    limits: Context = {
        "sagemaker:InstanceTypes": ("stringList", parameters["InstanceType"]),
        "sagemaker:MaxRuntimeInSeconds": ("numeric", parameters["MaxRuntimeInSeconds"]),
    }
    yield Need(("sagemaker:CreateProcessingJob",), places.job, limits)
    if int(parameters.get("MaxConcurrentRuns") or 0):
        yield Need(("sqs:SendMessage",), places.queue("StatusQueueUrl"))
        yield from _with_key(places)
    follow = ("DescribeProcessingJob", "StopProcessingJob", "ListTags", "AddTags")
    yield Need(tuple(f"sagemaker:{one}" for one in follow), places.job)
    if str(job.get("RoleArn", "")).startswith("arn:"):
        passed: Context = {"iam:PassedToService": ("string", "sagemaker.amazonaws.com")}
        yield Need(("iam:PassRole",), job["RoleArn"], passed)


def of_jobs(places: Places) -> Iterator[Need]:
    """Give what a Processing job does."""
    landed = f"{places.parameters.get('LandingPrefix', '')}doctor.csv"
    yield Need(("s3:GetObject",), places.object("LandingBucket", landed))
    yield Need(("s3:ListBucket",), places.bucket("LandingBucket"))
    yield Need(("s3:GetObject",), places.manifest)
    yield Need(("s3:PutObject",), places.output)
    stream = places.arn("logs", "log-group:/aws/sagemaker/ProcessingJobs:log-stream:doctor")
    yield Need(("logs:CreateLogStream", "logs:PutLogEvents"), stream)
    yield Need(("ecr:GetAuthorizationToken",), "*")
    repository = places.outputs.get("ImageRepositoryUri", "").partition("/")[2]
    if repository and not places.parameters.get("ImageUri"):
        pull = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
        arn = places.arn("ecr", f"repository/{repository}")
        yield Need(tuple(f"ecr:{one}" for one in pull), arn)
    yield from _with_key(places, ("kms:Decrypt", "kms:GenerateDataKey"))


def of_object_created(places: Places) -> Iterator[Need]:
    """Give what ObjectCreatedFunction does."""
    yield from _on_queue(places, "LandingQueueUrl", "LandingDeadLetterQueueUrl")
    if places.parameters.get("StartOn") == "schedule":
        yield Need(("dynamodb:UpdateItem",), places.table("LandingsTable"))
    else:
        yield from _starting(places)
    yield from _with_key(places)


def of_schedule(places: Places) -> Iterator[Need]:
    """Give what ScheduleFunction does."""
    yield from _starting(places)
    yield Need(("s3:ListBucket",), places.bucket("OutputBucket"))
    if places.parameters.get("StartOn") == "schedule":
        yield Need(("dynamodb:Query",), places.table("LandingsTable", "by-waiting"))
        yield Need(("dynamodb:UpdateItem",), places.table("LandingsTable"))
    yield from _with_key(places)


def of_execution_status(places: Places) -> Iterator[Need]:
    """Give what ExecutionStatusFunction does."""
    yield from _on_queue(places, "StatusQueueUrl", "StatusDeadLetterQueueUrl")
    yield from _recording(places)
    yield from _turns(places)
    yield from _with_key(places)


def of_reconcile(places: Places) -> Iterator[Need]:
    """Give what ReconcileFunction does."""
    yield from _starting(places)
    yield from _recording(places)
    yield from _turns(places)
    yield Need(("states:ListExecutions",), places.machine)
    yield Need(("dynamodb:Query",), places.table("RunsTable", "by-unfinished"))
    yield Need(("dynamodb:Query",), places.table("LandingsTable", "by-waiting"))
    yield Need(("dynamodb:GetItem", "dynamodb:UpdateItem"), places.table("LandingsTable"))
    yield from _with_key(places)


def of_scheduler(places: Places) -> Iterator[Need]:
    """Give what the schedules do."""
    for output in ("ScheduleFunction", "ReconcileFunction"):
        arn = places.arn("lambda", f"function:{places.outputs[output]}")
        yield Need(("lambda:InvokeFunction",), arn)
    yield Need(("sqs:SendMessage",), places.queue("ScheduleDeadLetterQueueUrl"))


def _turns(places: Places) -> Iterator[Need]:
    changes = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
    yield Need(tuple(f"dynamodb:{one}" for one in changes), places.table("ConcurrencyTable"))
    yield Need(("dynamodb:Query",), places.table("ConcurrencyTable", STATUS_INDEX))
    yield Need(("states:SendTaskSuccess",), places.machine)


def _on_queue(places: Places, queue: str, dead: str) -> Iterator[Need]:
    take = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    yield Need(take, places.queue(queue))
    yield Need(("sqs:SendMessage",), places.queue(dead))


def _starting(places: Places) -> Iterator[Need]:
    yield Need(("s3:PutObject", "s3:GetObject"), places.manifest)
    yield Need(("states:StartExecution",), places.machine)
    yield Need(("states:DescribeExecution",), places.execution)


def _recording(places: Places) -> Iterator[Need]:
    yield Need(("dynamodb:PutItem", "dynamodb:UpdateItem"), places.table("RunsTable"))
    yield Need(("sns:Publish",), places.outputs["NotificationsTopicArn"])
    yield Need(("s3:GetObject",), places.output)
    yield Need(("s3:ListBucket",), places.bucket("OutputBucket"))
    yield Need(("sagemaker:DescribeProcessingJob",), places.job)
    group = places.arn("logs", "log-group:/aws/sagemaker/ProcessingJobs")
    yield Need(("logs:DescribeLogStreams",), f"{group}:log-stream:")
    yield Need(("logs:GetLogEvents",), f"{group}:log-stream:doctor")
    yield Need(("states:DescribeExecution", "states:GetExecutionHistory"), places.execution)


def _with_key(
    places: Places, actions: tuple[str, ...] = ("kms:Decrypt", "kms:GenerateDataKey")
) -> Iterator[Need]:
    key = places.parameters.get("KmsKeyArn")
    if key:
        yield Need(actions, key)
