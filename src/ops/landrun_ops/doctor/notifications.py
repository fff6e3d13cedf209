"""Who is notified of failures, and which alarms are in the state ALARM."""

from __future__ import annotations

from collections.abc import Iterator

from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import Finding, listed, ok, warn


def subscribers(aws: StackReader) -> Finding:
    """Somebody has confirmed the subscription to failures and alarms."""
    topic = aws.output("NotificationsTopicArn")
    found = aws.pages("sns:ListSubscriptionsByTopic", "Subscriptions", TopicArn=topic)
    pending = [one for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    if pending:
        return warn(
            f"{listed([one['Endpoint'] for one in pending])} has not confirmed the subscription",
            "follow the link in AWS's mail; SNS's console sends it again",
        )
    if not found:
        return warn(
            "nobody is notified of failures and alarms",
            "sam deploy with NotificationEmail, or subscribe to the topic",
        )
    return ok(f"{len(found)} subscriber{'s' if len(found) != 1 else ''}")


def alarms(aws: StackReader) -> Iterator[Finding]:
    """No alarm of the stack is in the state ALARM."""
    prefix = f"{aws.stack.name}-"
    found = aws.pages(
        "cloudwatch:DescribeAlarms", "MetricAlarms", AlarmNamePrefix=prefix, StateValue="ALARM"
    )
    # The stack landrun-prod has alarms that begin with landrun- as well.
    names = {one["AlarmName"].removeprefix(prefix): one for one in found}
    own = {name: one for name, one in names.items() if "-" not in name}
    for name, one in own.items():
        says = f"{one['AlarmName']} is in ALARM: {one.get('StateReason', 'no reason given')}"
        yield warn(says, f"docs/alarms/{name}.md says what to type")
    if not own:
        yield ok()
