"""Inputs and outputs, from and to an S3 of this test's own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from landrun_ops.local.processing_files import (
    TransferError,
    download,
    inside,
    read_manifest,
    relative_to_prefix,
    upload,
)


class FakeS3:
    """Objects by (bucket, key)."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = {("b", key): body for key, body in objects.items()}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: Any) -> None:  # noqa: N803
        self.objects[Bucket, Key] = Body.read()

    def get_paginator(self, _: str) -> FakeS3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket)
        return [{"Contents": [{"Key": key}]} for key in keys if key.startswith(Prefix)]


def manifest(*names: str, prefix: str = "s3://b/") -> bytes:
    return json.dumps([{"prefix": prefix}, *names]).encode()


def source(uri: str, kind: str = "S3Prefix", **more: Any) -> dict[str, Any]:
    return {"S3Uri": uri, "S3DataType": kind, **more}


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_local_path_is_a_folder_below_opt_ml() -> None:
    path = inside(Path("/t/opt/ml"), "/opt/ml/processing/input/x")
    assert path == Path("/t/opt/ml/processing/input/x")


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
def test_prefix_decides_the_path_below_local_path(key: str, prefix: str, relative: str) -> None:
    assert relative_to_prefix(key, prefix) == relative


@given(st.lists(st.text(), min_size=1))
def test_manifest_names_its_objects_exactly(names: list[str]) -> None:
    objects = read_manifest(manifest(*names, prefix="s3://b/p/"), "s3://b/m")
    assert [(o.bucket, o.key, o.relative) for o in objects] == [("b", f"p/{n}", n) for n in names]


@given(st.binary(max_size=40))
def test_anything_else_is_a_transfer_error_that_names_the_manifest(body: bytes) -> None:
    with pytest.raises(TransferError, match="s3://b/m"):
        read_manifest(body, "s3://b/m")


def test_key_with_a_newline_keeps_it(tmp_path: Path) -> None:
    s3 = FakeS3(**{"m": manifest("a\nb", prefix="s3://b/in/"), "in/a\nb": b"x"})
    download(s3, source("s3://b/m", "ManifestFile"), [tmp_path])
    assert files(tmp_path) == {"a\nb": b"x"}


def test_object_named_twice_comes_once(tmp_path: Path) -> None:
    s3 = FakeS3(m=manifest("a", "a"), a=b"x")
    download(s3, source("s3://b/m", "ManifestFile"), [tmp_path])
    assert files(tmp_path) == {"a": b"x"}


def test_two_keys_with_one_path_are_an_error_and_not_an_overwrite(tmp_path: Path) -> None:
    s3 = FakeS3(**{"m": manifest("x/a", "x//a"), "x/a": b"1", "x//a": b"2"})
    with pytest.raises(TransferError, match="s3://b/x//a cannot be a file"):
        download(s3, source("s3://b/m", "ManifestFile"), [tmp_path])


def test_key_that_is_also_a_folder_is_named(tmp_path: Path) -> None:
    s3 = FakeS3(**{"in/a": b"1", "in/a/b": b"2"})
    with pytest.raises(TransferError, match="s3://b/in/a/b cannot be a file"):
        download(s3, source("s3://b/in/"), [tmp_path])


@pytest.mark.parametrize("key", ["../x", "a/../../x", "..", ".", "a\0b", "x" * 300])
def test_key_that_is_no_path_is_named(tmp_path: Path, key: str) -> None:
    s3 = FakeS3(**{"m": manifest(key), key: b"x"})
    with pytest.raises(TransferError, match="s3://b/"):
        download(s3, source("s3://b/m", "ManifestFile"), [tmp_path / "in"])
    assert files(tmp_path) == {}


def test_folder_marker_is_a_folder(tmp_path: Path) -> None:
    download(FakeS3(**{"in/x/": b"", "in/x/a": b"1"}), source("s3://b/in/"), [tmp_path])
    assert files(tmp_path) == {"x/a": b"1"}


@given(keys=st.sets(st.sampled_from("abcdefgh"), min_size=1), hosts=st.integers(1, 5))
def test_shards_are_disjoint_and_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], hosts: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    folders = [folder / str(n) for n in range(hosts)]
    s3 = FakeS3(**{f"in/{key}": b"x" for key in keys})
    how = source("s3://b/in/", S3DataDistributionType="ShardedByS3Key")
    download(s3, how, folders)
    found = [name for host in folders for name in files(host)]
    assert sorted(found) == sorted(keys)
    assert all(host.is_dir() for host in folders)


@pytest.mark.parametrize("uri", ["s3://b/out", "s3://b/out/"])
def test_output_keeps_its_paths_below_the_uri(tmp_path: Path, uri: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a b").write_text("1")
    s3 = FakeS3()
    upload(s3, {"S3Uri": uri}, tmp_path)
    assert s3.objects == {("b", "out/x/a b"): b"1"}


def test_output_to_a_whole_bucket_has_no_slash_in_front(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    s3 = FakeS3()
    upload(s3, {"S3Uri": "s3://b/"}, tmp_path)
    assert list(s3.objects) == [("b", "a")]
