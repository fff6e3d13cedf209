"""What runs read: which objects start runs, keys, URIs, and a run's InputMessage."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landrun.adapters.manifests import Manifest
from landrun.errors import ConfigurationError, InvalidInput, InvalidKey, InvalidS3Uri
from landrun.models.landing import LandingFilter, check_key
from landrun.models.s3_uri import S3Uri
from landrun.models.tick import scheduled_input
from landrun.services.start_run import input_message

OWN = (("outputs", "processed/"), ("outputs", "manifests/"))
SOME = LandingFilter(prefix="incoming/", suffix=".csv", own=OWN)
ALL = LandingFilter(prefix="", suffix="", own=OWN)


@pytest.mark.parametrize(
    ("wanted", "bucket", "key", "size", "reason"),
    [
        (SOME, "landings", "incoming/a.csv", 1, None),
        (SOME, "landings", "incoming/a.csv", None, None),
        (SOME, "landings", "incoming/a.csv", 0, "zero-bytes"),
        (SOME, "landings", "incoming/", 0, "folder-marker"),
        (SOME, "landings", "elsewhere/a.csv", 1, "prefix"),
        (SOME, "landings", "processed/a.csv", 1, "prefix"),
        (SOME, "landings", "incoming/a.csv.bak", 1, "suffix"),
        (SOME, "outputs", "processed/a.csv", 1, "own-output"),
        (ALL, "outputs", "manifests/a.csv", 1, "own-output"),
        (ALL, "landings", "a", 1, None),
    ],
)
def test_an_object_starts_a_run_unless_there_is_a_reason(wanted, bucket, key, size, reason):
    assert wanted.why_ignored(bucket, key, size) == reason


@pytest.mark.parametrize("key", ["a b+c%2B.csv", "😀/x", "a\nb", "/".join(["x" * 255] * 4)])
def test_a_key_that_a_file_can_have_passes(key):
    assert check_key(key) == key


NO_PATH = ["", "/a", "a//b", "a/", "./a", "a/../b", "a\0b", "a\ud800b"]
TOO_LONG = ["x" * 256, "é" * 128, "/".join("k" * 513)]


@pytest.mark.parametrize("key", [*NO_PATH, *TOO_LONG])
def test_a_key_that_no_file_can_have_is_refused_with_a_reason(key):
    with pytest.raises(InvalidKey, match="key"):
        check_key(key)


@pytest.mark.parametrize("key", ["", "a+b%2B é😀.csv", "//", "?#\n\"'", "s3://b/k", "é" * 512])
def test_an_s3_uri_reads_back_as_itself(key):
    for bucket in ("b", "Old_Bucket.9-", "b" * 255):
        assert S3Uri.parse(str(S3Uri(bucket, key))) == S3Uri(bucket, key)


NO_URI = ["", "bucket/key", "s3:/b/k", "s3://", "s3:///key", "https://b/k"]
NO_BUCKET = ["b\n/k", "a b/k", "-b/k", "arn:aws:s3:::b/k", f"{'b' * 256}/k"]
NO_KEY = [f"b/{'x' * 1025}", f"b/{'é' * 513}", "b/\ud800"]


@pytest.mark.parametrize("uri", [*NO_URI, *(f"s3://{rest}" for rest in NO_BUCKET + NO_KEY)])
def test_a_uri_that_s3_could_not_have_is_refused_with_the_form_to_write(uri):
    with pytest.raises(InvalidS3Uri, match="write s3://bucket/key"):
        S3Uri.parse(uri)


DUE = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
DATES = {
    "%Y%m%dT%H": "20261122T23",
    "%F": "2026-11-22",
    "%y-%-j": "26-326",
    "%G-W%V": "2026-W47",
    "h=%H_%M": "h=23_30",
    "100%%": "100%",
    "%z": "+0000",
    "é/%b": "é/Nov",
}
NO_DATES = ["day", "date", "date:", "day:%Y", "date:%Y %m", "date:%Y\n", "date:%s", "date:%Y/%"]
NO_DATES += [f"date:%{one}" for one in "cekln+QrtxXP-_"]  # blanks, line breaks, or not of strftime


@pytest.mark.parametrize(
    ("template", "zone", "uri"),
    [
        ("{date:%Y/%m/%d}/{date:%H}/", "UTC", "2026/11/22/23/"),
        ("{date:%Y/%m/%d}/{date:%H}/", "Europe/Berlin", "2026/11/23/00/"),
        ("{date:%Y/%m/%d}/{date:%H}/", "US/Eastern", "2026/11/22/18/"),
        ("in/", "UTC", "in/"),
        *((f"{{date:{form}}}/", "UTC", f"{date}/") for form, date in DATES.items()),
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


def manifest_of(*keys, prefix=None):
    under = S3Uri("landing", prefix) if prefix else None
    return Manifest(S3Uri("outputs", "manifests/r.json"), "landing", keys, True, prefix=under)


@pytest.mark.parametrize(
    ("manifest", "input_format", "expected"),
    [
        (manifest_of("d/a", "d/b"), "manifest", "s3://outputs/manifests/r.json"),
        (manifest_of("a+b c.csv"), "uri", "s3://landing/a+b c.csv"),
        (manifest_of("k" * 1011), "uri", f"s3://landing/{'k' * 1011}"),  # SageMaker's 1,024
        (manifest_of("d/a", "d/b", prefix="d/"), "uri", "s3://landing/d/"),
        (manifest_of("d/a", prefix="d/"), "uri", "s3://landing/d/"),
    ],
)
def test_the_input_message_is_the_manifest_or_the_uri_of_the_object_or_prefix(
    manifest, input_format, expected
):
    assert input_message(manifest, input_format) == expected


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (manifest_of("a", "b"), "cannot name the 2 objects .* InputMessageFormat=manifest"),
        (manifest_of("k" * 1012), "1025 characters, more than the 1024"),
    ],
)
def test_an_input_that_no_uri_can_name_is_refused_with_the_remedy(manifest, reason):
    with pytest.raises(InvalidInput, match=reason):
        input_message(manifest, "uri")
