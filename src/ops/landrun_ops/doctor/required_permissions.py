"""What each role of a stack has to allow: the calls that runs cannot do without.

src/stacks/roles.yaml and src/stacks/processing.yaml say what needs each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from landrun.adapters.concurrency_table import STATUS_INDEX

MANAGED_RULE: Final = "rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
"""The rule that ``.sync`` keeps in the account (Step Functions developer guide, "IAM policies for
Amazon SageMaker")."""

Table = tuple[tuple[str, str], ...]
"""Actions with blanks between them, and the name of their resource in `resources`."""

_STARTS_RUNS: Final[Table] = (
    ("s3:PutObject s3:GetObject", "manifest"),
    ("states:StartExecution", "state machine"),
    ("states:DescribeExecution", "execution"),
    ("kms:Decrypt kms:GenerateDataKey", "key"),
)
_RECORDS_OUTCOMES: Final[Table] = (
    ("dynamodb:PutItem dynamodb:UpdateItem", "runs table"),
    ("sns:Publish", "topic"),
    ("s3:GetObject", "processed object"),
    ("s3:ListBucket", "output bucket"),
    ("sagemaker:DescribeProcessingJob", "job"),
    ("logs:DescribeLogStreams", "log streams"),
    ("logs:GetLogEvents", "log stream"),
    ("states:DescribeExecution states:GetExecutionHistory", "execution"),
    ("states:SendTaskSuccess", "state machine"),
    ("dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem", "concurrency table"),
    ("dynamodb:DeleteItem", "concurrency table"),
    ("dynamodb:Query", "concurrency index"),
    ("kms:Decrypt kms:GenerateDataKey", "key"),
)
_RECEIVES: Final = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes"
_READS_LANDINGS: Final[Table] = (
    ("dynamodb:Query", "landings index"),
    ("dynamodb:UpdateItem", "landings table"),
)
FUNCTIONS: Final[Mapping[str, Table]] = {
    "ObjectCreatedFunction": (
        (_RECEIVES, "landing queue"),
        ("sqs:SendMessage", "landing dead letters"),
        *_STARTS_RUNS,
    ),
    "ScheduleFunction": _STARTS_RUNS,
    "ExecutionStatusFunction": (
        (_RECEIVES, "status queue"),
        ("sqs:SendMessage", "status dead letters"),
        *_RECORDS_OUTCOMES,
    ),
    "ReconcileFunction": (
        ("states:ListExecutions", "state machine"),
        ("dynamodb:Query", "unfinished index"),
        *_READS_LANDINGS,
        *_STARTS_RUNS,
        *_RECORDS_OUTCOMES,
    ),
}
FUNCTIONS_BY_SCHEDULE: Final[Mapping[str, Table]] = {
    "ObjectCreatedFunction": (
        (_RECEIVES, "landing queue"),
        ("sqs:SendMessage", "landing dead letters"),
        ("dynamodb:UpdateItem", "landings table"),
    ),
    "ScheduleFunction": (*_STARTS_RUNS, *_READS_LANDINGS),
}
"""What functions need instead with StartOn=schedule."""

JOBS: Final[Table] = (
    ("s3:GetObject", "landed object"),
    ("s3:ListBucket", "landing bucket"),
    ("s3:GetObject", "manifest"),
    ("s3:PutObject", "processed object"),
    ("logs:CreateLogStream logs:PutLogEvents", "log stream"),
    ("ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer", "repository"),
    ("kms:Decrypt kms:GenerateDataKey", "key"),
)
SCHEDULES: Final[Table] = (
    ("lambda:InvokeFunction", "schedule function"),
    ("lambda:InvokeFunction", "reconcile function"),
    ("sqs:SendMessage", "schedule dead letters"),
)
WAITING: Final[Table] = (
    ("sqs:SendMessage", "status queue"),
    ("kms:Decrypt kms:GenerateDataKey", "key"),
)
"""What a state machine needs so that executions can ask for a concurrency slot."""


class Need(NamedTuple):
    """Actions on one resource that a role has to allow.

    ``context`` has condition keys, each with its type in IAM's simulator and its value.
    """

    actions: list[str]
    resource: str
    context: Mapping[str, tuple[str, str]] = {}


class Account(NamedTuple):
    """An account in a region, which spells ARNs."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, arn: str) -> Account:
        """Return the account and region of an ARN."""
        _, partition, _, region, account, *_ = arn.split(":")
        return cls(partition, region, account)

    def arn(self, service: str, resource: str) -> str:
        """Spell an ARN of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def sync_integration(account: Account, job_name: str, job: Mapping[str, Any]) -> Iterator[Need]:
    """Return what Step Functions needs for ``sagemaker:createProcessingJob.sync``.

    Parameters
    ----------
    job_name : str
        A name such as the jobs will have.
    job : Mapping[str, Any]
        The definition's parameters of CreateProcessingJob.
    """
    arn = account.arn("sagemaker", f"processing-job/{job_name}")
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    limits = {
        "sagemaker:InstanceTypes": ("stringList", cluster.get("InstanceType")),
        "sagemaker:MaxRuntimeInSeconds": (
            "numeric",
            job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
        ),
    }
    context = {key: (kind, str(value)) for key, (kind, value) in limits.items() if value}
    yield Need(["sagemaker:CreateProcessingJob"], arn, context)
    follow = ("DescribeProcessingJob", "StopProcessingJob", "ListTags", "AddTags")
    yield Need([f"sagemaker:{action}" for action in follow], arn)
    rule = account.arn("events", MANAGED_RULE)
    yield Need(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rule)
    if str(job.get("RoleArn", "")).startswith("arn:"):
        passed = {"iam:PassedToService": ("string", "sagemaker.amazonaws.com")}
        yield Need(["iam:PassRole"], job["RoleArn"], passed)


def needs(table: Table, arns: Mapping[str, str]) -> Iterable[Need]:
    """Return the needs of a table; resources that the stack does not have are left out."""
    return [Need(actions.split(), arns[name]) for actions, name in table if arns[name]]


def resources(outputs: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the ARN of each resource of a stack by its name; empty if the stack has none."""
    machine = outputs["StateMachineArn"]
    account = Account.of(machine)
    landing, output = (
        f"arn:{account.partition}:s3:::{outputs[name]}"
        for name in ("LandingBucket", "OutputBucket")
    )
    landings, runs, concurrency = (
        account.arn("dynamodb", f"table/{outputs[name]}")
        for name in ("LandingsTable", "RunsTable", "ConcurrencyTable")
    )
    repository = outputs.get("ImageRepositoryUri", "").partition("/")[2]
    own_image = repository and not parameters.get("ImageUri")
    logs = account.arn("logs", "log-group:/aws/sagemaker/ProcessingJobs:log-stream:")
    queues = {
        "landing queue": "LandingQueueUrl",
        "status queue": "StatusQueueUrl",
        "landing dead letters": "LandingDeadLetterQueueUrl",
        "schedule dead letters": "ScheduleDeadLetterQueueUrl",
        "status dead letters": "StatusDeadLetterQueueUrl",
    }
    return {
        **{
            name: account.arn("sqs", outputs[url].rpartition("/")[2])
            for name, url in queues.items()
        },
        "landing bucket": landing,
        "landed object": f"{landing}/{parameters.get('LandingPrefix', '')}doctor.csv",
        "output bucket": output,
        "manifest": f"{output}/{parameters['ManifestPrefix']}doctor.json",
        "processed object": f"{output}/{parameters['OutputPrefix']}doctor/part-0.parquet",
        "landings table": landings,
        "landings index": f"{landings}/index/by-waiting",
        "runs table": runs,
        "unfinished index": f"{runs}/index/by-unfinished",
        "concurrency table": concurrency,
        "concurrency index": f"{concurrency}/index/{STATUS_INDEX}",
        "topic": outputs["NotificationsTopicArn"],
        "state machine": machine,
        "execution": f"{machine.replace(':stateMachine:', ':execution:', 1)}:doctor",
        "job": account.arn("sagemaker", f"processing-job/{parameters['JobNamePrefix']}-doctor"),
        "log streams": logs,
        "log stream": f"{logs}doctor",
        "repository": account.arn("ecr", f"repository/{repository}") if own_image else "",
        "schedule function": account.arn("lambda", f"function:{outputs['ScheduleFunction']}"),
        "reconcile function": account.arn("lambda", f"function:{outputs['ReconcileFunction']}"),
        "key": parameters.get("KmsKeyArn", ""),
    }
