"""What alarms and dashboard look at is there: emitted by the functions, or documented by AWS."""

from __future__ import annotations

import json
import re

import pytest

from emitted_metrics import emitted_metrics

OF_AWS = {
    # Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS"
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
    ("AWS/SQS", "NumberOfMessagesSent", "QueueName"),
    # AWS Lambda developer guide, "Types of metrics for Lambda functions"
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Invocations", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"),
    # AWS Step Functions developer guide, "Monitoring Step Functions metrics using CloudWatch"
    ("AWS/States", "ExecutionThrottled", "StateMachineArn"),
    ("AWS/States", "ExecutionsAborted", "StateMachineArn"),
    ("AWS/States", "ExecutionsFailed", "StateMachineArn"),
    ("AWS/States", "ExecutionsSucceeded", "StateMachineArn"),
    ("AWS/States", "ExecutionsTimedOut", "StateMachineArn"),
    # EventBridge Scheduler user guide, "Monitoring with Amazon CloudWatch"
    ("AWS/Scheduler", "InvocationDroppedCount", "ScheduleGroup"),
    ("AWS/Scheduler", "InvocationsFailedToBeSentToDeadLetterCount", "ScheduleGroup"),
    ("AWS/Scheduler", "TargetErrorCount", "ScheduleGroup"),
    # Amazon EventBridge user guide, "Monitoring Amazon EventBridge" (rules of the default bus)
    ("AWS/Events", "FailedInvocations", "RuleName"),
}
FUNCTIONS = ("ObjectCreated", "Schedule", "ExecutionStatus", "Reconcile")


def looked_at(alarms, dashboard, metrics_of):
    return {
        (each["Namespace"], each["MetricName"], frozenset(d["Name"] for d in each["Dimensions"]))
        for alarm in alarms.values()
        for each in metrics_of(alarm)
    } | {metric for widget in dashboard["widgets"] for metric in shown(widget)}


def shown(widget):
    """Yield the metrics of a widget, its ``.`` and ``...`` written out."""
    before: list[str] = []
    for row in widget["properties"].get("metrics", []):
        words = [word for word in row if isinstance(word, str)]
        expression = row[-1].get("expression") if isinstance(row[-1], dict) else None
        if expression:
            yield searched(expression)
            continue
        if words[0] == "...":
            words = before[: len(before) - len(words) + 1] + words[1:]
        before = [
            old if new == "." else new for new, old in zip(words, before or words, strict=False)
        ]
        yield before[0], before[1], frozenset(before[2::2])


def searched(expression):
    match = re.match(r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\"", expression)
    assert match, expression
    return match[1], match[3], frozenset(match[2].split(","))


def test_every_metric_is_one_that_is_emitted(alarms, dashboard, metrics_of):
    ours = {("landrun", name, frozenset({"service", by} - {""})) for name, by in emitted_metrics()}
    of_aws = {(space, name, frozenset([by])) for space, name, by in OF_AWS}
    assert looked_at(alarms, dashboard, metrics_of) - ours - of_aws == set()


def test_alarms_read_metrics_of_what_the_stack_makes_and_only_that(
    deployed, metrics_of, alarms, dashboard
):
    read: dict[str, set[str]] = {}
    for name, alarm in alarms.items():
        for metric in metrics_of(alarm):
            [dimension] = metric["Dimensions"]
            read.setdefault(dimension["Name"], set()).add(dimension["Value"])
            assert dimension["Name"] != "service" or metric["Namespace"] == "landrun", name
    assert read == {
        "service": {"landrun"},
        "StateMachineArn": {"<ProcessingStateMachine>"},
        "FunctionName": {f"<{function}Function>" for function in FUNCTIONS},
        "QueueName": {
            f"<{queue}Queue.QueueName>"
            for queue in ("Landing", "LandingDeadLetter", "StatusDeadLetter", "ScheduleDeadLetter")
        },
        "RuleName": {"<LandingRule>", "<StatusRule>"},
        "ScheduleGroup": {"<ScheduleGroup>"},
    }
    assert deployed(StartOn="schedule").of_type("AWS::CloudWatch::Alarm") == alarms
    searches = re.findall(r"SEARCH\([^)]*\)", json.dumps(dashboard))
    assert searches
    assert all(re.search(r"service=\W+landrun", search) for search in searches)


def test_alarms_of_a_machine_that_exists_already_read_the_metrics_of_that(deployed, metrics_of):
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:notebook-made"
    alarms = deployed(StateMachineArn=arn).of_type("AWS::CloudWatch::Alarm")
    [metric] = metrics_of(alarms["ExecutionsThrottled"])
    assert metric["Dimensions"] == [{"Name": "StateMachineArn", "Value": arn}]


def test_the_metrics_and_the_log_group_are_the_functions_own(stack, alarms, dashboard):
    for function in FUNCTIONS:
        environment = stack.environment(f"{function}Function")
        assert environment["POWERTOOLS_SERVICE_NAME"] == "landrun"
        assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "landrun"
    log_group = stack.of_type("AWS::Logs::LogGroup")["FunctionLogs"]["LogGroupName"]
    [query] = [w["properties"]["query"] for w in dashboard["widgets"] if w["type"] == "log"]
    assert f"SOURCE '{log_group}'" in query
    texts = " ".join(alarm["AlarmDescription"] for alarm in alarms.values())
    assert {*re.findall(r"/aws/lambda/[\w-]+", texts)} == {log_group}


@pytest.mark.parametrize(
    ("alarm", "functions"),
    [("FunctionErrors", FUNCTIONS), ("FunctionsThrottled", ("ObjectCreated", "ExecutionStatus"))],
)
def test_errors_of_every_function_and_throttling_of_busy_ones_are_watched(
    alarms, alarm, functions, metrics_of
):
    watched = [metric["Dimensions"][0]["Value"] for metric in metrics_of(alarms[alarm])]
    assert watched == [f"<{function}Function>" for function in functions]


def test_each_dead_letter_queue_has_an_alarm_of_its_own(stack, alarms):
    watched = [
        alarm["Dimensions"][0]["Value"]
        for alarm in alarms.values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    ]
    queues = [name for name in stack.of_type("AWS::SQS::Queue") if "DeadLetter" in name]
    assert sorted(watched) == sorted(f"<{queue}.QueueName>" for queue in queues)
