"""Which objects start runs, and which keys a container can have as files."""

from __future__ import annotations

import pytest

from landrun.errors import InvalidKey
from landrun.models.landing import LandingFilter, check_key

NO_PATH = ["", "/a", "a//b", "a/", "./a", "a/../b"]
TOO_LONG = ["x" * 256, "é" * 128, "/".join("k" * 513)]
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
        (SOME, "outputs", "manifests/a.csv", 1, "own-output"),
        (ALL, "landings", "a", 1, None),
        (ALL, "outputs", "processed/a", 1, "own-output"),
    ],
)
def test_an_object_starts_a_run_unless_there_is_a_reason(wanted, bucket, key, size, reason):
    assert wanted.why_ignored(bucket, key, size) == reason


@pytest.mark.parametrize("key", ["a b+c%2B.csv", "😀/x", "a\nb", "/".join(["x" * 255] * 4)])
def test_a_key_that_a_file_can_have_passes(key):
    assert check_key(key) == key


@pytest.mark.parametrize("key", [*NO_PATH, *TOO_LONG, "a\0b", "a\ud800b"])
def test_a_key_that_no_file_can_have_is_refused_with_a_reason(key):
    with pytest.raises(InvalidKey, match="key"):
        check_key(key)
