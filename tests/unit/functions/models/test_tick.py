"""The scheduled input: the date of the due time, in the schedule's time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landrun.errors import ConfigurationError
from landrun.models.tick import scheduled_input

DUE = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
NO_URI = [("", "ScheduledInput"), ("in/", "ScheduledInput")]
NO_DATES = ["day", "date", "date:", "day:%Y", "date:%Y %m", "date:%Y\n", "date:%s", "date:%Y/%"]
NO_DATES += [f"date:%{one}" for one in "cekln+QrtxXP-_"]  # blanks, line breaks, or not of strftime
DATES = {"%Y%m%dT%H": "20261122T23", "%F": "2026-11-22", "%y-%-j": "26-326", "%G-W%V": "2026-W47"}
DATES |= {"h=%H_%M": "h=23_30", "100%%": "100%", "%z": "+0000", "é/%b": "é/Nov"}
NO_ZONE = ["Mars/Olympus", "../etc/passwd", ""]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "2026/11/22/23"), ("Europe/Berlin", "2026/11/23/00"), ("US/Eastern", "2026/11/22/18")],
)
def test_the_date_is_that_of_the_due_time_in_the_schedules_zone(zone, expected):
    template = "s3://b/in/{date:%Y/%m/%d}/{date:%H}/"
    assert str(scheduled_input(template, DUE, zone)) == f"s3://b/in/{expected}/"


@pytest.mark.parametrize("form", DATES)
def test_a_date_is_written_in_directives_of_strftime(form):
    assert scheduled_input(f"s3://b/{{date:{form}}}/", DUE, "UTC").key == f"{DATES[form]}/"


def test_an_input_without_a_date_is_the_same_at_every_tick():
    assert str(scheduled_input("s3://b/in/", DUE, "UTC")) == "s3://b/in/"


@pytest.mark.parametrize(
    ("template", "zone", "named"),
    [
        *((template, "UTC", named) for template, named in NO_URI),
        *((f"s3://b/{{{one}}}/", "UTC", "ScheduledInput .*: write a date") for one in NO_DATES),
        *(("s3://b/", zone, "ScheduleTimezone") for zone in NO_ZONE),
    ],
)
def test_a_wrong_parameter_is_named(template, zone, named):
    with pytest.raises(ConfigurationError, match=named):
        scheduled_input(template, DUE, zone)
