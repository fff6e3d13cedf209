"""What invokes functions: when the clock fires schedules, and Lambda's rules for queues."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from landrun_ops.local.event_sources import failed_messages
from landrun_ops.local.lambda_runtime import Outcome
from landrun_ops.local.schedules import Clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def schedule(expression="rate(5 minutes)", state="ENABLED", **target):
    """A schedule as moto keeps it."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    text = '{"ScheduledTime": "<aws.scheduler.scheduled-time>"}'
    return SimpleNamespace(
        name="tick",
        arn="tick",
        schedule_expression=expression,
        schedule_expression_timezone="UTC",
        state=state,
        target={"Arn": arn, "Input": text, "RetryPolicy": {}, **target},
    )


class World:
    """A clock whose time stands still until it is set, and the times that it has fired at."""

    def __init__(self, *schedules):
        self.now, self.reported, self.fired = NOON, [], []
        self.clock = Clock(
            self._invoke, self.reported.append, schedules=lambda: schedules, now=lambda: self.now
        )
        self.clock.fire_due()

    def _invoke(self, function, event):
        assert function == "f"
        self.fired.append(event["ScheduledTime"][11:16])

    def later(self, **time):
        self.now += timedelta(**time)
        self.fired = []
        self.clock.fire_due()
        return self.fired


@pytest.mark.parametrize(
    ("expression", "policy", "fired"),
    [
        ("rate(1 hour)", {}, ["13:00", "14:00", "15:00"]),
        ("rate(1 hour)", {"MaximumEventAgeInSeconds": 3600}, ["15:00"]),
        ("at(2026-11-22T13:30:00)", {}, ["13:30"]),
    ],
    ids=["once for each time", "nothing older than the longest age", "once in all"],
)
def test_what_a_sleeping_laptop_missed_is_late(expression, policy, fired):
    world = World(schedule(expression, RetryPolicy=policy))
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


# Queues

MESSAGES = [{"MessageId": "a"}, {"MessageId": "b"}]
ALL = {"a", "b"}


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, ALL),
        ({"batchItemFailures": [{}]}, ALL),
        ("text", ALL),
    ],
)
def test_a_response_fails_these_messages(result, failed):
    assert failed_messages(Outcome(result), MESSAGES, partial=True) == failed


def test_without_partial_responses_only_a_failure_fails_the_batch_and_all_of_it():
    reported = Outcome({"batchItemFailures": [{"itemIdentifier": "a"}]})
    assert failed_messages(reported, MESSAGES, partial=False) == set()
    error = Outcome({"errorType": "E", "errorMessage": ""}, failed=True)
    assert failed_messages(error, MESSAGES, partial=False) == ALL
    assert failed_messages(error, MESSAGES, partial=True) == ALL
