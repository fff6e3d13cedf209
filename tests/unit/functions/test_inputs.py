"""Which keys and URIs there can be, and what a schedule reads.

tests/faults and tests/unit/cli/test_landings.py have the reasons for which objects start no run.
"""

from datetime import UTC, datetime

import pytest

from landrun.errors import ConfigurationError, InvalidKey, InvalidS3Uri
from landrun.models.landing import check_key
from landrun.models.s3_uri import S3Uri
from landrun.models.tick import scheduled_input

NO_PATH = ["", "/a", "a//b", "a/", "./a", "a/../b", "a\0b", "a\ud800b"]
TOO_LONG = ["x" * 256, "é" * 128, "/".join("k" * 513)]


def test_only_a_key_that_a_file_can_have_passes():
    for key in ("a b+c%2B.csv", "😀/x", "a\nb", "/".join(["x" * 255] * 4)):
        assert check_key(key) == key
    for key in NO_PATH + TOO_LONG:
        with pytest.raises(InvalidKey, match="key"):
            check_key(key)


NO_BUCKET = ["", "/key", "b\n/k", "a b/k", "-b/k", "arn:aws:s3:::b/k", f"{'b' * 256}/k"]
NO_KEY = [f"b/{'x' * 1025}", f"b/{'é' * 513}", "b/\ud800"]
NO_URI = ["", "b/k", "s3:/b/k", "https://b/k", *(f"s3://{rest}" for rest in NO_BUCKET + NO_KEY)]


@pytest.mark.parametrize("uri", NO_URI)
def test_a_uri_that_s3_could_not_have_is_refused_with_the_form_to_write(uri):
    with pytest.raises(InvalidS3Uri, match="write s3://bucket/key"):
        S3Uri.parse(uri)


DUE = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
NO_DATES = ["day", "date", "date:", "day:%Y", "date:%Y %m", "date:%Y\n", "date:%s", "date:%Y/%"]
NO_DATES += [f"date:%{one}" for one in "cekln+QrtxXP-_"]  # blanks, line breaks, or not of strftime


@pytest.mark.parametrize(
    ("template", "zone", "uri"),
    [
        ("{date:%Y/%m/%d}/{date:%H}/", "UTC", "2026/11/22/23/"),
        ("{date:%Y/%m/%d}/{date:%H}/", "Europe/Berlin", "2026/11/23/00/"),
        ("{date:%F}T{date:h=%H_%M}/", "UTC", "2026-11-22Th=23_30/"),
        ("é/{date:%b}{date:100%%}{date:%z}/", "UTC", "é/Nov100%+0000/"),
        ("in/", "UTC", "in/"),
    ],
)
def test_the_date_of_a_scheduled_input_is_that_of_the_due_time_in_the_schedules_zone(
    template, zone, uri
):
    assert str(scheduled_input(f"s3://b/{template}", DUE, zone)) == f"s3://b/{uri}"


@pytest.mark.parametrize(
    ("template", "zone", "named"),
    [
        *((template, "UTC", "ScheduledInput") for template in ("", "in/")),
        *((f"s3://b/{{{one}}}/", "UTC", "ScheduledInput .*: write a date") for one in NO_DATES),
        *(("s3://b/", zone, "ScheduleTimezone") for zone in ("Mars/Olympus", "../etc/passwd", "")),
    ],
)
def test_a_wrong_scheduled_input_names_the_parameter(template, zone, named):
    with pytest.raises(ConfigurationError, match=named):
        scheduled_input(template, DUE, zone)
