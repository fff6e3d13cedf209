"""From the landing bucket to the landing queue: buckets, events, rules, and who may send."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.deployment import read_by_schedule
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import PUT_BACK, Finding, fail, ok, skip, warn

AREA: Final = "events"
_GONE = ("404", "NoSuchBucket", "NotFound")
_ELSEWHERE = ("301", "PermanentRedirect")
RULES: Final = {
    "landing rule": ("LandingRule", "LandingQueueArn", "what lands starts nothing"),
    "status rule": ("StatusRule", "StatusQueueArn", "how runs end is not recorded"),
}
"""The stack's rules: the outputs of rule and queue, and what its failing means."""


def judge_bucket(name: str, region: str, found: str, parameter: str) -> Finding:
    """Judge where a bucket is.

    Parameters
    ----------
    found : str
        HeadBucket's BucketRegion; empty when there is no such bucket.
    parameter : str
        Which parameter names the bucket.
    """
    if not found:
        return fail(f"there is no bucket {name}", f"sam deploy with another {parameter}")
    if found != region:
        return fail(
            f"{name} is in {found}, and the stack in {region}: events and jobs stay in a region",
            f"sam deploy to {found}, or with another {parameter}",
        )
    return ok(f"{name} is in {found}")


def judge_notifications(bucket: str, configuration: Mapping[str, Any], *, given: bool) -> Finding:
    """Judge whether a bucket tells EventBridge what lands in it.

    Parameters
    ----------
    configuration : Mapping[str, Any]
        GetBucketNotificationConfiguration's answer; with ``EventBridgeConfiguration``, be it
        empty, when it does (Amazon S3 API, NotificationConfiguration).
    given : bool
        Whether the bucket is not the stack's own.
    """
    if "EventBridgeConfiguration" in configuration:
        return ok(f"{bucket} tells EventBridge what lands")
    remedy = f"S3's console: {bucket}, Properties, Amazon EventBridge, On"
    others = [name for name in configuration if name.endswith("Configurations")]
    if others:
        remedy += " (put-bucket-notification-configuration would replace what else it tells)"
    elif given:
        remedy = (
            f"aws s3api put-bucket-notification-configuration --bucket {bucket}"
            " --notification-configuration '{\"EventBridgeConfiguration\": {}}'"
        )
    else:
        remedy += "; somebody turned it off"
    return fail(f"{bucket} does not tell EventBridge what lands: nothing starts runs", remedy)


def judge_versions(bucket: str, answer: Mapping[str, Any]) -> Finding:
    """Judge whether a landing bucket keeps versions; GetBucketVersioning's answer says it."""
    if answer.get("Status") == "Enabled":
        return ok(f"{bucket} keeps versions: each is known by its id")
    return ok(
        f"{bucket} keeps no versions: runs are named by events alone, and landrun backfill goes"
        " by times"
    )


def judge_rule(
    rule: Mapping[str, Any], targets: Sequence[Mapping[str, Any]], queue_arn: str, meaning: str
) -> Finding:
    """Judge a rule.

    Parameters
    ----------
    rule : Mapping[str, Any]
        DescribeRule's answer.
    targets : sequence of Mapping
        ListTargetsByRule's.
    queue_arn : str
        Where it has to send to.
    meaning : str
        What it means when it does not.
    """
    name = rule["Name"]
    if not rule["State"].startswith("ENABLED"):
        return fail(
            f"{name} is {rule['State']}: {meaning}", f"aws events enable-rule --name {name}"
        )
    mine = [target for target in targets if target["Arn"] == queue_arn]
    if not mine:
        return fail(f"{name} does not send to its queue: {meaning}", PUT_BACK)
    if not mine[0].get("DeadLetterConfig", {}).get("Arn"):
        return warn(f"{name} has no dead-letter queue: what it cannot send is lost", PUT_BACK)
    return ok(f"{name} is enabled and sends to its queue")


def judge_pattern(rule: Mapping[str, Any], wanted: str, path: Sequence[str]) -> Finding:
    """Judge whether a rule is about the bucket, or the machine, of its stack.

    Parameters
    ----------
    wanted : str
        The name of the bucket, or the machine's ARN.
    path : sequence of str
        Where the event pattern says it.
    """
    node: Any = json.loads(rule.get("EventPattern", "{}"))
    for name in path:
        node = node.get(name, {}) if isinstance(node, dict) else {}
    if isinstance(node, list) and wanted in node:
        return ok(f"{rule['Name']} is about {wanted}")
    return fail(f"{rule['Name']} is not about {wanted}", PUT_BACK)


