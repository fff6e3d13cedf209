"""Checks of the path of events: buckets, rules, queues, functions, and schedules."""

from collections.abc import Iterator, Mapping
from typing import Final

from landrun import settings
from landrun.errors import ConfigurationError
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.findings import RESTORE, Finding
from landrun_ops.stack.cron import ScheduleError, next_time
from landrun_ops.units import spelled

SETTINGS: Final[Mapping[str, type[settings.Settings]]] = {
    "ObjectCreatedFunction": settings.ObjectCreatedSettings,
    "ScheduleFunction": settings.ScheduleSettings,
    "ExecutionStatusFunction": settings.ExecutionStatusSettings,
    "ReconcileFunction": settings.ReconcileSettings,
}
"""The settings that each function reads from its environment."""

_NOT_FOUND: Final = "ResourceNotFoundException"
_NO_RUNS: Final = "objects that land start no runs"
_NO_RECORDS: Final = "ends of runs are recorded by reconcile alone"


def buckets(aws: AwsReader) -> Iterator[Finding]:
    """The buckets exist in the stack's region."""
    names = {f"{name}Name": aws.stack.output(name) for name in ("LandingBucket", "OutputBucket")}
    scheduled = aws.parameter("ScheduledInput")
    if scheduled.startswith("s3://"):
        names["ScheduledInput"] = scheduled.split("/")[2]
    for parameter, name in names.items():
        found = aws.ask("s3:HeadBucket", missing="404", Bucket=name)
        region = found.get("BucketRegion", aws.stack.region)
        remedy = f"sam deploy with another {parameter}"
        if not found:
            yield Finding("fail", f"there is no bucket {name}", remedy)
        elif region != aws.stack.region:
            what = f"{name} is in {region}, the stack in {aws.stack.region}: no event gets there"
            yield Finding("fail", what, f"{remedy}, or deploy in {region}")


def bucket_events(aws: AwsReader) -> Iterator[Finding]:
    """The landing bucket sends its events to EventBridge."""
    bucket = aws.stack.output("LandingBucket")
    found = aws.ask("s3:GetBucketNotificationConfiguration", Bucket=bucket)
    if found.get("EventBridgeConfiguration") is None:
        what = f"{bucket} does not send events to EventBridge: {_NO_RUNS}"
        yield Finding("fail", what, f"S3's console: {bucket}, Properties, Amazon EventBridge, On")


def rules(aws: AwsReader) -> Iterator[Finding]:
    """The rules of landings and of status changes are enabled, and may send to their queues."""
    for kind, without in (("Landing", _NO_RUNS), ("Status", _NO_RECORDS)):
        name, queue = (aws.stack.output(f"{kind}{what}") for what in ("Rule", "QueueUrl"))
        found = aws.ask("events:DescribeRule", missing=_NOT_FOUND, Name=name)
        if not found:
            yield Finding("fail", f"there is no rule {name}: {without}", RESTORE)
            continue
        if found["State"] == "DISABLED":
            remedy = f"aws events enable-rule --name {name}"
            yield Finding("fail", f"{name} is DISABLED: {without}", remedy)
        targets = aws.pages("events:ListTargetsByRule", "Targets", Rule=name)
        if aws.stack.output(f"{kind}QueueArn") not in [one["Arn"] for one in targets]:
            yield Finding("fail", f"{name} does not send to its queue: {without}", RESTORE)
        answer = aws.ask("sqs:GetQueueAttributes", QueueUrl=queue, AttributeNames=["All"])
        policy = answer["Attributes"].get("Policy", "")
        if "events.amazonaws.com" not in policy and not aws.stack.laptop:
            what = f"the policy of {queue} does not let EventBridge send: {without}"
            yield Finding("fail", what, RESTORE)


