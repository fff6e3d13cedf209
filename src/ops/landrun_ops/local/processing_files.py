"""A Processing job's files: inputs from S3 into its folders, outputs back into S3."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from landrun_ops.local.container import OPT_ML

_CHUNK = 1 << 20


class TransferError(Exception):
    """A file could not be brought in or out; the message names it as SageMaker would."""


@dataclass(frozen=True)
class S3Object:
    """An object to bring in, and its path relative to the input's ``LocalPath``."""

    bucket: str
    key: str
    relative: str

    @property
    def uri(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


def inside(opt_ml: Path, local_path: str) -> Path:
    """Find the folder of this machine that stands for ``/opt/ml/…``."""
    return opt_ml / local_path.removeprefix(OPT_ML).lstrip("/")


def download(s3: Any, source: Mapping[str, Any], folders: Sequence[Path]) -> None:
    """Bring one ``S3Input`` to every host.

    Parameters
    ----------
    s3
        boto3 client.
    source
        The ``S3Input``: ``S3Uri``, ``S3DataType`` and, optionally, ``S3DataDistributionType``.
    folders
        What ``LocalPath`` stands for on each host, hosts in order.

    Raises
    ------
    TransferError
        No such object, none at all, or a key that cannot be a file, named.
    """
    objects = list(_objects(s3, source))
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    for index, folder in enumerate(folders):
        folder.mkdir(parents=True, exist_ok=True)
        mine = sorted(objects, key=lambda o: o.key)[index :: len(folders)] if sharded else objects
        for item in dict.fromkeys(mine):
            _bring(s3, item, folder)


def upload(s3: Any, target: Mapping[str, Any], folder: Path, key_arn: str = "") -> list[str]:
    """Send every file under ``folder`` to the ``S3Output``; symbolic links are not followed.

    Gives the URIs of what was sent. With ``key_arn`` objects are encrypted under that KMS key.

    Source for the latter: SageMaker's developer guide, "How Amazon SageMaker Processing
    Configures Input and Output For Your Processing Container".
    """
    bucket, prefix = _split(target["S3Uri"])
    prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
    sent = []
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn} if key_arn else {}
    for path in _files(folder):
        key = prefix + path.relative_to(folder).as_posix()
        try:
            with path.open("rb") as body:
                s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except (ClientError, BotoCoreError, OSError) as error:
            message = f"Failed to upload data. PutObject failed for s3://{bucket}/{key}: {error}"
            raise TransferError(message) from error
        sent.append(f"s3://{bucket}/{key}")
    return sent


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _objects(s3: Any, source: Mapping[str, Any]) -> Iterator[S3Object]:
    bucket, key = _split(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        yield from read_manifest(_read(s3, bucket, key), source["S3Uri"])
    else:
        yield from _under_prefix(s3, bucket, key)


def _under_prefix(s3: Any, bucket: str, prefix: str) -> Iterator[S3Object]:
    found = False
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                found = True
                yield S3Object(bucket, entry["Key"], relative_to_prefix(entry["Key"], prefix))
    except (ClientError, BotoCoreError) as error:
        message = (
            f"Failed to download data. ListObjectsV2 failed for s3://{bucket}/{prefix}: {error}"
        )
        raise TransferError(message) from error
    if not found:
        raise TransferError(f'No S3 objects found under S3 URL "s3://{bucket}/{prefix}"')


def relative_to_prefix(key: str, prefix: str) -> str:
    """Say where an object of an ``S3Prefix`` lands below ``LocalPath``.

    A prefix is a string, not a folder: ``in/a`` also matches ``in/a.csv`` and ``in/a.csv.bak``,
    which keep their names; below ``in/`` or ``in`` the rest of the key is the path.

    >>> relative_to_prefix("in/x/a.csv", "in"), relative_to_prefix("in/a.csv.bak", "in/a")
    ('x/a.csv', 'a.csv.bak')
    """
    if prefix.endswith("/") or key.startswith(f"{prefix}/"):
        return key[len(prefix) :].lstrip("/") if prefix else key
    return key[prefix.rfind("/") + 1 :]


def read_manifest(body: bytes, uri: str) -> list[S3Object]:
    """Read a ``ManifestFile``: ``[{"prefix": "s3://bucket/path/"}, "a", "b"]``.

    Raises
    ------
    TransferError
        Not such a list, or one that names nothing.
    """
    try:
        head, *names = json.loads(body)
        bucket, prefix = _split(head["prefix"])
    except (ValueError, TypeError, KeyError, AttributeError, TransferError) as error:
        message = (
            f'The manifest {uri} is not [{{"prefix": "s3://bucket/path/"}}, "key", …]: {error}'
        )
        raise TransferError(message) from error
    if not names or not all(isinstance(name, str) for name in names):
        raise TransferError(f"The manifest {uri} names no objects, or something else than names")
    return [S3Object(bucket, prefix + name, name) for name in names]


def _split(uri: str) -> tuple[str, str]:
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise TransferError(f"{uri!r} is not an S3 URI (s3://bucket/key)")
    return bucket, key


def _read(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(_get(s3, S3Object(bucket, key, ""))["Body"].read())


def _get(s3: Any, item: S3Object) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = s3.get_object(Bucket=item.bucket, Key=item.key)
    except (ClientError, BotoCoreError) as error:
        message = f"Failed to download data. GetObject failed for {item.uri}: {error}"
        raise TransferError(message) from error
    return answer


def _bring(s3: Any, item: S3Object, folder: Path) -> None:
    parts = [part for part in item.relative.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise TransferError(f"Failed to download data. The key of {item.uri} is no path of a file")
    try:
        _write(s3, item, folder.joinpath(*parts))
    except (OSError, ValueError) as error:
        message = f"Failed to download data. {item.uri} cannot be a file here: {error}"
        raise TransferError(message) from error


def _write(s3: Any, item: S3Object, path: Path) -> None:
    if item.relative.endswith("/"):  # a folder's marker, as the S3 console makes them
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:  # "x": two keys with one path are an error, not an overwrite
        shutil.copyfileobj(_get(s3, item)["Body"], file, _CHUNK)