def judge_policy(queue: str, attributes: Mapping[str, str], rule_arn: str) -> Finding:
    """Judge whether a queue lets its rule send.

    Parameters
    ----------
    attributes : Mapping[str, str]
        GetQueueAttributes' answer; ``Policy`` is JSON, and absent when there is none.
    """
    statements = json.loads(attributes.get("Policy", "{}")).get("Statement", [])
    for one in statements if isinstance(statements, list) else [statements]:
        principal = one.get("Principal", {})
        services = principal.get("Service", ()) if isinstance(principal, dict) else principal
        if (
            one.get("Effect") == "Allow"
            and "events.amazonaws.com" in _listed(services)
            and any("sqs:" in action.lower() for action in _listed(one.get("Action", ())))
            and _about(one.get("Condition", {}), rule_arn)
        ):
            return ok(f"{queue} lets its rule send")
    return fail(
        f"{queue} does not let events.amazonaws.com send for its rule: events are lost",
        PUT_BACK,
    )


def _about(condition: Mapping[str, Any], rule_arn: str) -> bool:
    arns = [
        value
        for keys in condition.values()
        for key, values in keys.items()
        if key.lower() == "aws:sourcearn"
        for value in _listed(values)
    ]
    return not arns or rule_arn in arns or any("*" in arn for arn in arns)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def checks(sight: Sight) -> list[Check]:
    """Give the checks of the way from bucket to queue."""
    stack = sight.stack
    landing = stack.outputs.get("LandingBucket", "")
    given = bool(stack.parameters.get("LandingBucketName"))

    def rule(name: str) -> Iterator[Finding]:
        output, queue, meaning = RULES[name]
        described = _rule(sight, output, stack.output(queue))
        if described is None:
            yield fail(f"no rule sends to {stack.output(queue)}: {meaning}", PUT_BACK)
            return
        targets = sight.all("events:ListTargetsByRule", "Targets", Rule=described["Name"])
        first = judge_rule(described, targets, stack.output(queue), meaning)
        about = (
            judge_pattern(described, landing, ("detail", "bucket", "name"))
            if output == "LandingRule"
            else judge_pattern(
                described, stack.output("StateMachineArn"), ("detail", "stateMachineArn")
            )
        )
        yield first if about.grade == "ok" else about

    def policy(name: str) -> Finding:
        if stack.laptop:
            return skip("the laptop's queues take what anybody sends")
        output, queue, _ = RULES[name]
        described = _rule(sight, output, stack.output(queue))
        url = stack.output(queue.replace("Arn", "Url"))
        answer = sight.ask("sqs:GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        arn = described["Arn"] if described else ""
        return judge_policy(url.rpartition("/")[2], answer["Attributes"], arn)

    return [
        Check(AREA, "landing bucket", partial(_bucket, sight, "LandingBucket")),
        Check(
            AREA,
            "EventBridge",
            lambda: judge_notifications(
                landing,
                _plain(sight.ask("s3:GetBucketNotificationConfiguration", Bucket=landing)),
                given=given,
            ),
        ),
        Check(
            AREA,
            "versions",
            lambda: judge_versions(landing, sight.ask("s3:GetBucketVersioning", Bucket=landing)),
        ),
        *(Check(AREA, name, partial(rule, name)) for name in RULES),
        *(Check(AREA, name.replace("rule", "queue"), partial(policy, name)) for name in RULES),
        Check(AREA, "output bucket", partial(_bucket, sight, "OutputBucket")),
        *_scheduled(sight),
    ]


def _scheduled(sight: Sight) -> Iterator[Check]:
    """Give the check of the bucket that ticks read, where that is another one."""
    text = sight.stack.parameters.get("ScheduledInput", "")
    name, _ = read_by_schedule(text, sight.stack.outputs.get("LandingBucket", ""))
    if text.startswith("s3://"):
        yield Check(AREA, "scheduled input", partial(_found, sight, name, "ScheduledInput"))


def _bucket(sight: Sight, output: str) -> Finding:
    return _found(sight, sight.stack.output(output), f"{output}Name")


def _found(sight: Sight, name: str, parameter: str) -> Finding:
    """Look where a bucket is."""
    try:
        found = sight.ask("s3:HeadBucket", Bucket=name).get("BucketRegion", sight.stack.region)
    except ServiceError as error:
        if error.code in _GONE:
            found = ""
        elif error.code in _ELSEWHERE:
            headers = error.answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            found = headers.get("x-amz-bucket-region", "another region")
        else:
            raise
    return judge_bucket(name, sight.stack.region, found, parameter)


def _rule(sight: Sight, output: str, queue_arn: str) -> dict[str, Any] | None:
    """Find a rule by the stack's output or, of an older stack, by its target."""
    name = sight.stack.outputs.get(output)
    if not name:
        names = sight.all("events:ListRuleNamesByTarget", "RuleNames", TargetArn=queue_arn)
        name = names[0] if names else None
    try:
        return sight.ask("events:DescribeRule", Name=name) if name else None
    except ServiceError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


def _plain(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
