"""What schedules hand over, and when the clock fires them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from landrun_ops.local.schedules import LONGEST_WAIT, Clock, payload
from landrun_ops.local.stack import ScheduleSettings
from landrun_ops.stack.cron import ScheduleError

ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/tick"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def schedule(**changes: Any) -> ScheduleSettings:
    settings = {
        "logical_id": "Tick",
        "arn": ARN,
        "expression": "rate(5 minutes)",
        "timezone": "UTC",
        "enabled": True,
        "function": "f",
        "input": '{"ScheduleArn": "<aws.scheduler.schedule-arn>", '
        '"ScheduledTime": "<aws.scheduler.scheduled-time>"}',
    }
    return ScheduleSettings(**{**settings, **changes})


class Invoked(list[tuple[str, Any]]):
    """Takes the place of Asynchronous."""

    def invoke(self, function: str, event: Any) -> None:
        self.append((function, event))


def test_context_attributes_are_filled_in_as_scheduler_does(
    load_event: Callable[[str], dict[str, Any]],
) -> None:
    late = datetime(2026, 11, 22, 13, 0, 0, 999, tzinfo=timezone(timedelta(hours=1)))
    filled = payload(schedule(), late)
    assert filled == {"ScheduleArn": ARN, "ScheduledTime": "2026-11-22T12:00:00Z"}
    assert filled.keys() == load_event("schedule-tick").keys()


def test_a_schedule_without_input_hands_over_nothing() -> None:
    assert payload(schedule(input=None), NOON) == {}


def test_a_classic_schedule_hands_over_a_scheduled_event(
    load_event: Callable[[str], dict[str, Any]],
) -> None:
    event = payload(schedule(input=None, classic=True, arn="arn:rule"), NOON)
    documented = load_event("schedule-classic")
    assert event.keys() == documented.keys()
    assert event["detail-type"] == documented["detail-type"]
    assert (event["resources"], event["time"]) == (["arn:rule"], "2026-11-22T12:00:00Z")


class TestClock:
    def clock(self, *schedules: ScheduleSettings) -> Clock:
        self.invoked, self.now = Invoked(), NOON
        return Clock(schedules, self.invoked, now=lambda: self.now)  # type: ignore[arg-type]

    def test_fires_at_the_scheduled_time_and_tells_that_time(self) -> None:
        clock = self.clock(schedule())
        assert clock.fire_due() == LONGEST_WAIT
        assert not self.invoked
        self.now = NOON + timedelta(minutes=5, seconds=1)
        clock.fire_due()
        assert [event["ScheduledTime"] for _, event in self.invoked] == ["2026-11-22T12:05:00Z"]

    def test_waits_no_longer_than_to_the_next_time(self) -> None:
        clock = self.clock(schedule())
        self.now = NOON + timedelta(minutes=4, seconds=50)
        assert clock.fire_due() == 10

    def test_a_laptop_that_slept_fires_once(self) -> None:
        clock = self.clock(schedule())
        self.now = NOON + timedelta(hours=8)
        clock.fire_due()
        clock.fire_due()
        assert len(self.invoked) == 1

    def test_a_disabled_schedule_never_fires(self) -> None:
        clock = self.clock(schedule(enabled=False))
        self.now = NOON + timedelta(days=1)
        clock.fire_due()
        assert not self.invoked

    def test_a_wrong_expression_is_told_at_once_even_if_disabled(self) -> None:
        with pytest.raises(ScheduleError):
            self.clock(schedule(expression="rate(0 minutes)", enabled=False))
