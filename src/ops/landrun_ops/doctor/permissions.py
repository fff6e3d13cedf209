"""Checks of the stack's roles by IAM's policy simulator.

The simulator considers policies, permissions boundaries and the organisation's policies.
src/stacks/roles.yaml and src/stacks/processing.yaml say why each permission is needed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from landrun.models.processing_job import LOG_GROUP
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.findings import RESTORE, Finding, listed
from landrun_ops.doctor.state_machine import processing_tasks

MANAGED_RULE: Final = "rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
"""The rule that ``.sync`` keeps in the account (Step Functions developer guide, "IAM policies for
Amazon SageMaker")."""

RECEIVE: Final = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes"

Needs = Mapping[str, str]
"""Actions that a role must allow, separated by blanks, by the ARN of their resource."""


def state_machine_role(aws: AwsReader) -> Iterator[Finding]:
    """The state machine's role allows what its Processing job needs with .sync."""
    tasks = [task for task in processing_tasks(aws.definition) if task.waits]
    if not tasks:
        yield Finding("skip", "the state machine runs no Processing job with .sync")
    for task in tasks:
        job = aws.arn("sagemaker", f"processing-job/{aws.parameter('JobNamePrefix')}-doctor")
        needs = {
            job: "sagemaker:CreateProcessingJob sagemaker:AddTags"
            " sagemaker:DescribeProcessingJob sagemaker:StopProcessingJob sagemaker:ListTags",
            aws.arn("events", MANAGED_RULE): "events:PutTargets events:PutRule events:DescribeRule",
        }
        job_role = str(task.request.get("RoleArn", ""))
        if job_role.startswith("arn:"):
            needs[job_role] = "iam:PassRole"
        if aws.parameter("MaxConcurrentRuns", "0") != "0":
            needs[aws.stack.output("StatusQueueArn")] = "sqs:SendMessage"
        given = bool(aws.parameter("StateMachineArn"))
        role = aws.state_machine["roleArn"]
        yield from _judge(aws, role, needs, _context(task.request), given=given)


def _context(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the condition keys of policies that bound a job, as the simulator takes them."""
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    seconds = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0)
    return [
        {"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": [str(value)]}
        for name, kind, value in (
            ("iam:PassedToService", "string", "sagemaker.amazonaws.com"),
            ("sagemaker:InstanceTypes", "stringList", cluster.get("InstanceType")),
            ("sagemaker:MaxRuntimeInSeconds", "numeric", seconds),
        )
        if value
    ]


def job_role(aws: AwsReader) -> Iterator[Finding]:
    """The role of Processing jobs allows what they read and write."""
    outputs = aws.stack.outputs
    landed = f"{outputs['LandingBucket']}/{outputs['LandingPrefix']}doctor.csv"
    written = f"{outputs['OutputBucket']}/{outputs['OutputPrefix']}doctor/part-0.parquet"
    needs = {
        _s3(aws, outputs["LandingBucket"]): "s3:ListBucket",
        _s3(aws, landed): "s3:GetObject",
        _s3(aws, written): "s3:PutObject",
        aws.arn("logs", f"log-group:{LOG_GROUP}:log-stream:doctor"): "logs:PutLogEvents",
    }
    repository = outputs.get("ImageRepositoryUri", "").partition("/")[2]
    if repository and not aws.parameter("ImageUri"):
        needs[aws.arn("ecr", f"repository/{repository}")] = "ecr:BatchGetImage"
    given = bool(aws.parameter("StateMachineArn"))
    for task in processing_tasks(aws.definition):
        role = str(task.request.get("RoleArn", ""))
        if role.startswith("arn:"):
            yield from _judge(aws, role, needs, given=given)
        else:
            yield Finding("skip", "the state machine does not name the role of its jobs")


def function_roles(aws: AwsReader) -> Iterator[Finding]:
    """The roles of the functions allow what they call."""
    for output, needs in _needs_of_functions(aws).items():
        name = aws.stack.output(output)
        role = aws.ask("lambda:GetFunctionConfiguration", FunctionName=name)["Role"]
        yield from _judge(aws, role, needs)


def _needs_of_functions(aws: AwsReader) -> dict[str, Needs]:
    output, ticks = aws.stack.output, aws.parameter("StartOn") == "schedule"
    landings, runs, slots = (
        aws.arn("dynamodb", f"table/{output(name)}")
        for name in ("LandingsTable", "RunsTable", "ConcurrencyTable")
    )
    manifest = f"{output('OutputBucket')}/{output('ManifestPrefix')}doctor.json"
    job = f"processing-job/{output('JobNamePrefix')}-doctor"
    lands: Needs = {landings: "dynamodb:UpdateItem"}
    starts: Needs = {
        _s3(aws, manifest): "s3:PutObject s3:GetObject",
        output("StateMachineArn"): "states:StartExecution",
    }
    collects = {f"{landings}/index/by-waiting": "dynamodb:Query", **lands, **starts}
    records = {
        runs: "dynamodb:PutItem dynamodb:UpdateItem",
        slots: "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
        output("NotificationsTopicArn"): "sns:Publish",
        aws.arn("sagemaker", job): "sagemaker:DescribeProcessingJob",
    }
    unfinished = {f"{runs}/index/by-unfinished": "dynamodb:Query"}
    return {
        "ObjectCreatedFunction": {
            **(lands if ticks else starts),
            output("LandingQueueArn"): RECEIVE,
        },
        "ScheduleFunction": collects if ticks else starts,
        "ExecutionStatusFunction": {**records, output("StatusQueueArn"): RECEIVE},
        "ReconcileFunction": {**unfinished, **collects, **records},
    }


def schedule_role(aws: AwsReader) -> Iterator[Finding]:
    """The role of the schedules allows them to invoke their functions."""
    group, name = aws.stack.output("ScheduleArn").split("/")[-2:]
    found = aws.ask("scheduler:GetSchedule", Name=name, GroupName=group)
    needs = {
        aws.arn("lambda", f"function:{aws.stack.output(name)}"): "lambda:InvokeFunction"
        for name in ("ScheduleFunction", "ReconcileFunction")
    }
    return _judge(aws, found["Target"]["RoleArn"], needs)


def _s3(aws: AwsReader, name: str) -> str:
    return f"arn:{aws.arn('s3', '').split(':')[1]}:s3:::{name}"


def _judge(
    aws: AwsReader, role: str, needs: Needs, context: Sequence[Any] = (), *, given: bool = False
) -> Iterator[Finding]:
    """Simulate each resource alone: for several at once, IAM would return one decision."""
    key = aws.parameter("KmsKeyArn")
    if key and not given:
        needs = {**needs, key: "kms:Decrypt kms:GenerateDataKey"}
    refused: list[str] = []
    for resource, actions in needs.items():
        answer = aws.ask(
            "iam:SimulatePrincipalPolicy",
            PolicySourceArn=role,
            ActionNames=actions.split(),
            ResourceArns=[resource],
            ContextEntries=list(context),
        )
        refused += [
            f"{one['EvalActionName']} on {resource.rpartition(':')[2]} ({_reason(one)})"
            for one in answer["EvaluationResults"]
            if one["EvalDecision"] != "allowed"
        ]
    if refused:
        what = f"{role.rpartition('/')[2]} may not {listed(refused, 2)}"
        own = f"{RESTORE}; for boundaries and organisations, ask their administrators"
        remedy = "add that permission to its policies" if given else own
        yield Finding("warn" if given else "fail", what, remedy)


def _reason(result: Mapping[str, Any]) -> str:
    """Describe which kind of policy refuses (IAM API, EvaluationResult)."""
    organisation = result.get("OrganizationsDecisionDetail", {})
    boundary = result.get("PermissionsBoundaryDecisionDetail", {})
    if not organisation.get("AllowedByOrganizations", True):
        return "the organisation's policies"
    if not boundary.get("AllowedByPermissionsBoundary", True):
        return "the permissions boundary"
    return "a Deny" if result["EvalDecision"] == "explicitDeny" else "no policy allows it"
