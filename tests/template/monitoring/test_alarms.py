"""When an alarm fires and recovers, what it says, whom it notifies, and what it costs.

A small CloudWatch evaluates the alarms' own expressions: FILL, SUM and IF of metric math, M out of
N periods, and missing data (CloudWatch user guide, "Alarm evaluation").
"""

from __future__ import annotations

import pytest

Value = float | None
"""Of a period; None is a gap."""

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
DEAD_LETTERED = ("LandingsDeadLettered", "StatusChangesDeadLettered", "TicksDeadLettered")
MOST_METRICS = 21
"""That all alarms together read; CloudWatch bills each (docs/costs.md has the amount)."""


def test_every_alarm_notifies_the_topic_and_of_its_end_where_that_means_something(alarms):
    assert alarms.keys() == LASTS | HAPPENS
    for name, alarm in alarms.items():
        assert alarm["AlarmName"] == f"landrun-{name}"  # the stack's name tells two stacks apart
        assert alarm["AlarmActions"] == ["<NotificationsTopic>"], name
        assert alarm.get("OKActions", []) == (alarm["AlarmActions"] if name in LASTS else []), name
        assert "InsufficientDataActions" not in alarm, name


def test_every_alarm_stays_within_cloudwatchs_limits_and_all_within_their_costs(alarms, metrics_of):
    for name, alarm in alarms.items():
        text = alarm["AlarmDescription"]
        assert len(text) + 80 * text.count("<") <= 1024, name  # with the longest names
        assert text.isascii(), name
        periods = {one["MetricStat"]["Period"] for one in alarm.get("Metrics", [])[1:]}
        assert len(periods or {alarm.get("Period")}) == 1, name
        assert max(periods or {alarm["Period"]}) * alarm["EvaluationPeriods"] <= 86_400, name
    assert sum(len(metrics_of(alarm)) for alarm in alarms.values()) == MOST_METRICS


class Series(list[Value]):
    """A metric in metric math: one value per period."""

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


def evaluated(alarm, *metrics):
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
    """Give the alarm's state after each period; before the first there is no data at all.

    CloudWatch reads periods ``further_back`` than those that it evaluates.
    """
    state, found = "INSUFFICIENT_DATA", []
    of, needed = alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm")
    for end in range(1, len(metrics[0]) + 1):
        window = [([None] * 99 + list(one[:end]))[-of - further_back :] for one in metrics]
        state = next_state(state, alarm, evaluated(alarm, *window)[-of:], needed or of)
        found.append(state)
    return found


def next_state(state, alarm, points, needed):
    present = [breaches(alarm, point) for point in points if point is not None]
    if sum(present) >= needed:
        return "ALARM"
    if alarm["TreatMissingData"] == "ignore":
        return state if all(present) else "OK"
    assert alarm["TreatMissingData"] == "notBreaching"
    return "OK"


def breaches(alarm, point):
    threshold = float(alarm["Threshold"])
    return {
        "GreaterThanOrEqualToThreshold": point >= threshold,
        "GreaterThanThreshold": point > threshold,
        "LessThanThreshold": point < threshold,
    }[alarm["ComparisonOperator"]]


def fires(alarm, *metrics):
    return [state == "ALARM" for state in states(alarm, *metrics)]


@pytest.mark.parametrize("name", sorted(HAPPENS))
def test_one_occurrence_fires_at_once_and_once_however_late_the_next_comes_in(
    alarms, metrics_of, name
):
    one, none = [None, 1, None, None, None], [None] * 5
    count = len(metrics_of(alarms[name]))
    for which in range(count):
        metrics = [one if index == which else none for index in range(count)]
        assert fires(alarms[name], *metrics) == [False, True, True, True, False]


@pytest.mark.parametrize("name", ["ExecutionsThrottled", "FunctionsThrottled", "MessagesFail"])
def test_what_passes_by_itself_fires_only_when_it_goes_on(alarms, metrics_of, name):
    quiet = [[None] * 8] * (len(metrics_of(alarms[name])) - 1)
    moments, lasting = [None, 9, 9, None, None, None, 9, None], [None, 9, 9, 9, None, None, 0, 0]
    assert not any(fires(alarms[name], moments, *quiet))
    assert fires(alarms[name], lasting, *quiet)[:6] == [False] * 3 + [True, True, False]


@pytest.mark.parametrize("further_back", [0, 1, 5])
def test_reconcile_is_silent_after_an_hour_and_not_after_one_call_left_out(alarms, further_back):
    alarm = alarms["ReconcileSilent"]
    calls = [1, 1, None, 1, 1, None, None, None, None, *[None] * 40, 1, 1]
    found = states(alarm, calls, further_back=further_back)
    assert found == ["OK"] * 8 + ["ALARM"] * 41 + ["OK"] * 2
    assert alarm["DatapointsToAlarm"] * alarm["Metrics"][1]["MetricStat"]["Period"] == 3600


@pytest.mark.parametrize("further_back", [0, 1, 5])
def test_reconcile_is_not_silent_on_the_first_deployment(alarms, further_back):
    """Whether the first call comes at once or after a while, and whenever its data arrives."""
    for before in (0, 1, 4, 9):
        calls = [*[None] * before, 1, 1, None, 1, 1]
        found = states(alarms["ReconcileSilent"], calls, further_back=further_back)
        assert found == ["INSUFFICIENT_DATA"] * before + ["OK"] * 5


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        *((name, [None, 0, 1, 1, 0, None], [0, 0, 1, 1, 0, 0]) for name in DEAD_LETTERED),
        ("TicksMissing", [93_600, 93_601, None, 0], [0, 1, 1, 0]),
        ("LandingsWait", [None, 3600, 3601, 12], [0, 0, 1, 0]),
    ],
)
def test_an_alarm_lasts_as_long_as_what_it_is_about(alarms, name, values, expected):
    assert fires(alarms[name], values) == [bool(one) for one in expected]


def test_limits_are_the_parameters(deployed):
    alarms = deployed(MaxLandingAgeInSeconds="60", MaxWaitForTickInSeconds="900").of_type(
        "AWS::CloudWatch::Alarm"
    )
    assert (alarms["LandingsWait"]["Threshold"], alarms["TicksMissing"]["Threshold"]) == (
        "60",
        "900",
    )


def test_cloudwatch_may_publish_alarms_to_the_topic(stack):
    [policy] = stack.of_type("AWS::SNS::TopicPolicy").values()
    allowed, denied = policy["PolicyDocument"]["Statement"]
    assert policy["Topics"] == ["<NotificationsTopic>"] == [allowed["Resource"]]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "sns:Publish")
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:123456789012:alarm:landrun-*"},
    }
    assert (denied["Effect"], denied["Action"]) == ("Deny", "sns:Publish")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