def functions(aws: AwsReader) -> Iterator[Finding]:
    """The functions can be invoked, and accept their environment."""
    for output, model in SETTINGS.items():
        name = aws.stack.output(output)
        concurrency = aws.ask("lambda:GetFunctionConcurrency", FunctionName=name)
        if concurrency.get("ReservedConcurrentExecutions") == 0:
            remedy = f"aws lambda delete-function-concurrency --function-name {name}"
            what = f"{name} has a reserved concurrency of 0: it is never invoked"
            yield Finding("fail", what, remedy)
        answer = aws.ask("lambda:GetFunctionConfiguration", FunctionName=name)["Environment"]
        if "Error" in answer:  # encrypted with a key that the caller may not use
            yield Finding("skip", f"the environment of {name} is encrypted", "ask for kms:Decrypt")
            continue
        try:
            model.load(answer["Variables"])
        except ConfigurationError as error:
            yield Finding("fail", f"{name}: {error}", "sam deploy with other parameters")


def event_sources(aws: AwsReader) -> Iterator[Finding]:
    """The functions receive messages from their queues."""
    for function, queue in (
        ("ObjectCreatedFunction", "LandingQueueArn"),
        ("ExecutionStatusFunction", "StatusQueueArn"),
    ):
        name, arn = aws.stack.output(function), aws.stack.output(queue)
        found = aws.pages(
            "lambda:ListEventSourceMappings", "EventSourceMappings", FunctionName=name
        )
        mine = [one for one in found if one.get("EventSourceArn") == arn]
        if not mine:
            yield Finding("fail", f"no event source mapping feeds {name} from {arn}", RESTORE)
        elif mine[0]["State"] in ("Disabled", "Disabling"):
            remedy = f"aws lambda update-event-source-mapping --uuid {mine[0]['UUID']} --enabled"
            yield Finding("fail", f"the event source {arn} of {name} is disabled", remedy)


def tick_schedule(aws: AwsReader) -> Iterator[Finding]:
    """The schedule is enabled if its ticks have something to read (StartOn, ScheduledInput)."""
    if aws.parameter("StartOn") != "schedule" and not aws.parameter("ScheduledInput"):
        return
    group, name = aws.stack.output("ScheduleArn").split("/")[-2:]
    found = aws.ask("scheduler:GetSchedule", missing=_NOT_FOUND, Name=name, GroupName=group)
    if not found:
        yield Finding("fail", "the stack's schedule is gone: no tick comes", RESTORE)
        return
    if found["State"] != "ENABLED":
        remedy = "EventBridge Scheduler's console: enable it"
        yield Finding("fail", f"{name} is {found['State']}: no tick comes, landings wait", remedy)
        return
    expression = found["ScheduleExpression"]
    zone, start = found.get("ScheduleExpressionTimezone", "UTC"), found.get("CreationDate", aws.now)
    try:
        due = next_time(expression, zone, start)(aws.now)
    except ScheduleError as error:
        yield Finding("skip", f"{expression} is enabled; when it is due is not known: {error}")
        return
    if due is None:
        remedy = "sam deploy with another ScheduleExpression"
        yield Finding("fail", f"{expression} is never due again", remedy)
    else:
        wait = spelled((due - aws.now).total_seconds())
        yield Finding("ok", f"{expression} {zone}: the next tick is due in {wait}")


def reconcile_schedule(aws: AwsReader) -> Iterator[Finding]:
    """A schedule invokes ReconcileFunction."""
    group = aws.stack.output("ScheduleArn").split("/")[-2]
    target = f":function:{aws.stack.output('ReconcileFunction')}"
    schedules = aws.pages("scheduler:ListSchedules", "Schedules", GroupName=group)
    mine = [one for one in schedules if one["Target"]["Arn"].endswith(target)]
    if not mine:
        yield Finding("fail", "no schedule invokes ReconcileFunction: missed events stay", RESTORE)
    elif mine[0]["State"] != "ENABLED":
        remedy = "EventBridge Scheduler's console: enable it; until then: landrun reconcile"
        what = f"{mine[0]['Name']} is {mine[0]['State']}: missed events stay missed"
        yield Finding("fail", what, remedy)
