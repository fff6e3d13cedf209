from __future__ import annotations

import json
import uuid
from typing import Any

import boto3
import pytest

from landrun.adapters.manifests import Manifests
from landrun.errors import ConfigurationError, InvalidInput, InvalidName, LandrunError, ServiceError
from landrun.models.run import ExecutionInput
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.manual_input import Locations, gather, prepare, who

ME = "arn:aws:iam::123456789012:user/me"
RANDOM = uuid.UUID("6f7f0c52-7d2c-4f0e-9a55-2f1b6f6e9d11")
NAME = f"bsm-{RANDOM.hex}"
LANDING = S3Uri("landing", "incoming/")
WHERE = Locations(S3Uri("output", "manifests/"), LANDING, S3Uri("output", "processed/"))

OBJECTS = [
    *("in/a b.csv", "in/deep/c+d.csv", "in-other/e.csv"),
    *("one/a.csv", "one/a.csv.bak", "one/a.csv/b"),
    *("days/2026-11-01.csv", "days/2026-11-02/a.csv", "days/2026-12-01.csv"),
    *("odd/a.csv", "odd//b.csv"),
]
"""What lies in the landing bucket; folder markers and empty objects beside it."""

ONE_OBJECT = b'[{"prefix": "s3://landing/one/"}, "a.csv"]'
LONG_MANIFEST = (
    b' [ {"prefix": "s3://landing/in/"}'
    + "".join(f',"{"k" * 100}{n}"' for n in range(1000)).encode()
    + b"]"
)


@pytest.fixture
def s3(s3: Any) -> Any:
    put(s3, *OBJECTS)
    put(s3, "in/", "in/empty.csv", body=b"")
    return s3


def put(s3: Any, *keys: str, body: bytes = b"x", bucket: str = "landing") -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def prepared(
    s3: Any,
    source: str,
    output: str = "s3://output/by-hand",
    manifests: str = "s3://output/manifests/",
    prefix: str = "bsm",
    **more: Any,
) -> ExecutionInput:
    source_uri, output_uri = S3Uri.parse(source), S3Uri.parse(output)
    where = Locations(S3Uri.parse(manifests), LANDING)
    more |= {"prefix": prefix, "started_by": ME, "random": RANDOM}
    return prepare(s3, source_uri, output_uri, where, **more)


def manifest(s3: Any, run: ExecutionInput) -> Any:
    uri = S3Uri.parse(run.InputMessage)
    return json.loads(s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read())


def test_a_run_reads_a_manifest_has_a_random_name_and_says_who_started_it(s3: Any) -> None:
    run = prepared(s3, "s3://landing/in")
    assert run.PreprocessingJobName == NAME
    assert run.InputMessage == f"s3://output/manifests/{NAME}.json"
    assert run.OutputProcessedMessage == "s3://output/by-hand/"
    assert run.Trigger.to_dict() == {"Kind": "manual", "StartedBy": ME}
    assert manifest(s3, run) == [{"prefix": "s3://landing/"}, "in/a b.csv", "in/deep/c+d.csv"]


@pytest.mark.parametrize(
    ("sources", "keys", "left_out"),
    [
        (["in"], ["in/a b.csv", "in/deep/c+d.csv"], {"zero-bytes": 1, "folder-marker": 1}),
        (["one/a.csv"], ["one/a.csv"], {}),
        (["days/2026-11-*"], ["days/2026-11-01.csv", "days/2026-11-02/a.csv"], {}),
        (["odd"], ["odd/a.csv"], {"unreadable-key": 1}),
        (
            ["one/a.csv", "in/deep/c+d.csv", "in", "one/a.csv"],
            ["one/a.csv", "in/deep/c+d.csv", "in/a b.csv"],
            {"zero-bytes": 1, "folder-marker": 1},
        ),
    ],
    ids=["folder", "object", "star", "unreadable", "several, each object once"],
)
def test_sources_are_read_without_what_no_job_can_read(
    s3: Any, sources: list[str], keys: list[str], left_out: dict[str, int]
) -> None:
    reading = gather(s3, [S3Uri("landing", source) for source in sources], WHERE, strict=False)
    assert (list(reading.keys), reading.left_out) == (keys, left_out)
    assert (reading.bucket, reading.size) == ("landing", len(keys))


@pytest.mark.parametrize(
    ("source", "keys", "left_out"),
    [
        ("", ["a.csv"], {"own-output": 2}),
        ("processed/r1", ["processed/r1/part.csv"], {}),
    ],
)
def test_outputs_are_read_only_when_they_are_asked_for(
    s3: Any, source: str, keys: list[str], left_out: dict[str, int]
) -> None:
    put(s3, "a.csv", "processed/r1/part.csv", "manifests/r1.json", bucket="output")
    reading = gather(s3, [S3Uri("output", source)], WHERE)
    assert (list(reading.keys), reading.left_out) == (keys, left_out)


