"""What alarms and dashboard look at is there: emitted by the functions, or documented by AWS."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any
from unittest.mock import patch

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

from emitted_metrics import emitted_metrics
from landrun.observability import count, count_by
from landrun.services import reconcile

Json = dict[str, Any]
MetricsOf = Callable[[Json], list[Json]]
Metric = tuple[str, str, frozenset[str]]
"""Namespace, name, names of dimensions."""

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


@pytest.fixture(scope="module")
def emitted() -> set[Metric]:
    """Every metric that the functions emit, as Powertools prints it."""
    environment = {"POWERTOOLS_SERVICE_NAME": "landrun", "POWERTOOLS_METRICS_NAMESPACE": "landrun"}
    printed = io.StringIO()
    with patch.dict("os.environ", environment), redirect_stdout(printed):
        metrics = EphemeralMetrics()
        for name, dimension in emitted_metrics():
            if dimension:
                count_by(name, dimension, "some")
            else:
                count(metrics, name)
        metrics.flush_metrics()
    return {
        (directive["Namespace"], metric["Name"], frozenset(dimensions))
        for line in printed.getvalue().splitlines()
        for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }


def looked_at(alarms: Json, dashboard: Json, metrics_of: MetricsOf) -> set[Metric]:
    return {
        (each["Namespace"], each["MetricName"], frozenset(d["Name"] for d in each["Dimensions"]))
        for alarm in alarms.values()
        for each in metrics_of(alarm)
    } | {metric for widget in dashboard["widgets"] for metric in shown(widget)}


def shown(widget: Json) -> Iterator[Metric]:
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


def searched(expression: str) -> Metric:
    match = re.match(r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\"", expression)
    assert match, expression
    return match[1], match[3], frozenset(match[2].split(","))


def test_every_metric_is_one_that_is_emitted(
    alarms: Json, dashboard: Json, emitted: set[Metric], metrics_of: MetricsOf
) -> None:
    known = emitted | {(space, name, frozenset([by])) for space, name, by in OF_AWS}
    assert looked_at(alarms, dashboard, metrics_of) - known == set()


def test_a_metric_that_nobody_emits_would_be_seen(emitted: set[Metric]) -> None:
    assert ("landrun", "MissedEventsRecovered", frozenset(["service", "Kind"])) in emitted
    assert ("landrun", "MissedEventsRecovered", frozenset(["service"])) not in emitted
    assert ("landrun", "RunDuration", frozenset(["service"])) in emitted


def test_every_metric_is_of_this_stack_only(
    alarms: Json, dashboard: Json, metrics_of: MetricsOf, given: Json
) -> None:
    for name, alarm in alarms.items():
        for metric in metrics_of(alarm):
            values = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
            values.pop("Kind", None)
            assert all(v.startswith("<") or v in given.values() for v in values.values()), name
    searches = re.findall(r"SEARCH\([^)]*\)", json.dumps(dashboard))
    assert searches
    assert all(given["Service"] in search for search in searches)


def test_every_kind_of_loss_is_alarmed(alarms: Json, metrics_of: MetricsOf) -> None:
    kinds = [
        dimension["Value"]
        for metric in metrics_of(alarms["MissedEventsRecovered"])
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "Kind"
    ]
    assert sorted(kinds) == sorted(reconcile.KINDS.values())


@pytest.mark.parametrize("alarm", ["FunctionErrors", "FunctionsThrottled"])
def test_every_function_is_watched(alarms: Json, alarm: str, metrics_of: MetricsOf) -> None:
    watched = [metric["Dimensions"][0]["Value"] for metric in metrics_of(alarms[alarm])]
    assert watched == [f"<{function}FunctionName>" for function in FUNCTIONS]


def test_each_dead_letter_queue_has_an_alarm_of_its_own(alarms: Json) -> None:
    queues = [
        alarm["Dimensions"][0]["Value"]
        for alarm in alarms.values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    ]
    assert sorted(queues) == [
        "<LandingDeadLetterQueueName>",
        "<ScheduleDeadLetterQueueName>",
        "<StatusDeadLetterQueueName>",
    ]
