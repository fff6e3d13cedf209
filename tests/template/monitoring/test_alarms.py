"""When an alarm comes and goes, what it says, and to whom.

Tried on a small CloudWatch: FILL and SUM of metric math, M out of N periods, missing data treated
as the alarm says (CloudWatch user guide, "Alarm evaluation").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

Json = dict[str, Any]
MetricsOf = Callable[[Json], list[Json]]

LASTS = {  # until somebody mends it, so that its end is worth telling
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


def test_every_alarm_tells_the_topic_and_tells_its_end_where_that_means_something(
    alarms: Json, given: Json
) -> None:
    assert alarms.keys() == LASTS | HAPPENS
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [given["TopicArn"]], name
        assert alarm.get("OKActions", []) == (alarm["AlarmActions"] if name in LASTS else []), name
        assert "InsufficientDataActions" not in alarm, name


def test_every_alarm_says_what_to_do(alarms: Json) -> None:
    for name, alarm in alarms.items():
        text = alarm["AlarmDescription"]
        assert len(text) <= 1024 - len("landrun-" * 10), name  # CloudWatch's limit; names grow
        assert re.search(r"\b(Read|Mend|Look|Ask|Is|Does|look|Nothing is to be mended)\b", text), (
            name
        )
        assert text.isascii(), name


def test_names_tell_two_stacks_apart(alarms: Json, given: Json) -> None:
    for name, alarm in alarms.items():
        assert alarm["AlarmName"] == f"{given['Service']}-{name}"
        assert len(alarm["AlarmName"]) <= 255  # CloudWatch's limit, with the longest stack name


def test_alarms_are_within_cloudwatchs_limits(alarms: Json, metrics_of: MetricsOf) -> None:
    for name, alarm in alarms.items():
        periods = {one["MetricStat"]["Period"] for one in alarm.get("Metrics", [])[1:]}
        assert len(metrics_of(alarm)) <= 10, name
        assert len(periods or {alarm.get("Period")}) == 1, name
        assert max(periods or {alarm["Period"]}) * alarm["EvaluationPeriods"] <= 86_400, name


def test_gaps_are_zeros_where_a_metric_has_gaps_and_the_newest_zero_decides_nothing(
    alarms: Json,
) -> None:
    for name, alarm in alarms.items():
        if "Metrics" in alarm:
            assert "FILL(" in alarm["Metrics"][0]["Expression"], name
            assert alarm["EvaluationPeriods"] >= 3, name
        elif name != "TicksMissing":
            assert alarm["Namespace"] == "AWS/SQS", name  # has data while there is a message
        silence = {"ReconcileSilent": "breaching", "TicksMissing": "ignore"}
        assert alarm["TreatMissingData"] == silence.get(name, "notBreaching"), name


def rings(alarm: Json, *series: Sequence[float | None]) -> list[bool]:
    """Say after each period whether the alarm rings, of metrics of these values; None is a gap."""
    filled = "Metrics" in alarm
    points = [
        sum(value or 0 for value in values)
        if filled or any(v is not None for v in values)
        else None
        for values in zip(*series, strict=True)
    ]
    breaching = [
        alarm["TreatMissingData"] == "breaching" if point is None else breaches(alarm, point)
        for point in points
    ]
    needed = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    over = range(1, len(breaching) + 1)
    return [sum(breaching[max(0, i - alarm["EvaluationPeriods"]) : i]) >= needed for i in over]


def breaches(alarm: Json, point: float) -> bool:
    threshold = float(alarm["Threshold"])
    return {
        "GreaterThanOrEqualToThreshold": point >= threshold,
        "GreaterThanThreshold": point > threshold,
        "LessThanThreshold": point < threshold,
    }[alarm["ComparisonOperator"]]


@pytest.mark.parametrize("name", sorted(HAPPENS))
def test_one_occurrence_rings_at_once_and_once_however_late_the_next_comes_in(
    alarms: Json, name: str
) -> None:
    one = [None, 1, None, None, None]
    assert rings(alarms[name], one) == [False, True, True, True, False]


@pytest.mark.parametrize("name", ["ExecutionsThrottled", "FunctionsThrottled", "MessagesFail"])
def test_what_passes_by_itself_rings_only_when_it_goes_on(alarms: Json, name: str) -> None:
    assert not any(rings(alarms[name], [None, 9, 9, None, None, None, 9, None]))
    assert rings(alarms[name], [None, 9, 9, 9, None, None]) == [False] * 3 + [True, True, False]


def test_reconcile_is_silent_after_an_hour_and_not_after_one_sweep_left_out(alarms: Json) -> None:
    silent = rings(alarms["ReconcileSilent"], [1, 1, None, 1, 1, None, None, None, None, 1])
    assert silent == [False] * 8 + [True, False]


def test_an_hour_without_reconcile_rings_also_where_it_was_never_called(alarms: Json) -> None:
    alarm = alarms["ReconcileSilent"]
    periods = alarm["EvaluationPeriods"]
    assert periods * alarm["Metrics"][1]["MetricStat"]["Period"] == 3600
    assert rings(alarm, [None] * periods)[-1]


def test_losses_of_any_kind_ring(alarms: Json) -> None:
    for kind in range(5):
        series = [[None, 1 if which == kind else None, None] for which in range(5)]
        assert rings(alarms["MissedEventsRecovered"], *series) == [False, True, True]


def test_a_dead_letter_rings_until_it_is_gone(alarms: Json) -> None:
    for name in ("LandingsDeadLettered", "StatusChangesDeadLettered", "TicksDeadLettered"):
        assert (
            rings(alarms[name], [None, 0, 1, 1, 0, None]) == [False] * 2 + [True] * 2 + [False] * 2
        )


def test_a_landing_that_waits_longer_than_ticks_are_apart_rings(alarms: Json) -> None:
    assert rings(alarms["TicksMissing"], [93_600, 93_601, 0]) == [False, True, False]


def test_a_landing_rings_when_it_is_older_than_the_parameter_says(alarms: Json) -> None:
    assert rings(alarms["LandingsWait"], [None, 900, 901, 12]) == [False, False, True, False]
