"""Manifests on moto's S3, which has S3's conditional writes and user metadata."""

import random
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.manifests import Manifests, manifest_body
from landrun.errors import ServiceError
from landrun.models.landing import Landing
from landrun.models.s3_uri import S3Uri

TIME = "2026-11-22T03:00:00Z"
METADATA_LIMIT = 2048
"""Bytes of names and values together (Amazon S3 user guide, "Working with object metadata")."""


@pytest.fixture
def manifests(s3):
    return Manifests(s3, "outputs", "manifests/")


def landing_trigger(key):
    version_id, sequencer = "s6XXmyhXQ2b5Krp0R6uv1Czb3URj1MkP", "006B02A4A2C5F96E75" + "F" * 14
    return Landing("b" * 63, key, version_id, sequencer, 5 * 1024**4, TIME).trigger


def test_a_manifest_is_what_sagemaker_reads_and_never_changes(manifests, s3):
    trigger, prefix = landing_trigger("é 😀\n+%2B\"'.csv"), S3Uri("landings", "incoming/é/2026")
    keys = ("a+b.csv", "é 😀.csv")
    first = manifests.write_once("run-1", "landings", keys, trigger, prefix=prefix)
    body = s3.get_object(Bucket="outputs", Key="manifests/run-1.json")["Body"].read().decode()
    assert body == '[{"prefix": "s3://landings/"}, "a+b.csv", "é 😀.csv"]'
    assert (first.written, str(first.uri)) == (True, "s3://outputs/manifests/run-1.json")
    for found in (manifests.find("run-1"), manifests.write_once("run-1", "others", ["second"])):
        assert (found.written, found.bucket, found.keys) == (False, "landings", keys)
        assert (found.trigger, found.prefix) == (trigger, prefix)


@pytest.mark.parametrize("packed", [None, "no base64!", "bm8gemxpYg==", "eNoDAAAAAAE="])
def test_a_foreign_manifest_has_neither_trigger_nor_prefix(manifests, s3, packed):
    body = manifest_body("landings", ["a"]).encode()
    about = {"trigger": packed, "prefix": packed} if packed else {}
    s3.put_object(Bucket="outputs", Key="manifests/run-1.json", Body=body, Metadata=about)
    found = manifests.find("run-1")
    assert (found.keys, found.trigger, found.prefix, found.landings) == (("a",), None, None, None)


@pytest.mark.parametrize(
    ("first", "last"), [(1, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0x10000, 0x10FFFF)]
)
def test_the_trigger_of_the_longest_key_is_ascii_that_fits_the_metadata_of_s3(first, last):
    source, key, bucket = random.Random(first), "", Mock()
    while len((more := key + chr(source.randint(first, last))).encode()) <= 1024:
        key = more
    Manifests(bucket, "outputs", "manifests/").write_once("r", "b", [key], landing_trigger(key))
    [(name, value)] = bucket.put_object.call_args.kwargs["Metadata"].items()
    assert len(f"{name}{value}".encode("ascii")) <= METADATA_LIMIT


def test_a_write_that_conflicts_with_another_is_tried_three_times():
    conflict = ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
    put = Mock(side_effect=[conflict, conflict, None, conflict, conflict, conflict])
    manifests = Manifests(Mock(put_object=put), "outputs", "")
    assert manifests.write_once("run-1", "landings", ["a"]).written
    with pytest.raises(ServiceError, match="ConditionalRequestConflict"):
        manifests.write_once("run-1", "landings", ["a"])
