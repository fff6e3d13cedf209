"""What runs read is found by a manifest, an object's own URI or the trigger."""

import json
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from landrun.adapters.manifests import manifest_body
from landrun.models.s3_uri import S3Uri
from landrun_ops.stack.inputs import Input, Inputs, find_readers, parse
from records import record

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
MESSAGES = b'{"text": "hi"}\n' * 1000
LANDED = {"Kind": "object-created", "Bucket": "data", "Key": "in/a.csv", "Size": 7}
MANIFEST = Input("data", ("x", "y"), {}, "s3://data/m/r.json")
TWO = b'[{"prefix": "s3://data/"}, "x", "y"]'


@pytest.fixture
def s3(aws):
    aws("s3").create_bucket(Bucket="data")
    return aws("s3")


def put(s3, key, body, **landings):
    s3.put_object(Bucket="data", Key=key, Body=body, Metadata=landings)


def test_a_manifest_names_a_bucket_and_whole_keys():
    assert parse(manifest_body("data", ["x/ä.csv"])) == Input("data", ("x/ä.csv",))
    assert parse('[{"prefix": "s3://data/x/"}, "a", 7]') == Input("data", ("x/a",))
    odd = ["", "{}", "[]", '["a"]', '[{"prefix": 1}]', '[{"prefix": "x"}]', "[" * 9999, "3"]
    assert [parse(body) for body in odd] == [None] * len(odd)


@pytest.mark.parametrize(
    ("uri", "trigger", "read"),
    [
        ("s3://data/in/a.csv", LANDED, Input("data", ("in/a.csv",), {"in/a.csv": 7})),
        ("s3://data/m/r.json", LANDED, MANIFEST),
        ("s3://data/data.json", {}, Input("data", ("data.json",), {"data.json": len(MESSAGES)})),
        ("s3://data/in/", {"Kind": "schedule"}, MANIFEST),
        ("", {}, MANIFEST),
    ],
)
def test_a_run_reads_objects_of_a_manifest_or_one_object_or_a_prefix(s3, uri, trigger, read):
    put(s3, "in/", b"")
    put(s3, "data.json", MESSAGES)
    run = record({"name": "r", "input_message": uri, "trigger": trigger})
    assert (Inputs(s3).of_run(run) is None) == (read == MANIFEST)
    put(s3, "m/r.json", TWO)
    assert Inputs(s3, S3Uri("data", "m/")).of_run(run) == read


def test_readers_are_runs_whose_manifest_names_the_object_and_no_other_version(s3):
    for name, body in (("of-prefix", TWO), ("of-key", TWO), ("odd", b"no manifest")):
        put(s3, f"m/{name}.json", body)
    put(s3, "m/other-bucket.json", TWO.replace(b"//data", b"//other"))
    for name, version in (("old", "v0"), ("mine", "v1")):
        put(s3, f"l/{name}", json.dumps({"landings": [{"key": "x", "version_id": version}]}))
        put(s3, f"m/{name}.json", TWO, landings=f"l/{name}")
    put(s3, "m/refused.json", TWO, landings="l/gone")
    names = ("old", "mine", "of-key", "other-bucket", "odd", "of-prefix", "gone", "refused")
    uris = {name: f"s3://data/m/{name}.json" for name in names} | {"of-prefix": "s3://data/in/"}
    runs = [
        record({"name": name, "trigger": {"Kind": "schedule"}, "input_message": uris[name]})
        for name in names
    ]
    reader = Mock(newest=lambda *_, only, **__: runs if only.kind == "schedule" else [])
    folder = S3Uri("data", "m/")
    stack = Mock(runs_reader=lambda: reader, client=lambda _: s3, manifests_folder=folder)
    found = find_readers(stack, S3Uri("data", "x"), "v1", NOW, NOW)
    readers = {one.run.name: one.exact for one in found.found}
    assert readers == {"mine": True, "of-key": False, "of-prefix": False}
    assert (found.looked, found.of) == (7, 8)
