"""Alarms and dashboard: what they read is there, and when an alarm fires and recovers.

A small CloudWatch evaluates the alarms' own expressions: FILL, SUM and IF of metric math, M out of
N periods, and missing data (CloudWatch user guide, "Alarm evaluation").
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from emitted_metrics import emitted_metrics

LASTS = {  # until somebody corrects it, so that the OK notification is worth sending
    "ExecutionsThrottled",
    "FunctionsThrottled",
    "LandingsDeadLettered",
    "LandingsWait",
    "MessagesFail",
    "ReconcileSilent",
    "StatusChangesDeadLettered",
    "TicksDeadLettered",
    "TicksMissing",
}
HAPPENS = {
    "EventsNotDelivered",
    "FunctionErrors",
    "MissedEventsRecovered",
    "RunsFailed",
    "SchedulesNotDelivered",
}
MOST_METRICS = 21
"""That all alarms together read; CloudWatch bills each (docs/costs.md has the amount)."""

OF_AWS = {
    # Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS"
    ("AWS/SQS", "QueueName"): "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesVisible"
    " NumberOfMessagesSent",
    # AWS Lambda developer guide, "Types of metrics for Lambda functions"
    ("AWS/Lambda", "FunctionName"): "Errors Invocations Throttles",
    # AWS Step Functions developer guide, "Monitoring Step Functions metrics using CloudWatch"
    ("AWS/States", "StateMachineArn"): "ExecutionThrottled ExecutionsAborted ExecutionsFailed"
    " ExecutionsSucceeded ExecutionsTimedOut",
    # EventBridge Scheduler user guide, "Monitoring with Amazon CloudWatch"
    ("AWS/Scheduler", "ScheduleGroup"): "InvocationDroppedCount TargetErrorCount"
    " InvocationsFailedToBeSentToDeadLetterCount",
    # Amazon EventBridge user guide, "Monitoring Amazon EventBridge" (rules of the default bus)
    ("AWS/Events", "RuleName"): "FailedInvocations",
}


@pytest.fixture(scope="session")
def alarms(stack):
    return stack.of_type("AWS::CloudWatch::Alarm")


@pytest.fixture(scope="session")
def dashboard(stack):
    body: dict[str, Any] = json.loads(
        stack.of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]
    )
    return body


def metrics_of(alarm):
    """What an alarm reads: Namespace, MetricName, Dimensions."""
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def shown(widget):
    """The metrics of a widget, its ``.`` and ``...`` written out."""
    before: list[str] = []
    for row in widget["properties"].get("metrics", []):
        words = [word for word in row if isinstance(word, str)]
        expression = row[-1].get("expression") if isinstance(row[-1], dict) else None
        if expression:
            found = re.match(r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\"", expression)
            yield found[1], found[3], frozenset(found[2].split(","))
            continue
        if words[0] == "...":
            words = before[: len(before) - len(words) + 1] + words[1:]
        before = [
            old if new == "." else new for new, old in zip(words, before or words, strict=False)
        ]
        yield before[0], before[1], frozenset(before[2::2])


def test_every_metric_is_emitted_by_the_functions_or_documented_by_aws(alarms, dashboard):
    ours = {("landrun", name, frozenset({"service", by} - {""})) for name, by in emitted_metrics()}
    of_aws = {
        (space, name, frozenset([by]))
        for (space, by), names in OF_AWS.items()
        for name in names.split()
    }
    looked_at = {metric for widget in dashboard["widgets"] for metric in shown(widget)} | {
        (one["Namespace"], one["MetricName"], frozenset(d["Name"] for d in one["Dimensions"]))
        for alarm in alarms.values()
        for one in metrics_of(alarm)
    }
    assert looked_at - ours - of_aws == set()


def test_alarms_read_the_metrics_of_this_stack_and_each_dead_letter_queue_has_one(stack, alarms):
    read: dict[str, set[str]] = {}
    for alarm in alarms.values():
        for metric in metrics_of(alarm):
            [dimension] = metric["Dimensions"]
            read.setdefault(dimension["Name"], set()).add(dimension["Value"])
    queues = {name for name in stack.of_type("AWS::SQS::Queue") if "DeadLetter" in name}
    assert read == {
        "service": {stack.environment("ReconcileFunction")["POWERTOOLS_SERVICE_NAME"]},
        "StateMachineArn": {"<ProcessingStateMachine>"},
        "FunctionName": {f"<{function}>" for function in stack.of_type("AWS::Lambda::Function")},
        "QueueName": {f"<{queue}.QueueName>" for queue in queues | {"LandingQueue"}},
        "RuleName": {"<LandingRule>", "<StatusRule>"},
        "ScheduleGroup": {"<ScheduleGroup>"},
    }


def test_the_dashboard_asks_the_four_questions_and_shows_every_alarm(dashboard, alarms):
    widgets: dict[str, list[Any]] = {"text": [], "alarm": []}
    for widget in dashboard["widgets"]:
        widgets.setdefault(widget["type"], []).append(widget["properties"])
    questions = ["Is data flowing?", "What failed?", "How long do runs take?", "What waits?"]
    assert [one["markdown"].removeprefix("## ") for one in widgets["text"]] == questions
    assert sorted(widgets["alarm"][0]["alarms"]) == sorted(f"<{name}.Arn>" for name in alarms)


def test_every_alarm_notifies_the_topic_and_of_its_end_where_that_means_something(alarms):
    assert alarms.keys() == LASTS | HAPPENS
    for name, alarm in alarms.items():
        assert alarm["AlarmName"] == f"landrun-{name}"  # the stack's name tells two stacks apart
        assert alarm["AlarmActions"] == ["<NotificationsTopic>"], name
        assert alarm.get("OKActions", []) == (alarm["AlarmActions"] if name in LASTS else []), name


def test_every_alarm_stays_within_cloudwatchs_limits_and_all_within_their_costs(alarms):
    for name, alarm in alarms.items():
        text = alarm["AlarmDescription"]
        assert len(text) + 80 * text.count("<") <= 1024, name  # with the longest names
        assert text.isascii(), name
        [period] = {one["MetricStat"]["Period"] for one in alarm.get("Metrics", [])[1:]} or {
            alarm["Period"]
        }
        assert period * alarm["EvaluationPeriods"] <= 86_400, name
    assert sum(len(metrics_of(alarm)) for alarm in alarms.values()) == MOST_METRICS


class Series(list[float | None]):
    """A metric in metric math: one value per period; None is a gap."""

    def __gt__(self, other):
        return Series(None if one is None else float(one > other) for one in self)


def fill(series, filler):
    """``FILL(series, 0)``, or ``FILL(series, REPEAT)``: the value before the gap, if any."""
    if not isinstance(series, Series):
        return [fill(each, filler) for each in series]
    filled, last = Series(), None
    for value in series:
        last = value if value is not None else last
        filled.append(value if value is not None else last if filler == "REPEAT" else filler)
    return filled


def evaluated(alarm, metrics):
    """Evaluate an alarm's expression over these values of its metrics, in their order."""
    if "Metrics" not in alarm:
        return Series(metrics[0])
    ids = [one["Id"] for one in alarm["Metrics"] if "MetricStat" in one]
    named = {name: Series(one) for name, one in zip(ids, metrics, strict=False)}
    functions = {
        "FILL": fill,
        "METRICS": lambda: list(named.values()),
        "SUM": lambda many: Series(sum(values) for values in zip(*many, strict=True)),
        "IF": lambda wanted, one: Series(
            value if holds else None for holds, value in zip(wanted, one, strict=True)
        ),
        "REPEAT": "REPEAT",
    }
    result: Series = eval(alarm["Metrics"][0]["Expression"], {**functions, **named})
    return result


