"""What schedules hand over, and when the clock fires them."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from landrun_ops.local.schedules import LONGEST_WAIT, Clock, payload

ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/tick"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
INPUT = (
    '{"ScheduleArn": "<aws.scheduler.schedule-arn>",'
    ' "ScheduledTime": "<aws.scheduler.scheduled-time>"}'
)


def schedule(expression="rate(5 minutes)", state="ENABLED", **target):
    """A schedule as moto keeps it."""
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    return SimpleNamespace(
        name="tick",
        arn=ARN,
        schedule_expression=expression,
        schedule_expression_timezone="UTC",
        state=state,
        target={"Arn": function, "Input": INPUT, "RetryPolicy": {}, **target},
    )


def test_context_attributes_are_filled_in_as_scheduler_does(load_event):
    late = datetime(2026, 11, 22, 13, 0, 0, 999, tzinfo=timezone(timedelta(hours=1)))
    filled = payload(ARN, INPUT, late)
    assert filled == {"ScheduleArn": ARN, "ScheduledTime": "2026-11-22T12:00:00Z"}
    assert filled.keys() == load_event("schedule-tick").keys()
    assert payload(ARN, "", NOON) == {}


class World:
    """A clock whose time stands still until it is set, and the times that it has fired at."""

    def __init__(self, *schedules):
        self.now, self.reported, self.fired = NOON, [], []
        self.clock = Clock(
            self._invoke, self.reported.append, schedules=lambda: schedules, now=lambda: self.now
        )
        self.wait = self.clock.fire_due()

    def _invoke(self, function, event):
        assert function == "f"
        self.fired.append(event["ScheduledTime"][11:16])

    def later(self, **time):
        self.now += timedelta(**time)
        self.fired = []
        self.wait = self.clock.fire_due()
        return self.fired


def test_it_fires_at_the_scheduled_time_and_hands_over_that_time():
    world = World(schedule())
    assert world.wait == LONGEST_WAIT
    assert world.later(minutes=4, seconds=59) == []
    assert world.wait == 1
    assert world.later(seconds=3) == ["12:05"]
    assert world.later(seconds=3) == []


@pytest.mark.parametrize(
    ("expression", "target", "fired"),
    [
        pytest.param("rate(1 hour)", {}, ["13:00", "14:00", "15:00"], id="once for each time"),
        pytest.param(
            "rate(1 hour)",
            {"RetryPolicy": {"MaximumEventAgeInSeconds": 3600}},
            ["15:00"],
            id="not what is older than its longest age",
        ),
        pytest.param("at(2026-11-22T13:30:00)", {}, ["13:30"], id="once in all"),
        pytest.param("at(2026-11-22T11:30:00)", {}, [], id="not what was over before"),
    ],
)
def test_what_a_sleeping_laptop_missed_is_late(expression, target, fired):
    world = World(schedule(expression, **target))
    assert world.later(hours=3, minutes=1) == fired
    assert world.later(minutes=1) == []


def test_what_fell_due_while_disabled_is_not_made_up_for():
    tick, once = schedule(state="DISABLED"), schedule("at(2026-11-22T13:00:00)", "DISABLED")
    once.arn = "once"
    world = World(tick, once)
    assert world.later(hours=2) == []
    tick.state = once.state = "ENABLED"
    assert world.later(minutes=1) == []
    assert world.later(minutes=5) == ["14:06"]


def test_a_changed_expression_counts_from_the_change_and_a_wrong_one_is_reported_once():
    tick = schedule()
    world = World(tick)
    tick.schedule_expression = "rate(2 minutes)"
    assert world.later(minutes=1) == []
    assert world.later(minutes=2) == ["12:03"]
    tick.schedule_expression = "rate(0 minutes)"
    assert world.later(minutes=9) == world.later(minutes=9) == []
    assert [line.partition(":")[0] for line in world.reported] == ["schedule tick is not followed"]
