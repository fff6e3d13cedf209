"""A job's inputs and outputs, with an S3 of this test's own; what CreateProcessingJob refuses."""

import io
import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from landrun_ops.local.processing_job.files import (
    TransferError,
    download,
    read_manifest,
    relative_to_prefix,
    upload,
)
from landrun_ops.local.processing_job.request import (
    malformed,
    violations,
    violations_of_values,
)


class FakeS3:
    """Objects by (bucket, key)."""

    def __init__(self, objects):
        self.objects = {("b", key): body for key, body in objects.items()}

    def get_object(self, *, Bucket, Key):  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def get_paginator(self, _):
        return self

    def paginate(self, *, Bucket, Prefix):  # noqa: N803
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket)
        return [{"Contents": [{"Key": key}]} for key in keys if key.startswith(Prefix)]


def manifest(*names, prefix="s3://b/"):
    return json.dumps([{"prefix": prefix}, *names]).encode()


def source(uri="s3://b/in/", kind="S3Prefix", **more):
    return {"S3Uri": uri, "S3DataType": kind, **more}


LISTED = source("s3://b/m", "ManifestFile")


def files(folder):
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("key", "prefix", "relative"),
    [
        ("in/a.csv", "in/", "a.csv"),
        ("in/x/a.csv", "in/", "x/a.csv"),
        ("in/x/a.csv", "in", "x/a.csv"),
        ("in/a.csv", "in/a.csv", "a.csv"),
        ("in/a.csv.bak", "in/a.csv", "a.csv.bak"),
        ("input/a.csv", "in", "input/a.csv"),
        ("a.csv", "", "a.csv"),
        ("a.csv", "a", "a.csv"),
    ],
)
def test_prefix_decides_the_path_below_local_path(key, prefix, relative):
    assert relative_to_prefix(key, prefix) == relative


@given(
    st.binary(max_size=40)
    | st.sampled_from([b'[{"prefix": 3}, "a"]', b'[{"prefix": "https://b/"}, "a"]', manifest()])
)
def test_anything_else_is_a_transfer_error_that_names_the_manifest(body):
    with pytest.raises(TransferError, match="s3://b/m"):
        read_manifest(body, "s3://b/m")


@pytest.mark.parametrize(
    ("objects", "how", "found"),
    [
        ({"m": manifest("a\nb", prefix="s3://b/in/"), "in/a\nb": b"x"}, LISTED, {"a\nb": b"x"}),
        ({"m": manifest("a", "a"), "a": b"x"}, LISTED, {"a": b"x"}),
        ({"in/x/": b"", "in/x/a": b"1"}, source(), {"x/a": b"1"}),
    ],
    ids=["key with a newline", "object named twice", "folder marker"],
)
def test_objects_become_files(tmp_path, objects, how, found):
    download(FakeS3(objects), how, [tmp_path])
    assert files(tmp_path) == found


@pytest.mark.parametrize(
    ("objects", "how", "named"),
    [
        ({"m": manifest("x/a", "x//a"), "x/a": b"1", "x//a": b"2"}, LISTED, "s3://b/x//a cannot"),
        ({"in/a": b"1", "in/a/b": b"2"}, source(), "s3://b/in/a/b cannot be a file"),
        *(
            ({"m": manifest(key), key: b"x"}, LISTED, "s3://b/")
            for key in ("../x", "a/../../x", "..", ".", "a\0b", "x" * 300)
        ),
    ],
)
def test_key_that_cannot_be_a_file_is_named(tmp_path, objects, how, named):
    with pytest.raises(TransferError, match=named):
        download(FakeS3(objects), how, [tmp_path / "in"])
    assert not [path for path in files(tmp_path) if not path.startswith("in/")]


@pytest.mark.parametrize("hosts", [1, 3, 9])
def test_shards_are_disjoint_and_lose_nothing(tmp_path, hosts):
    folders = [tmp_path / str(n) for n in range(hosts)]
    s3 = FakeS3({f"in/{key}": b"x" for key in "abcdefgh"})
    download(s3, source(S3DataDistributionType="ShardedByS3Key"), folders)
    found = [name for host in folders for name in files(host)]
    assert sorted(found) == [*"abcdefgh"]
    assert all(host.is_dir() for host in folders)


@pytest.mark.parametrize(
    ("uri", "key"),
    [("s3://b/out", "out/x/a b"), ("s3://b/out/", "out/x/a b"), ("s3://b/", "x/a b")],
)
def test_output_keeps_its_path_below_the_uri_and_its_key(tmp_path, uri, key):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a b").write_text("1")
    put = []
    upload(lambda *given: put.append(given), {"S3Uri": uri}, tmp_path, "arn:key")
    assert put == [("b", key, b"1", "arn:key")]


# What CreateProcessingJob refuses

PARTS = ("ProcessingJobName", "RoleArn", "AppSpecification", "ProcessingResources")
CLUSTER = "ProcessingResources.ClusterConfig"
TWICE = [{"InputName": "in"}] * 2


@pytest.fixture
def asked(load_event):
    """The request of the job whose description is in an event of AWS."""
    event = json.loads(load_event("execution-succeeded")["Records"][0]["body"])
    described = json.loads(event["detail"]["output"])
    return {name: described[name] for name in (*PARTS, "ProcessingInputs")}


def changed(request, path, value):
    *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place = request
    for step in parents:
        place = place[step]
    place[last] = value
    return request


def test_good_request_has_nothing_wrong(asked):
    assert malformed(asked) == ""
    assert violations(asked) == []
    paths = {"ProcessingJobName.$": "$.name", "Environment": {"1.$": "$"}}
    assert violations_of_values(paths) == []


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("ProcessingJobName", "a_b", "satisfy regular expression pattern"),
        ("ProcessingJobName", "a" * 64, "length less than or equal to 63"),
        ("ProcessingJobName", "", "length greater than or equal to 1"),
        ("AppSpecification.ContainerArguments", ["x"] * 101, "less than or equal to 100"),
        ("AppSpecification.ContainerArguments", ["x" * 257], "containerArguments.1.member"),
        ("AppSpecification.ContainerArguments", ["x", ""], "Value '' at 'appSpecification"),
        ("AppSpecification", {"ImageUri": "i"}, "give a ContainerEntrypoint"),
        (f"{CLUSTER}.InstanceCount", 0, "value greater than or equal to 1"),
        (f"{CLUSTER}.InstanceType", "m5.large", "enum value set"),
        ("Environment", {"1A": "x"}, "environment.key"),
        ("Environment", {"A": "x" * 257}, "less than or equal to 256"),
        ("ProcessingInputs.0.S3Input.LocalPath", "/tmp/in", "must be under /opt/ml/processing"),
        ("ProcessingInputs.0.S3Input.LocalPath", "/opt/ml/processing/../x", "must be under"),
        ("ProcessingInputs.0.S3Input.S3InputMode", "Pipe", "knows S3Input in files only"),
        ("ProcessingInputs", TWICE, "InputName 'in' is given more"),
        ("ProcessingInputs", [{"InputName": "in"}], "knows S3Input in files only"),
    ],
)
def test_violation_is_described_by_name(asked, path, value, why):
    assert why in "\n".join(violations(changed(asked, path, value)))


@pytest.mark.parametrize(
    ("path", "value"),
    [("Colour", "red"), ("ProcessingJobName", 3), ("ProcessingResources", {})],
)
def test_what_no_client_would_send_is_malformed(asked, path, value):
    assert path in malformed(changed(asked, path, value))
