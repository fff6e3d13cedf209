"""What each role of a stack has to allow: the calls that runs cannot do without.

src/stacks/roles.yaml and src/stacks/processing.yaml say what needs each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from landrun.adapters.concurrency_table import STATUS_INDEX
from landrun.models.processing_job import LOG_GROUP

MANAGED_RULE: Final = "rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
"""The rule that ``.sync`` keeps in the account (Step Functions developer guide, "IAM policies for
Amazon SageMaker")."""

RESOURCES: Final[Mapping[str, str]] = {
    "landing queue": "arn:{partition}:sqs:{here}:{LandingQueueUrl}",
    "status queue": "arn:{partition}:sqs:{here}:{StatusQueueUrl}",
    "landing dead letters": "arn:{partition}:sqs:{here}:{LandingDeadLetterQueueUrl}",
    "schedule dead letters": "arn:{partition}:sqs:{here}:{ScheduleDeadLetterQueueUrl}",
    "status dead letters": "arn:{partition}:sqs:{here}:{StatusDeadLetterQueueUrl}",
    "landing bucket": "arn:{partition}:s3:::{LandingBucket}",
    "landed object": "arn:{partition}:s3:::{LandingBucket}/{LandingPrefix}doctor.csv",
    "output bucket": "arn:{partition}:s3:::{OutputBucket}",
    "manifest": "arn:{partition}:s3:::{OutputBucket}/{ManifestPrefix}doctor.json",
    "processed object": "arn:{partition}:s3:::{OutputBucket}/{OutputPrefix}doctor/part-0.parquet",
    "landings table": "arn:{partition}:dynamodb:{here}:table/{LandingsTable}",
    "landings index": "arn:{partition}:dynamodb:{here}:table/{LandingsTable}/index/by-waiting",
    "runs table": "arn:{partition}:dynamodb:{here}:table/{RunsTable}",
    "unfinished index": "arn:{partition}:dynamodb:{here}:table/{RunsTable}/index/by-unfinished",
    "concurrency table": "arn:{partition}:dynamodb:{here}:table/{ConcurrencyTable}",
    "concurrency index": (
        f"arn:{{partition}}:dynamodb:{{here}}:table/{{ConcurrencyTable}}/index/{STATUS_INDEX}"
    ),
    "topic": "{NotificationsTopicArn}",
    "state machine": "{StateMachineArn}",
    "execution": "arn:{partition}:states:{here}:execution:{machine_name}:doctor",
    "job": "arn:{partition}:sagemaker:{here}:processing-job/{JobNamePrefix}-doctor",
    "log streams": "arn:{partition}:logs:{here}:log-group:{LOG_GROUP}:log-stream:",
    "log stream": "arn:{partition}:logs:{here}:log-group:{LOG_GROUP}:log-stream:doctor",
    "repository": "arn:{partition}:ecr:{here}:repository/{ImageRepositoryUri}",
    "schedule function": "arn:{partition}:lambda:{here}:function:{ScheduleFunction}",
    "reconcile function": "arn:{partition}:lambda:{here}:function:{ReconcileFunction}",
    "key": "{KmsKeyArn}",
}
"""The ARN of each resource. Names in braces are outputs or parameters of the stack, or `resources`
defines them; of an output ``…Url`` or ``…Uri``, only the part after its last slash is used."""

Table = tuple[tuple[str, str], ...]
"""Actions with blanks between them, and the name of their resource in `RESOURCES`."""

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


def arn_beside(arn: str, service: str, resource: str) -> str:
    """Return the ARN of a resource in the account and region of another one.

    >>> arn_beside("arn:aws:states:eu-west-1:123456789012:stateMachine:m", "sqs", "queue")
    'arn:aws:sqs:eu-west-1:123456789012:queue'
    """
    _, partition, _, region, account, *_ = arn.split(":")
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"


def sync_integration(machine: str, job_name: str, job: Mapping[str, Any]) -> Iterator[Need]:
    """Return what Step Functions needs for ``sagemaker:createProcessingJob.sync``.

    Parameters
    ----------
    machine : str
        The state machine's ARN.
    job_name : str
        A name such as the jobs will have.
    job : Mapping[str, Any]
        The definition's parameters of CreateProcessingJob.
    """
    arn = arn_beside(machine, "sagemaker", f"processing-job/{job_name}")
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    seconds = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    limits = {
        "sagemaker:InstanceTypes": ("stringList", cluster.get("InstanceType")),
        "sagemaker:MaxRuntimeInSeconds": ("numeric", seconds),
    }
    context = {key: (kind, str(value)) for key, (kind, value) in limits.items() if value}
    yield Need(["sagemaker:CreateProcessingJob"], arn, context)
    follow = ("DescribeProcessingJob", "StopProcessingJob", "ListTags", "AddTags")
    yield Need([f"sagemaker:{action}" for action in follow], arn)
    rule = arn_beside(machine, "events", MANAGED_RULE)
    yield Need(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rule)
    if str(job.get("RoleArn", "")).startswith("arn:"):
        passed = {"iam:PassedToService": ("string", "sagemaker.amazonaws.com")}
        yield Need(["iam:PassRole"], job["RoleArn"], passed)


def needs(table: Table, arns: Mapping[str, str]) -> Iterable[Need]:
    """Return the needs of a table; resources that the stack does not have are left out."""
    return [Need(actions.split(), arns[name]) for actions, name in table if arns[name]]


def resources(outputs: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the ARN of each resource of a stack by its name; empty if the stack has none."""
    _, partition, _, region, account, _, machine_name = outputs["StateMachineArn"].split(":")
    values = {
        "LandingPrefix": "",
        "KmsKeyArn": "",
        "ImageRepositoryUri": "",
        **parameters,
        **{
            name: value.rpartition("/")[2] if name.endswith(("Url", "Uri")) else value
            for name, value in outputs.items()
        },
        "partition": partition,
        "here": f"{region}:{account}",
        "machine_name": machine_name,
        "LOG_GROUP": LOG_GROUP,
    }
    found = {name: template.format_map(values) for name, template in RESOURCES.items()}
    if parameters.get("ImageUri") or not values["ImageRepositoryUri"]:
        found["repository"] = ""  # the image is not in the stack's repository
    return found
