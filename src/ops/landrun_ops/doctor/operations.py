"""Checks of operations: deployment, executions, alarms, dead-letter messages."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from landrun.sanitize import json_object
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.findings import Finding, listed
from landrun_ops.stack.dead_letters import QUEUES, DeadLetterQueue, Why
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.waiting_executions import slot_usage
from landrun_ops.units import count, spelled

READ: Final = 20
"""How many executions' definitions and inputs are read, oldest first."""

PATIENCE: Final = timedelta(minutes=20)
"""How long slots may be free while executions wait, as reconcile runs every 15 minutes."""

PEEKED: Final = 100
"""How many dead-letter messages of a queue are read for their reasons."""

_KEY: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")
_NETWORK: Final = re.compile(r"\b(?:subnet|sg)-[0-9A-Za-z]+\b")
_IMAGE: Final = re.compile(r'"ImageUri": ?"([^"]+)"')


def credentials(aws: AwsReader) -> Iterator[Finding]:
    """AWS knows the caller."""
    arn = aws.ask("sts:GetCallerIdentity")["Arn"]
    yield Finding("ok", f"{arn}, region {aws.stack.region}")


def deployment(aws: AwsReader) -> Iterator[Finding]:
    """The last deployment succeeded."""
    status, name = aws.stack.status, aws.stack.name
    why = f"; why: aws cloudformation describe-stack-events --stack-name {name}"
    if status.endswith("_IN_PROGRESS"):
        yield Finding("warn", f"{status}: a deployment is under way", "wait for its end")
    elif status == "UPDATE_ROLLBACK_COMPLETE":
        remedy = f"correct the cause, and sam deploy again{why}"
        yield Finding("warn", f"{status}: the version before it runs", remedy)
    elif status == "UPDATE_ROLLBACK_FAILED":
        remedy = f"aws cloudformation continue-update-rollback --stack-name {name}"
        yield Finding("fail", status, f"{remedy}{why}")
    elif status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        yield Finding("fail", status, f"sam delete the stack, and sam deploy again{why}")


def executions(aws: AwsReader) -> Iterator[Finding]:
    """The roles still allow what running and waiting executions were started for."""
    found = sorted(running_executions(aws), key=lambda one: one["startDate"])
    needs: dict[str, list[str]] = {}
    for one in found[:READ]:
        arn = {"executionArn": one["executionArn"]}
        execution = aws.ask("states:DescribeExecution", **arn)
        kept = aws.ask("states:DescribeStateMachineForExecution", **arn)
        for parameter in _earlier_parameters(aws, execution, kept["definition"]):
            needs.setdefault(parameter, []).append(one["name"])
    for parameter, names in needs.items():
        what = f"started with another {parameter}, which the roles no longer allow: {listed(names)}"
        remedy = f"sam deploy with the earlier {parameter}, or landrun stop and landrun rerun them"
        yield Finding("warn", f"{what} will fail", remedy)
    if not needs:
        what = f"{count(len(found), 'execution')} running or waiting, which the roles still allow"
        yield Finding("ok", f"{what} (read: the oldest {READ})" if len(found) > READ else what)


def running_executions(aws: AwsReader) -> list[dict[str, Any]]:
    """Return the executions that run or wait: Step Functions has both as RUNNING."""
    which = {"stateMachineArn": aws.stack.output("StateMachineArn"), "statusFilter": "RUNNING"}
    return aws.pages("states:ListExecutions", "executions", **which)


