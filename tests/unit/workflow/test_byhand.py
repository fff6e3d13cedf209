from __future__ import annotations

import json
import uuid
from typing import Any

import boto3
import pytest

from landrun.adapters.manifests import Manifests
from landrun.errors import ConfigurationError, InvalidInput, InvalidName, ServiceError
from landrun.models.run import ExecutionInput
from landrun.models.s3_uri import S3Uri
from landrun_ops.workflow import places, prepare, who
from landrun_ops.workflow.reading import Places, gather

RANDOM = uuid.UUID("6f7f0c52-7d2c-4f0e-9a55-2f1b6f6e9d11")
NAME = f"bsm-{RANDOM.hex}"
LANDING = S3Uri("landing", "incoming/")
WHERE = Places(S3Uri("output", "manifests/"), LANDING, S3Uri("output", "processed/"))


def prepared(
    s3: Any, source: str, target: str = "s3://output/by-hand", manifests: str = "", **more: Any
) -> ExecutionInput:
    output = S3Uri.parse(target)
    where = places(output, manifests, "output", LANDING)
    return prepare(
        s3,
        S3Uri.parse(source),
        output,
        where,
        prefix="bsm",
        started_by="arn:aws:iam::123456789012:user/me",
        random=RANDOM,
        **more,
    )


def manifest(s3: Any, run: ExecutionInput) -> Any:
    uri = S3Uri.parse(run.InputMessage)
    return json.loads(s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read())


def put(s3: Any, *keys: str, body: bytes = b"x") -> None:
    for key in keys:
        s3.put_object(Bucket="landing", Key=key, Body=body)


def test_a_folder_becomes_a_manifest_of_its_objects(s3: Any) -> None:
    put(s3, "in/a b.csv", "in/deep/c+d.csv", "in-other/e.csv")
    put(s3, "in/", "in/empty.csv", body=b"")

    run = prepared(s3, "s3://landing/in")

    assert run.InputMessage == f"s3://output/manifests/{NAME}.json"
    assert manifest(s3, run) == [{"prefix": "s3://landing/"}, "in/a b.csv", "in/deep/c+d.csv"]


def test_an_object_is_read_alone_without_what_begins_like_it(s3: Any) -> None:
    put(s3, "in/a.csv", "in/a.csv.bak", "in/a.csv/b")

    run = prepared(s3, "s3://landing/in/a.csv")

    assert manifest(s3, run) == [{"prefix": "s3://landing/"}, "in/a.csv"]


def test_a_whole_bucket_leaves_out_the_manifests_in_it(s3: Any) -> None:
    s3.put_object(Bucket="output", Key="manifests/old.json", Body=b"[]")
    s3.put_object(Bucket="output", Key="a.csv", Body=b"x")

    run = prepared(s3, "s3://output/")

    assert manifest(s3, run) == [{"prefix": "s3://output/"}, "a.csv"]


def test_a_manifest_is_passed_on_as_it_is(s3: Any) -> None:
    put(s3, "lists/mine.json", body=b'[{"prefix": "s3://landing/in/"}, "a.csv"]')

    run = prepared(s3, "s3://landing/lists/mine.json")

    assert run.InputMessage == "s3://landing/lists/mine.json"
    assert "Contents" not in s3.list_objects_v2(Bucket="output")