def states(alarm, *metrics, further_back=0):
    """The alarm's state after each period; before the first there is no data at all.

    CloudWatch reads periods ``further_back`` than those that it evaluates.
    """
    state, found = "INSUFFICIENT_DATA", []
    of = alarm["EvaluationPeriods"]
    for end in range(1, len(metrics[0]) + 1):
        window = [([None] * 99 + list(one[:end]))[-of - further_back :] for one in metrics]
        state = next_state(state, alarm, evaluated(alarm, window)[-of:])
        found.append(state)
    return found


def next_state(state, alarm, points):
    present = [breaches(alarm, point) for point in points if point is not None]
    if sum(present) >= alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]):
        return "ALARM"
    if alarm["TreatMissingData"] == "ignore":
        return state if all(present) else "OK"
    return "OK"


def breaches(alarm, point):
    threshold = float(alarm["Threshold"])
    return {
        "GreaterThanOrEqualToThreshold": point >= threshold,
        "GreaterThanThreshold": point > threshold,
        "LessThanThreshold": point < threshold,
    }[alarm["ComparisonOperator"]]


ONCE = ([None, 1, None, None, None], [0, 1, 1, 1, 0])
MOMENTS = ([None, 9, 9, None, None, None, 9, None], [0, 0, 0, 0, 0, 0, 0, 0])
GOES_ON = ([None, 9, 9, 9, None, None], [0, 0, 0, 1, 1, 0])
UNTIL_EMPTY = ([None, 0, 1, 1, 0, None], [0, 0, 1, 1, 0, 0])


@pytest.mark.parametrize(
    ("name", "values", "fires"),
    [
        *((name, *ONCE) for name in sorted(HAPPENS)),
        *((name, *MOMENTS) for name in ("ExecutionsThrottled", "FunctionsThrottled")),
        *((name, *GOES_ON) for name in ("ExecutionsThrottled", "FunctionsThrottled")),
        *(("MessagesFail", *one) for one in (MOMENTS, GOES_ON)),
        *((name, *UNTIL_EMPTY) for name in sorted(LASTS) if name.endswith("DeadLettered")),
        ("TicksMissing", [93_600, 93_601, None, 0], [0, 1, 1, 0]),
        ("LandingsWait", [None, 3600, 3601, 12], [0, 0, 1, 0]),
    ],
)
def test_an_alarm_fires_as_long_as_what_it_is_about(alarms, name, values, fires):
    """Whichever of the metrics it reads has these values."""
    count = len(metrics_of(alarms[name]))
    for which in range(count):
        metrics = [values if one == which else [None] * len(values) for one in range(count)]
        found = [state == "ALARM" for state in states(alarms[name], *metrics)]
        assert found == [bool(one) for one in fires]


@pytest.mark.parametrize("further_back", [0, 1, 5])
def test_reconcile_is_silent_after_an_hour_and_not_before_its_first_call(alarms, further_back):
    """Nor after one call that was left out."""
    alarm = alarms["ReconcileSilent"]
    calls = [1, 1, None, 1, 1, None, None, None, None, *[None] * 40, 1, 1]
    found = states(alarm, calls, further_back=further_back)
    assert found == ["OK"] * 8 + ["ALARM"] * 41 + ["OK"] * 2
    assert alarm["DatapointsToAlarm"] * alarm["Metrics"][1]["MetricStat"]["Period"] == 3600
    for before in (0, 1, 4, 9):
        calls = [*[None] * before, 1, 1, None, 1, 1]
        found = states(alarm, calls, further_back=further_back)
        assert found == ["INSUFFICIENT_DATA"] * before + ["OK"] * 5
