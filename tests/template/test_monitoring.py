"""Alarms and dashboard: what they read is there, and when an alarm fires and recovers.

An alarm's own expression is evaluated as CloudWatch does: metric math, M out of N periods, and
missing data (CloudWatch user guide, "Alarm evaluation").
"""

import itertools
import json
import operator
import re

import pytest

from emitted_metrics import emitted_metrics

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
    ("AWS/Scheduler", "ScheduleGroup"): "InvocationDroppedCount TargetErrorCount",
    # Amazon EventBridge user guide, "Monitoring Amazon EventBridge" (rules of the default bus)
    ("AWS/Events", "RuleName"): "FailedInvocations",
}

COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}
ONCE = ([None, 1, None, None, None], [0, 1, 1, 1, 0])
MOMENTS = ([None, 9, 9, None, None, None, 9, None], [0, 0, 0, 0, 0, 0, 0, 0])
GOES_ON = ([None, 9, 9, 9, None, None], [0, 0, 0, 1, 1, 0])
UNTIL_EMPTY = ([None, 0, 1, 1, 0, None], [0, 0, 1, 1, 0, 0])
CALLS = [1, 1, None, 1, 1, None, None, None, None, *[None] * 40, 1, 1]
LASTING = {
    "ExecutionsThrottled": [MOMENTS, GOES_ON],
    "FunctionsThrottled": [MOMENTS, GOES_ON],
    "LandingsDeadLettered": [UNTIL_EMPTY],
    "LandingsWait": [([None, 3600, 3601, 12], [0, 0, 1, 0])],
    "MessagesFail": [MOMENTS, GOES_ON],
    # Neither before the first call nor after one that was left out; until calls come again.
    "ReconcileSilent": [(CALLS, [0] * 8 + [1] * 41 + [0] * 2), ([None] * 9 + CALLS[:5], [0] * 14)],
    "StatusChangesDeadLettered": [UNTIL_EMPTY],
    "TicksDeadLettered": [UNTIL_EMPTY],
    "TicksMissing": [([93_600, 93_601, None, 0], [0, 1, 1, 0])],
}
"""What a metric says, period by period, and whether an alarm about what lasts is then on.

The other alarms are about occurrences: `ONCE`.
"""


@pytest.fixture(scope="session")
def alarms(stack):
    return stack.of_type("AWS::CloudWatch::Alarm")


@pytest.fixture(scope="session")
def dashboard(stack):
    body = stack.of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]
    return json.loads(body)["widgets"]


def metrics_of(alarm):
    """What an alarm reads: Namespace, MetricName, Dimensions."""
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def test_every_metric_is_emitted_by_the_functions_or_documented_by_aws(alarms, dashboard):
    known = {("landrun", name, "service") for name, by in emitted_metrics() if not by} | {
        (space, name, by) for (space, by), names in OF_AWS.items() for name in names.split()
    }
    for name, alarm in alarms.items():
        for metric in metrics_of(alarm):
            [dimension] = metric["Dimensions"]
            assert (metric["Namespace"], metric["MetricName"], dimension["Name"]) in known, name
    names = {name for _, name, _ in known} | {name for name, _ in emitted_metrics()}
    for row in [row for one in dashboard for row in one["properties"].get("metrics", [])]:
        if row[0] != "...":  # the metric of the row before
            searched = re.search(r'MetricName="(\w+)"', str(row[0]))
            assert (searched[1] if searched else row[1]) in names


def test_every_function_and_dead_letter_queue_of_this_stack_has_an_alarm(stack, alarms):
    metrics = [metric for alarm in alarms.values() for metric in metrics_of(alarm)]
    read = {one["Value"] for metric in metrics for one in metric["Dimensions"]}
    queues = [name for name in stack.of_type("AWS::SQS::Queue") if "DeadLetter" in name]
    assert read >= {
        stack.environment("ReconcileFunction")["POWERTOOLS_SERVICE_NAME"],
        *(f"<{name}>" for name in stack.of_type("AWS::Lambda::Function")),
        *(f"<{name}.QueueName>" for name in queues),
    }


def test_every_alarm_is_shown_and_notifies_the_topic_and_of_its_end_if_that_means_something(
    alarms, dashboard
):
    """That something did not happen again does not mean that somebody has dealt with it."""
    [shown] = [one["properties"]["alarms"] for one in dashboard if one["type"] == "alarm"]
    assert sorted(shown) == sorted(f"<{name}.Arn>" for name in alarms)
    for name, alarm in alarms.items():
        assert alarm["AlarmName"] == f"landrun-{name}"  # the stack's name tells two stacks apart
        assert alarm["AlarmActions"] == ["<NotificationsTopic>"], name
        ends = ["<NotificationsTopic>"] if name in LASTING else []
        assert alarm.get("OKActions", []) == ends, name


def evaluated(alarm, metrics):
    """Evaluate an alarm's expression over a frame of its metrics, in which NaN is a gap."""
    if "Metrics" not in alarm:
        return metrics.iloc[:, 0]
    functions = {
        "FILL": lambda of, filler: of.ffill() if filler == "REPEAT" else of.fillna(filler),
        "IF": lambda holds, of: of.where(holds),
        "METRICS": lambda: metrics,
        "REPEAT": "REPEAT",
        "SUM": lambda of: of.sum(axis=1, skipna=False),
    }
    return eval(alarm["Metrics"][0]["Expression"], {**functions, **metrics})


def fires(alarm, metrics, further_back):
    """Say for each period, a row of the frame, whether the alarm is on.

    CloudWatch reads periods ``further_back`` than those that it evaluates.
    """
    periods, on, found = alarm["EvaluationPeriods"], False, []
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    for end in range(1, len(metrics) + 1):
        window = metrics[max(0, end - periods - further_back) : end]
        points = evaluated(alarm, window)[-periods:].dropna()
        breaching = breaches(points, float(alarm["Threshold"]))
        if breaching.sum() >= alarm.get("DatapointsToAlarm", periods):
            on = True
        elif alarm["TreatMissingData"] != "ignore" or not breaching.all():
            on = False
        found.append(on)
    return found


@pytest.mark.parametrize("further_back", [0, 5])
def test_an_alarm_fires_as_long_as_what_it_is_about(alarms, further_back):
    """Whichever of the metrics it reads has these values."""
    import pandas as pd  # noqa: PLC0415  (takes half a second)

    assert LASTING.keys() <= alarms.keys()
    for name, alarm in alarms.items():
        ids = [one["Id"] for one in alarm.get("Metrics", [{"Id": ""}]) if "Expression" not in one]
        for (values, on), one in itertools.product(LASTING.get(name, [ONCE]), ids):
            metrics = pd.DataFrame({one: values}, columns=ids, dtype=float)
            assert fires(alarm, metrics, further_back) == on, name