def _earlier_parameters(
    aws: AwsReader, execution: Mapping[str, Any], definition: str
) -> Iterator[str]:
    """Yield the parameters of an earlier deployment that today's roles no longer allow.

    An execution keeps its definition and its input, but a deployment changes roles at once.
    """
    parameter, outputs = aws.parameter, f"s3://{aws.stack.output('OutputBucket')}/"
    landings = f"s3://{aws.stack.output('LandingBucket')}/"
    processed = outputs + parameter("OutputPrefix")
    repository = aws.stack.output("ImageRepositoryUri")
    fields = json_object(execution.get("input"))
    read = str(fields.get("InputMessage", landings))
    written = str(fields.get("OutputProcessedMessage", processed))
    keys = parameter("KmsKeyArn") + parameter("PreviousKmsKeyArns")
    network = parameter("SubnetIds") + parameter("SecurityGroupIds")
    allowed = {
        "JobNamePrefix": execution["name"].startswith(f"{parameter('JobNamePrefix')}-"),
        "ManifestPrefix": read.startswith((landings, outputs + parameter("ManifestPrefix"))),
        "OutputPrefix": written.startswith(processed),
        "key in PreviousKmsKeyArns": all(one in keys for one in _KEY.findall(definition)),
        "SubnetIds": all(one in network for one in _NETWORK.findall(definition)),
        "ImageUri": bool(parameter("ImageUri"))
        or all(one.startswith(repository) for one in _IMAGE.findall(definition)),
    }
    yield from (name for name, is_allowed in allowed.items() if not is_allowed)


def concurrency(aws: AwsReader) -> Iterator[Finding]:
    """Executions wait for a concurrency slot only while none is free."""
    usage = slot_usage(aws.stack)
    what = f"{usage.in_use:,} of {usage.limit or 'unlimited'} slots are in use"
    waited = aws.now - (usage.oldest_request or aws.now)
    if usage.waiting:
        wait = spelled(waited.total_seconds())
        what = f"{what}, {len(usage.waiting):,} waiting, the longest for {wait}"
    if waited > PATIENCE and (not usage.limit or usage.in_use < usage.limit):
        yield Finding("warn", what, "landrun reconcile resumes them, or its log says why not")
    else:
        yield Finding("ok", what)


def subscribers(aws: AwsReader) -> Iterator[Finding]:
    """Somebody has confirmed a subscription to failures and alarms."""
    topic = aws.stack.output("NotificationsTopicArn")
    found = aws.pages("sns:ListSubscriptionsByTopic", "Subscriptions", TopicArn=topic)
    pending = [one["Endpoint"] for one in found if not one["SubscriptionArn"].startswith("arn:")]
    if pending:
        what = f"{listed(pending)} has not confirmed the subscription"
        yield Finding("warn", what, "follow the link in AWS's mail; SNS's console sends it again")
    if not found:
        remedy = "sam deploy with NotificationEmail, or subscribe to the topic"
        yield Finding("warn", "nobody is notified of failures and alarms", remedy)


def alarms(aws: AwsReader) -> Iterator[Finding]:
    """No alarm of the stack is in the state ALARM."""
    prefix = f"{aws.stack.name}-"
    which = {"AlarmNamePrefix": prefix, "StateValue": "ALARM"}
    for one in aws.pages("cloudwatch:DescribeAlarms", "MetricAlarms", **which):
        name = one["AlarmName"].removeprefix(prefix)
        if "-" not in name:  # the stack landrun-prod has alarms that begin with landrun- as well
            what = f"{one['AlarmName']} is in ALARM: {one.get('StateReason', 'no reason given')}"
            yield Finding("warn", what, f"docs/alarms/{name}.md says what to type")


def dead_letters(aws: AwsReader) -> Iterator[Finding]:
    """The dead-letter queues are empty."""
    client = aws.stack.client("sqs")
    for queue, output in QUEUES.items():
        url = aws.stack.output(output)
        if not (number := depth(client, url)):
            continue
        remedy = f"landrun redrive --queue {queue} --dry-run says why, without it sends them back"
        yield Finding("fail", f"{queue}: {count(number, 'dead-letter message')}", remedy)
        messages = DeadLetterQueue(client, url).peek(PEEKED)
        refused = [one.reason for one in messages if one.why is Why.REFUSED]
        if refused:
            remedy = f"landrun redrive --queue {queue} --discard saves them, and deletes them"
            what = f"{queue}: of these, {len(refused)} were refused: {refused[0]}"
            yield Finding("fail", what, remedy)
