"""From the landing bucket to the queues: buckets, notifications, rules, and queue policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import RESTORE, Finding, fail, ok, problems, warn


class Rule(NamedTuple):
    """A rule of the stack: outputs of the rule, its queue and its source, and what it is for."""

    rule: str
    queue: str
    source: str
    path: tuple[str, ...]
    without: str


LANDING: Final = Rule(
    *("LandingRule", "LandingQueue", "LandingBucket", ("detail", "bucket", "name")),
    "objects that land start no runs",
)
STATUS: Final = Rule(
    *("StatusRule", "StatusQueue", "StateMachineArn", ("detail", "stateMachineArn")),
    "ends of runs are recorded by reconcile alone",
)


def buckets(aws: StackReader) -> list[Finding]:
    """The buckets exist in the stack's region."""
    names = {name: aws.output(name) for name in ("LandingBucket", "OutputBucket")}
    scheduled = aws.parameter("ScheduledInput")
    if scheduled.startswith("s3://"):
        names["ScheduledInput"] = scheduled.removeprefix("s3://").partition("/")[0]
    findings = (_judge_bucket(aws, about, name) for about, name in names.items())
    return problems(findings, f"{', '.join(dict.fromkeys(names.values()))} exist here")


def _judge_bucket(aws: StackReader, about: str, name: str) -> Finding:
    remedy = f"sam deploy with another {about.replace('Bucket', 'BucketName')}"
    try:
        region = aws.ask("s3:HeadBucket", Bucket=name).get("BucketRegion", aws.stack.region)
    except ServiceError as error:
        if error.code in ("404", "NoSuchBucket", "NotFound"):
            return fail(f"there is no bucket {name}", remedy)
        if error.code not in ("301", "PermanentRedirect"):
            raise
        headers = error.answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = headers.get("x-amz-bucket-region", "another region")
    if region == aws.stack.region:
        return ok()
    return fail(
        f"{name} is in {region}, and the stack in {aws.stack.region}: events stay in a region",
        f"{remedy}, or to {region}",
    )


def notifications(aws: StackReader) -> Finding:
    """The landing bucket sends its events to EventBridge."""
    bucket = aws.output("LandingBucket")
    configuration = aws.ask("s3:GetBucketNotificationConfiguration", Bucket=bucket)
    if "EventBridgeConfiguration" in configuration:
        return ok()
    says = f"{bucket} does not send events to EventBridge: {LANDING.without}"
    if any(name.endswith("Configurations") for name in configuration):
        # put-bucket-notification-configuration would replace the bucket's other notifications.
        return fail(says, f"S3's console: {bucket}, Properties, Amazon EventBridge, On")
    return fail(
        says,
        f"aws s3api put-bucket-notification-configuration --bucket {bucket}"
        " --notification-configuration '{\"EventBridgeConfiguration\": {}}'",
    )


def rule(aws: StackReader, about: Rule) -> Finding:
    """The rule is enabled, matches the stack's events, and sends them to its queue."""
    name = aws.output(about.rule)
    found = aws.find("events:DescribeRule", "ResourceNotFoundException", Name=name)
    if found is None:
        return fail(f"there is no rule {name}: {about.without}", RESTORE)
    if not found["State"].startswith("ENABLED"):
        remedy = f"aws events enable-rule --name {name}"
        return fail(f"{name} is {found['State']}: {about.without}", remedy)
    source, accepted = aws.output(about.source), json.loads(found.get("EventPattern", "{}"))
    for field in about.path:
        accepted = accepted.get(field, {})
    if source not in accepted:
        return fail(f"{name} does not match {source}", RESTORE)
    targets = aws.pages("events:ListTargetsByRule", "Targets", Rule=name)
    mine = [one for one in targets if one["Arn"] == aws.output(f"{about.queue}Arn")]
    if not mine:
        return fail(f"{name} does not send to its queue: {about.without}", RESTORE)
    if not mine[0].get("DeadLetterConfig", {}).get("Arn"):
        return warn(f"{name} has no dead-letter queue: what it cannot send is lost", RESTORE)
    return ok()


def queue_policy(aws: StackReader, about: Rule) -> Finding:
    """The queue's policy lets its rule send."""
    answer = aws.ask(
        "sqs:GetQueueAttributes", QueueUrl=aws.output(f"{about.queue}Url"), AttributeNames=["All"]
    )
    statements = json.loads(answer["Attributes"].get("Policy", "{}")).get("Statement", [])
    rule_arn = aws.ask("events:DescribeRule", Name=aws.output(about.rule))["Arn"]
    for one in statements if isinstance(statements, list) else [statements]:
        if one.get("Effect") == "Allow" and _admits_events(one, rule_arn):
            return ok()
    return fail(f"the policy of {about.queue} does not let events.amazonaws.com send", RESTORE)


def _admits_events(statement: Mapping[str, Any], rule_arn: str) -> bool:
    principal = statement.get("Principal", {})
    services = principal.get("Service", ()) if isinstance(principal, dict) else principal
    sources = [
        arn
        for keys in statement.get("Condition", {}).values()
        for key, arns in keys.items()
        if key.lower() == "aws:sourcearn"
        for arn in as_list(arns)
    ]
    return (
        "events.amazonaws.com" in as_list(services)
        and any("sqs:" in action.lower() for action in as_list(statement.get("Action", ())))
        and (not sources or any(arn == rule_arn or "*" in arn for arn in sources))
    )


def as_list(value: Any) -> list[Any]:
    """Return a policy's value, which may be one or several, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]
