"""The scheduled input: the date of the due time, in the schedule's time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landrun.errors import ConfigurationError
from landrun.models.tick import scheduled_input

DUE = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
NO_URI = [("", "ScheduledInput"), ("in/", "ScheduledInput")]
NO_DATE = [("s3://b/{day}/", "{day}"), ("s3://b/{date}/", "{date}")]
NO_ZONE = ["Mars/Olympus", "../etc/passwd", ""]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "2026/11/22/23"), ("Europe/Berlin", "2026/11/23/00"), ("US/Eastern", "2026/11/22/18")],
)
def test_the_date_is_that_of_the_due_time_in_the_schedules_zone(zone, expected):
    template = "s3://b/in/{date:%Y/%m/%d}/{date:%H}/"
    assert str(scheduled_input(template, DUE, zone)) == f"s3://b/in/{expected}/"


def test_an_input_without_a_date_is_the_same_at_every_tick():
    assert str(scheduled_input("s3://b/in/", DUE, "UTC")) == "s3://b/in/"


@pytest.mark.parametrize(
    ("template", "zone", "named"),
    [
        *((template, "UTC", named) for template, named in NO_URI + NO_DATE),
        *(("s3://b/", zone, "ScheduleTimezone") for zone in NO_ZONE),
    ],
)
def test_a_wrong_parameter_is_named(template, zone, named):
    with pytest.raises(ConfigurationError, match=named):
        scheduled_input(template, DUE, zone)