@pytest.mark.parametrize("body", [b'[{"text": "hi"}]', b'{"text": "hi"}', b"{", b"[]", b"3", b"[["])
def test_messages_in_a_json_file_are_no_manifest(s3: Any, body: bytes) -> None:
    put(s3, "in/messages.json", body=body)

    run = prepared(s3, "s3://landing/in/messages.json")

    assert manifest(s3, run) == [{"prefix": "s3://landing/"}, "in/messages.json"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://landing/in/a.csv", "s3://landing/in/a.csv"),
        ("s3://landing/in", "s3://landing/in/"),
        ("s3://landing/in/*", "s3://landing/in/"),
        ("s3://landing/in/b*", "s3://landing/in/b"),
        ("s3://landing", "s3://landing/"),
        ("s3://landing/lists/one.json", "s3://landing/in/a.csv"),
    ],
)
def test_with_the_format_uri_the_message_is_the_object_or_prefix_and_a_manifest_says_what_lay_there(
    s3: Any, source: str, message: str
) -> None:
    put(s3, "in/a.csv", "in/b.csv")
    put(s3, "lists/one.json", body=b'[{"prefix": "s3://landing/in/"}, "a.csv"]')

    assert prepared(s3, source, input_format="uri").InputMessage == message
    assert "one.json" in source or s3.head_object(Bucket="output", Key=f"manifests/{NAME}.json")


def test_with_the_format_uri_several_objects_of_a_manifest_are_refused_with_the_remedy(
    s3: Any,
) -> None:
    put(s3, "two.json", body=b'[{"prefix": "s3://landing/in/"}, "a.csv", "b.csv"]')

    with pytest.raises(
        InvalidInput, match=r"the 2 objects of s3://landing/two\.json: start one run"
    ):
        prepared(s3, "s3://landing/two.json", input_format="uri")


def test_with_the_format_uri_a_scheduled_prefix_stays_one(s3: Any) -> None:
    keys, prefix = ["in/2026/a.csv", "in/2026/b.csv"], S3Uri("landing", "in/2026/")
    written = Manifests(s3, "output", "manifests/").write_once(
        "landrun-tick", "landing", keys, prefix=prefix
    )

    run = prepared(s3, str(written.uri), input_format="uri")

    assert run.InputMessage == "s3://landing/in/2026/"


def test_a_long_manifest_is_known_by_its_beginning(s3: Any) -> None:
    keys = "".join(f',"{"k" * 100}{n}"' for n in range(1000)).encode()
    put(s3, "mine.json", body=b' [ {"prefix": "s3://landing/in/"}' + keys + b"]")

    assert prepared(s3, "s3://landing/mine.json").InputMessage == "s3://landing/mine.json"


def test_the_run_is_named_at_random_and_says_who_started_it(s3: Any) -> None:
    put(s3, "in/a.csv")

    run = prepared(s3, "s3://landing/in/")

    assert run.PreprocessingJobName == NAME
    assert run.OutputProcessedMessage == "s3://output/by-hand/"
    assert run.Trigger.to_dict() == {
        "Kind": "manual",
        "StartedBy": "arn:aws:iam::123456789012:user/me",
    }


@pytest.mark.parametrize("source", ["s3://landing/nothing/", "s3://landing/in/a", "s3://landing"])
def test_nothing_to_read_is_an_error_and_leaves_no_manifest(s3: Any, source: str) -> None:
    with pytest.raises(ConfigurationError, match="nothing to read at s3://landing"):
        prepared(s3, source)
    assert "Contents" not in s3.list_objects_v2(Bucket="output")


def test_a_star_stands_for_any_end_of_a_key(s3: Any) -> None:
    put(s3, "in/2026-11-01.csv", "in/2026-11-02/a.csv", "in/2026-12-01.csv")

    reading = gather(s3, [S3Uri("landing", "in/2026-11-*")], WHERE)

    assert reading.keys == ("in/2026-11-01.csv", "in/2026-11-02/a.csv")


def test_several_sources_make_one_list_in_which_each_object_is_once(s3: Any) -> None:
    put(s3, "b/1.csv", "a/1.csv", "a/2.csv")
    put(s3, "a/empty.csv", "a/", body=b"")
    sources = [S3Uri("landing", key) for key in ("b/1.csv", "a/2.csv", "a")]

    reading = gather(s3, sources, WHERE)

    assert reading.keys == ("b/1.csv", "a/2.csv", "a/1.csv")
    assert (reading.bucket, reading.size) == ("landing", 3)
    assert reading.left_out == {"zero-bytes": 1, "folder-marker": 1}


