"""What a run reads is found by its manifest, its own URI or its trigger."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.manifests import manifest_body
from landrun.models.s3_uri import S3Uri
from landrun_ops.stack.inputs import HEAD, Input, Inputs, parse
from records import record


class FakeS3:
    """Objects by key of one bucket."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.metadata: dict[str, dict[str, str]] = {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        body = self.objects[Key]
        about = {"ContentLength": len(body), "Metadata": self.metadata.get(Key, {})}
        return {"Body": io.BytesIO(body), **about}


def test_a_manifest_names_bucket_and_whole_keys() -> None:
    assert parse(manifest_body("b", ["x/ä.csv"])) == Input("b", ("x/ä.csv",))
    assert parse('[{"prefix": "s3://b/x/"}, "a", 7]') == Input("b", ("x/a",))
    odd = ["", "{}", "[]", '["a"]', '[{"prefix": 1}]', '[{"prefix": "x"}]', "[" * 9999, "3"]
    assert [parse(body) for body in odd] == [None] * len(odd)
    uris = ["", "none", "s3://b", "s3://b/", "s3://b/gone.json"]
    assert [Inputs(FakeS3({})).read(uri) for uri in uris] == [None] * len(uris)


MESSAGES = b'{"text": "hi"}\n' * 1000
LANDED = {"Kind": "object-created", "Bucket": "b", "Key": "in/a.csv", "Size": 7}
MANIFEST = Input("b", ("x", "y"), {}, "s3://b/m/r.json")


@pytest.mark.parametrize(
    ("uri", "trigger", "read"),
    [
        ("s3://b/in/a.csv", LANDED, Input("b", ("in/a.csv",), {"in/a.csv": 7})),
        ("s3://b/m/r.json", LANDED, MANIFEST),
        ("s3://b/data.json", {}, Input("b", ("data.json",), {"data.json": len(MESSAGES)})),
        ("s3://b/in/", {"Kind": "schedule"}, MANIFEST),
        ("s3://b/in/2026-", {}, MANIFEST),
        ("", {}, MANIFEST),
    ],
)
def test_a_run_reads_a_manifests_objects_or_an_object_or_what_lay_under_a_prefix(
    uri: str, trigger: dict[str, Any], read: Input
) -> None:
    s3 = FakeS3({"m/r.json": b'[{"prefix": "s3://b/"}, "x", "y"]', "data.json": MESSAGES})
    run = record({"name": "r", "input_message": uri, "trigger": trigger})
    assert Inputs(s3, S3Uri("b", "m/")).of_run(run) == read
    without_manifest = FakeS3({"in/": b"", "data.json": MESSAGES})
    assert (Inputs(without_manifest, S3Uri("b", "m/")).of_run(run) is None) == (read == MANIFEST)


def test_of_an_object_that_is_no_manifest_only_the_beginning_is_read() -> None:
    s3 = FakeS3({"data.json": MESSAGES})
    body = s3.get_object("b", "data.json")["Body"]
    s3.get_object = lambda **_: {"Body": body, "ContentLength": len(MESSAGES)}  # type: ignore[method-assign]
    where = []
    body.close = lambda: where.append(body.tell())
    assert Inputs(s3).read("s3://b/data.json")
    assert where == [HEAD]


def test_sizes_come_from_the_list_of_landings() -> None:
    landings = {
        "landings": [{"key": "a", "size": 5, "version_id": "v1"}, {"key": "b", "size": None}, 7],
        "last": True,
    }
    objects = {"m": b'[{"prefix": "s3://b/"}, "a", "b"]', "l": json.dumps(landings).encode()}
    s3 = FakeS3(objects | {"b": b"123"})
    assert Inputs(s3).read("s3://b/m") == Input("b", ("a", "b"), {}, "s3://b/m")
    s3.metadata["m"] = {"landings": "l"}
    given = Inputs(s3).read("s3://b/m")
    assert given is not None
    assert (given.sizes, given.bytes) == ({"a": 5}, None)
    assert given.versions == {("a", "v1"), ("b", None)}