@pytest.mark.parametrize("body", [ONE_OBJECT, LONG_MANIFEST], ids=["short", "long"])
def test_a_manifest_is_known_by_its_beginning_and_passed_on_as_it_is(s3: Any, body: bytes) -> None:
    put(s3, "lists/mine.json", body=body)
    assert prepared(s3, "s3://landing/lists/mine.json").InputMessage.endswith("/lists/mine.json")
    assert "Contents" not in s3.list_objects_v2(Bucket="output")


@pytest.mark.parametrize("body", [b'[{"text": "hi"}]', b'{"text": "hi"}', b"{", b"[]", b"3", b"[["])
def test_messages_in_a_json_file_are_no_manifest(s3: Any, body: bytes) -> None:
    put(s3, "messages.json", body=body)
    run = prepared(s3, "s3://landing/messages.json")
    assert manifest(s3, run) == [{"prefix": "s3://landing/"}, "messages.json"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://landing/one/a.csv", "s3://landing/one/a.csv"),
        ("s3://landing/in", "s3://landing/in/"),
        ("s3://landing/in/*", "s3://landing/in/"),
        ("s3://landing/in/a*", "s3://landing/in/a"),
        ("s3://landing/in/list.json", "s3://landing/one/a.csv"),
    ],
)
def test_with_the_format_uri_the_message_is_the_object_or_prefix_and_a_manifest_says_what_lay_there(
    s3: Any, source: str, message: str
) -> None:
    put(s3, "in/list.json", body=ONE_OBJECT)
    assert prepared(s3, source, input_format="uri").InputMessage == message
    assert "list.json" in source or s3.head_object(Bucket="output", Key=f"manifests/{NAME}.json")


def test_with_the_format_uri_a_scheduled_prefix_stays_one(s3: Any) -> None:
    keys, prefix = ["in/2026/a.csv", "in/2026/b.csv"], S3Uri("landing", "in/2026/")
    written = Manifests(s3, "output", "manifests/").write_once(
        "landrun-tick", "landing", keys, prefix=prefix
    )
    assert prepared(s3, str(written.uri), input_format="uri").InputMessage == str(prefix)


@pytest.mark.parametrize(
    ("source", "how", "error", "says"),
    [
        ("s3://landing/nothing/", {}, ConfigurationError, "nothing to read at s3://landing"),
        ("s3://landing/in/a", {}, ConfigurationError, "nothing to read at s3://landing"),
        ("s3://nowhere/in/", {}, ServiceError, "NoSuchBucket"),
        ("s3://landing/odd/", {}, ConfigurationError, "rename the object"),
        ("s3://landing/in/", {"output": f"{LANDING}out"}, ConfigurationError, "the output s3://"),
        ("s3://landing/in/", {"manifests": f"{LANDING}m/"}, ConfigurationError, "the manifest s3:"),
        ("s3://landing/two.json", {"input_format": "uri"}, InvalidInput, "the 2 objects of s3://"),
        *(
            ("s3://landing/in/", {"prefix": prefix}, InvalidName, "run name prefix")
            for prefix in ("x" * 22, "Upper", "two words", "")
        ),
    ],
)
def test_what_cannot_run_is_refused_with_the_reason_and_leaves_no_manifest(
    s3: Any, source: str, how: dict[str, str], error: type[LandrunError], says: str
) -> None:
    put(s3, "two.json", body=b'[{"prefix": "s3://landing/in/"}, "a.csv", "b.csv"]')
    with pytest.raises(error, match=says):
        prepared(s3, source, **how)
    assert "Contents" not in s3.list_objects_v2(Bucket="output")


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        (["s3://landing/in", "s3://output/a"], r"\(landing, output\): start a run for each"),
        (["s3://landing/in", "s3://landing/in/b"], "s3://landing/in/b.*is not there"),
        (["s3://landing/in", "s3://landing/in/b*"], "s3://landing/in/b.*no key begins so"),
        (["s3://landing/odd//b.csv"], "rename the object"),
    ],
)
def test_the_source_that_cannot_be_read_is_named_with_the_remedy(
    s3: Any, sources: list[str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        gather(s3, [S3Uri.parse(source) for source in sources], WHERE, strict=False)


def test_who_starts_a_run_is_an_arn_where_aws_knows_and_else_the_users_name(
    monkeypatch: pytest.MonkeyPatch, aws: None
) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    nowhere = boto3.client("sts", region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    assert who(boto3.client("sts")).startswith("arn:aws:")
    assert who(nowhere) == "alice"
