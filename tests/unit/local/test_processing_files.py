"""A job's inputs and outputs, with an S3 of this test's own; what CreateProcessingJob refuses."""

import io
import json

import pytest
from botocore.exceptions import ClientError

from landrun_ops.local.processing_job.files import (
    TransferError,
    download,
    read_manifest,
)
from landrun_ops.local.processing_job.request import (
    malformed,
    violations,
    violations_of_values,
)


class FakeS3:
    """A bucket's objects by their keys."""

    def __init__(self, objects):
        self.objects = objects

    def get_object(self, *, Bucket, Key):  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, _):
        return self

    def paginate(self, *, Bucket, Prefix):  # noqa: N803
        return [{"Contents": [{"Key": key}]} for key in self.objects if key.startswith(Prefix)]


def manifest(*names, prefix="s3://b/"):
    return json.dumps([{"prefix": prefix}, *names]).encode()


def source(uri):
    return {"S3Uri": uri, "S3DataType": "S3Prefix"}


LISTED = {"S3Uri": "s3://b/m", "S3DataType": "ManifestFile"}


def files(folder):
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    "body", [b"\xff", b"[]", b'[{"prefix": 3}, "a"]', manifest("a", prefix="a/"), manifest()]
)
def test_what_is_no_manifest_is_an_error_that_names_it(body):
    with pytest.raises(TransferError, match="s3://b/m"):
        read_manifest(body, "s3://b/m")


@pytest.mark.parametrize(
    ("objects", "how", "found"),
    [
        ({"m": manifest("a\nb", prefix="s3://b/in/"), "in/a\nb": b"x"}, LISTED, {"a\nb": b"x"}),
        ({"m": manifest("a", "a"), "a": b"x"}, LISTED, {"a": b"x"}),
        ({"in/x/": b"", "in/x/a": b"1"}, source("s3://b/in/"), {"x/a": b"1"}),
        ({"in/x/a": b"1"}, source("s3://b/in"), {"x/a": b"1"}),
        ({"in/a.csv.bak": b"1"}, source("s3://b/in/a"), {"a.csv.bak": b"1"}),
        ({"a": b"1"}, source("s3://b"), {"a": b"1"}),
    ],
    ids=["newline", "named twice", "folder marker", "folder", "beginning of a name", "bucket"],
)
def test_objects_become_files(tmp_path, objects, how, found):
    download(FakeS3(objects), how, [tmp_path])
    assert files(tmp_path) == found


@pytest.mark.parametrize(
    ("objects", "how", "named"),
    [
        ({"m": manifest("x/a", "x//a"), "x/a": b"1", "x//a": b"2"}, LISTED, "s3://b/x//a cannot"),
        ({"in/a": b"1", "in/a/b": b"2"}, source("s3://b/in/"), "s3://b/in/a/b cannot be a file"),
        ({"m": manifest("a/../../x"), "a/../../x": b"x"}, LISTED, "no path of a file"),
        ({"m": manifest("x" * 300), "x" * 300: b"x"}, LISTED, "cannot be a file here"),
    ],
)
def test_key_that_cannot_be_a_file_is_named(tmp_path, objects, how, named):
    with pytest.raises(TransferError, match=named):
        download(FakeS3(objects), how, [tmp_path / "in"])
    assert not [path for path in files(tmp_path) if not path.startswith("in/")]


# What CreateProcessingJob refuses

PARTS = ("ProcessingJobName", "RoleArn", "AppSpecification", "ProcessingResources")


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


def test_good_request_has_nothing_wrong_and_one_of_no_client_is_malformed(asked):
    assert malformed(asked) == ""
    assert violations(asked) == []
    paths = {"ProcessingJobName.$": "$.name", "Environment": {"1.$": "$"}}
    assert violations_of_values(paths) == []
    assert "Colour" in malformed(asked | {"Colour": "red"})


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("ProcessingJobName", "a_b", "satisfy regular expression pattern"),
        ("ProcessingJobName", "a" * 64, "length less than or equal to 63"),
        ("AppSpecification.ContainerArguments", ["x", ""], "Value '' at 'appSpecification"),
        ("AppSpecification", {"ImageUri": "i"}, "give a ContainerEntrypoint"),
        ("ProcessingResources.ClusterConfig.InstanceCount", 0, "value greater than or equal to 1"),
        ("Environment", {"1A": "x"}, "environment.key"),
        ("ProcessingInputs.0.S3Input.LocalPath", "/opt/ml/processing/../x", "must be under"),
        ("ProcessingInputs.0.S3Input.S3InputMode", "Pipe", "knows S3Input in files only"),
        ("ProcessingInputs", [{"InputName": "in"}] * 2, "InputName 'in' is given more"),
        ("ProcessingInputs", [{"InputName": "in"}], "knows S3Input in files only"),
    ],
)
def test_violation_is_described_by_name(asked, path, value, why):
    assert why in "\n".join(violations(changed(asked, path, value)))