def test_sources_in_two_buckets_are_refused_with_the_remedy(s3: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"\(landing, output\): start a run for each"):
        gather(s3, [S3Uri("landing", "a"), S3Uri("output", "a")], WHERE)


def test_the_source_that_has_nothing_is_named(s3: Any) -> None:
    put(s3, "in/a.csv")

    for source, words in (("in/b", "is not there"), ("in/b*", "no key begins so")):
        with pytest.raises(ConfigurationError, match=f"s3://landing/{source[:4]}.*{words}"):
            gather(s3, [S3Uri("landing", "in/"), S3Uri("landing", source)], WHERE)


def test_outputs_are_read_only_when_they_are_asked_for(s3: Any) -> None:
    for key in ("a.csv", "processed/r1/part.csv", "manifests/r1.json"):
        s3.put_object(Bucket="output", Key=key, Body=b"x")

    whole = gather(s3, [S3Uri("output")], WHERE)
    outputs = gather(s3, [S3Uri("output", "processed/r1")], WHERE)

    assert (whole.keys, whole.left_out) == (("a.csv",), {"own-output": 2})
    assert outputs.keys == ("processed/r1/part.csv",)


def test_a_bucket_that_is_not_there_is_named_by_s3(s3: Any) -> None:
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        prepared(s3, "s3://nowhere/in/")


def test_a_key_that_no_file_can_have_is_refused(s3: Any) -> None:
    put(s3, "in/../a.csv")

    with pytest.raises(ConfigurationError, match="rename the object"):
        prepared(s3, "s3://landing/in/")


def test_a_key_that_no_file_can_have_is_left_out_unless_it_is_named(s3: Any) -> None:
    put(s3, "in/a.csv", "in//b.csv")

    reading = gather(s3, [S3Uri("landing", "in")], WHERE, strict=False)

    assert (reading.keys, reading.left_out) == (("in/a.csv",), {"unreadable-key": 1})
    with pytest.raises(ConfigurationError, match="rename the object"):
        gather(s3, [S3Uri("landing", "in//b.csv")], WHERE, strict=False)


def test_an_output_under_the_landing_prefix_is_refused(s3: Any) -> None:
    put(s3, "in/a.csv")

    with pytest.raises(ConfigurationError, match="the output s3://landing/incoming/out/"):
        prepared(s3, "s3://landing/in/", target="s3://landing/incoming/out")


def test_a_manifest_under_the_landing_prefix_is_refused(s3: Any) -> None:
    put(s3, "in/a.csv")

    with pytest.raises(ConfigurationError, match="the manifest s3://landing/incoming/m/"):
        prepared(s3, "s3://landing/in/", manifests="s3://landing/incoming/m")


@pytest.mark.parametrize(
    ("manifests", "output_bucket", "folder"),
    [
        ("", "", "s3://elsewhere/manifests/"),
        ("", "output", "s3://output/manifests/"),
        ("s3://other/lists", "output", "s3://other/lists/"),
    ],
)
def test_manifests_lie_beside_the_outputs_unless_told_otherwise(
    manifests: str, output_bucket: str, folder: str
) -> None:
    where = places(S3Uri("elsewhere", "out/"), manifests, output_bucket, None)

    assert str(where.manifests) == folder


@pytest.mark.parametrize("prefix", ["x" * 22, "Upper", "two words", ""])
def test_a_prefix_that_sagemaker_would_refuse_is_named(s3: Any, prefix: str) -> None:
    output = S3Uri("output", "")

    with pytest.raises(InvalidName, match="run name prefix"):
        prepare(
            s3,
            S3Uri("landing", "in/"),
            output,
            places(output, "", "", None),
            prefix=prefix,
            started_by="me",
        )


def test_who_starts_a_run_is_an_arn_where_aws_knows(aws: None) -> None:
    assert who(boto3.client("sts")).startswith("arn:aws:")


def test_who_starts_a_run_is_the_users_name_where_aws_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    nowhere = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )

    assert who(nowhere) == "alice"
