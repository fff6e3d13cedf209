"""A job's inputs and outputs, with an S3 of this test's own; what CreateProcessingJob refuses."""

import io
import json
from unittest.mock import Mock

import pytest

from landrun_ops.local.processing_job.files import (
    TransferError,
    download,
    read_manifest,
    upload,
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
    "body", [b"\xff", b"[]", b'[{"prefix": 3}, "a"]', manifest("a", prefix="s3://"), manifest()]
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


def test_output_keeps_its_path_below_the_uri_and_its_key(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a b").write_text("1")
    put = Mock()
    upload(put, {"S3Uri": "s3://b/out"}, tmp_path, "arn:key")
    put.assert_called_once_with("b", "out/x/a b", b"1", "arn:key")


# What CreateProcessingJob refuses


@pytest.fixture
def asked(load_event):
    """The request of the job whose description is in an event of AWS."""
    event = json.loads(load_event("execution-succeeded")["Records"][0]["body"])
    described = json.loads(event["detail"]["output"])
    of_it = ("RoleArn", "AppSpecification", "ProcessingResources", "ProcessingInputs")
    return {name: described[name] for name in ("ProcessingJobName", *of_it)}


def test_good_request_has_nothing_wrong_and_one_of_no_client_is_malformed(asked):
    assert malformed(asked) == ""
    assert violations(asked) == []
    paths = {"ProcessingJobName.$": "$.name", "Environment": {"1.$": "$"}}
    assert violations_of_values(paths) == []
    assert "Colour" in malformed(asked | {"Colour": "red"})


def input_at(path, **more):
    where = {"S3Uri": "s3://b/in", "S3DataType": "S3Prefix", "LocalPath": path, **more}
    return {"InputName": "in", "S3Input": where}


NOT_IN_FILES = "knows S3Input in files only"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ProcessingJobName", "a_b", "satisfy regular expression pattern"),
        ("ProcessingJobName", "a" * 64, "length less than or equal to 63"),
        ("AppSpecification", {"ImageUri": "i", "ContainerArguments": [""]}, "Value '' at 'app"),
        ("AppSpecification", {"ImageUri": "i"}, "give a ContainerEntrypoint"),
        ("ProcessingResources", {"ClusterConfig": {"InstanceCount": 0}}, "than or equal to 1"),
        ("Environment", {"1A": "x"}, "environment.key"),
        ("ProcessingInputs", [input_at("/opt/ml/processing/../x")], "must be under"),
        ("ProcessingInputs", [input_at("/opt/ml/x", S3InputMode="Pipe")], NOT_IN_FILES),
        ("ProcessingInputs", [{"InputName": "in"}], NOT_IN_FILES),
        ("ProcessingInputs", [{"InputName": "in"}] * 2, "InputName 'in' is given more"),
    ],
)
def test_violation_is_described_by_name(asked, name, value, why):
    assert why in "\n".join(violations(asked | {name: value}))
