from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.errors import ConfigurationError, InvalidEvent
from landrun.models.tick import parse_tick, scheduled_input

DUE = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"


def test_schedulers_payload_is_a_tick(load_event):
    event = load_event("schedule-tick")
    tick = parse_tick(event)
    assert (tick.schedule_arn, tick.scheduled_time) == (
        event["ScheduleArn"],
        event["ScheduledTime"],
    )


def test_a_rules_scheduled_event_is_a_tick(load_event):
    event = load_event("schedule-classic")
    tick = parse_tick(event)
    assert (tick.schedule_arn, tick.scheduled_time) == (event["resources"][0], event["time"])


@pytest.mark.parametrize("time", ["2026-11-22T03:00:00Z", "2026-11-22T04:00:00+01:00"])
def test_one_moment_is_one_tick_however_it_is_written(time):
    tick = parse_tick({"ScheduleArn": ARN, "ScheduledTime": time})
    assert tick.scheduled_time == "2026-11-22T03:00:00Z"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"ScheduleArn": ARN},
        {"ScheduleArn": "<aws.scheduler.schedule-arn>", "ScheduledTime": "2026-11-22T03:00:00Z"},
        {"ScheduleArn": ARN, "ScheduledTime": "<aws.scheduler.scheduled-time>"},
        {"ScheduleArn": 1, "ScheduledTime": None},
        {"detail-type": "Scheduled Event", "resources": []},
        {"detail-type": "Scheduled Event", "resources": [ARN]},
        {"detail-type": "Scheduled Event", "resources": {"0": ARN}, "time": "2026-11-22T03:00:00Z"},
        {"ScheduleArn": f"{ARN}\x1b[2J", "ScheduledTime": "2026-11-22T03:00:00Z"},
        {"ScheduleArn": f"arn:{'x' * 1601}", "ScheduledTime": "2026-11-22T03:00:00Z"},
        {"ScheduleArn": ARN, "ScheduledTime": "0001-01-01T00:00:00+14:00"},
        {"ScheduleArn": ARN, "ScheduledTime": "9999-12-31T23:59:59-14:00"},
        {"ScheduleArn": ARN, "ScheduledTime": 20261122},
        {"ScheduleArn": ARN, "ScheduledTime": ["\n" * 100_000]},
        {"\x1b" * 100_000: 1},
        [],
        "tick",
        None,
    ],
)
def test_what_is_no_tick_is_refused_in_a_line(event):
    with pytest.raises(InvalidEvent) as refusal:
        parse_tick(event)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 800


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "s3://b/in/2026/11/22/23/"),
        ("Europe/Berlin", "s3://b/in/2026/11/23/00/"),
        ("America/New_York", "s3://b/in/2026/11/22/18/"),
    ],
)
def test_the_date_is_the_due_times_in_the_schedules_zone(zone, expected):
    found = scheduled_input("s3://b/in/{date:%Y/%m/%d}/{date:%H}/", DUE, zone)
    assert str(found) == expected


def test_an_input_without_a_date_is_taken_as_it_is():
    assert str(scheduled_input("s3://b/in/", DUE, "UTC")) == "s3://b/in/"


@pytest.mark.parametrize(
    ("template", "zone", "named"),
    [
        ("", "UTC", "ScheduledInput"),
        ("in/", "UTC", "ScheduledInput"),
        ("s3://b/{day}/", "UTC", "{day}"),
        ("s3://b/{date}/", "UTC", "{date}"),
        ("s3://b/", "Mars/Olympus", "ScheduleTimezone"),
        ("s3://b/", "../etc/passwd", "ScheduleTimezone"),
        ("s3://b/", "", "ScheduleTimezone"),
    ],
)
def test_a_wrong_parameter_is_named(template, zone, named):
    with pytest.raises(ConfigurationError, match=named):
        scheduled_input(template, DUE, zone)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)))  # noqa: DTZ001
def test_any_due_time_gives_its_own_day(due):
    assert scheduled_input("s3://b/{date:%Y-%m-%d}", due, "UTC").key == f"{due:%Y-%m-%d}"
