"""What a run's InputMessage is; the fault suite has how runs start."""

from __future__ import annotations

import pytest

from landrun.adapters.manifests import Manifest
from landrun.errors import InvalidInput
from landrun.models.s3_uri import S3Uri
from landrun.services.collect_landings import at_once
from landrun.services.start_run import input_message


def manifest_of(*keys, prefix=None):
    under = S3Uri("landing", prefix) if prefix else None
    return Manifest(S3Uri("outputs", "manifests/r.json"), "landing", keys, True, prefix=under)


@pytest.mark.parametrize(
    ("manifest", "input_format", "expected"),
    [
        (manifest_of("a+b c.csv"), "manifest", "s3://outputs/manifests/r.json"),
        (manifest_of("a+b c.csv"), "uri", "s3://landing/a+b c.csv"),
        (manifest_of("k" * 1011), "uri", f"s3://landing/{'k' * 1011}"),  # SageMaker's 1,024
        (manifest_of("d/a", "d/b", prefix="d/"), "uri", "s3://landing/d/"),
        (manifest_of("d/a", prefix="d/"), "uri", "s3://landing/d/"),
        (manifest_of("d/a", "d/b"), "manifest", "s3://outputs/manifests/r.json"),
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


def test_calls_at_once_answer_in_order_and_raise_the_first_error():
    assert at_once(lambda number: number * 2, range(100)) == [2 * number for number in range(100)]
    with pytest.raises(ZeroDivisionError):
        at_once(lambda number: 1 // (number - 7), range(20))
