"""The door to the objects: S3, or a folder of this machine for ``file://``.

Executors use boto3 and not Spark's own file systems, so that a byte range is read by the code that
reads it on one machine. SageMaker's Spark container lets its executors have what boto3 signs with:
its yarn-site.xml passes AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_REGION on to them
(aws/sagemaker-spark-container, spark/processing/3.5).

What is uploaded stays invisible until the driver commits it: an upload in parts that nobody
completes is no object. So a task that Spark runs twice, or a job that fails, leaves none behind.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_CHUNK = 1024 * 1024
_WAITING = ".unfinished"


class StoreError(Exception):
    """An object cannot be read or written; the message names it and says why, in one line."""


@dataclass(frozen=True)
class Upload:
    """A written file that is no object yet: its URI, and what makes it one."""

    uri: str
    token: str
    tag: str


@functools.cache
def _s3() -> Any:
    config = Config(retries={"mode": "standard", "max_attempts": 8}, max_pool_connections=32)
    # What YARN passes on is AWS_REGION, which boto3 does not read.
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    return boto3.client("s3", region_name=region, config=config)


@contextmanager
def _told(action: str, uri: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise StoreError(f"cannot {action} {uri}: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise StoreError(f"cannot {action} {uri}: {error}".splitlines()[0]) from error


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _local(uri: str) -> Path | None:
    """Give the path of a ``file://`` URI, in which nothing is escaped, as in a manifest."""
    return Path(uri.removeprefix("file://")) if uri.startswith("file://") else None


def size(uri: str) -> int:
    """Give an object's bytes.

    Raises StoreError when it is not there, or may not be read.
    """
    with _told("read", uri):
        if path := _local(uri):
            return path.stat().st_size
        bucket, key = _split(uri)
        return int(_s3().head_object(Bucket=bucket, Key=key)["ContentLength"])


def copy(uri: str, start: int, end: int, target: Path) -> None:
    """Copy bytes ``[start, end)`` of an object to the same place in a local file.

    Raises StoreError when they cannot be read or written.
    """
    if end <= start:
        return
    with _told("read", uri), target.open("r+b") as file:
        file.seek(start)
        if path := _local(uri):
            with path.open("rb") as source:
                source.seek(start)
                for at in range(start, end, _CHUNK):
                    file.write(source.read(min(_CHUNK, end - at)))
            return
        bucket, key = _split(uri)
        body = _s3().get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}")["Body"]
        shutil.copyfileobj(body, file, _CHUNK)


def upload(path: Path, uri: str, kms_key: str) -> Upload:
    """Send a file, at most 5 GB, to where ``commit`` makes it an object.

    Raises StoreError when it cannot be written.
    """
    with _told("write", uri):
        if target := _local(uri):
            waiting = target.parent / _WAITING / f"{path.parent.name}.{target.name}"
            waiting.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, waiting)
            return Upload(uri, str(waiting), "")
        bucket, key = _split(uri)
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        begun = _s3().create_multipart_upload(Bucket=bucket, Key=key, **encrypted)["UploadId"]
        with path.open("rb") as body:
            sent = _s3().upload_part(
                Bucket=bucket, Key=key, UploadId=begun, PartNumber=1, Body=body
            )
        return Upload(uri, begun, sent["ETag"])


def commit(one: Upload) -> None:
    """Make what was uploaded an object.

    Raises StoreError when that is not possible.
    """
    with _told("write", one.uri):
        if target := _local(one.uri):
            Path(one.token).replace(target)
            return
        bucket, key = _split(one.uri)
        parts = {"Parts": [{"PartNumber": 1, "ETag": one.tag}]}
        _s3().complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=one.token, MultipartUpload=parts
        )


def discard(one: Upload) -> None:
    """Forget what was uploaded, as far as that is possible."""
    with suppress(ClientError, BotoCoreError, OSError):
        if _local(one.uri):
            Path(one.token).unlink()
            return
        bucket, key = _split(one.uri)
        _s3().abort_multipart_upload(Bucket=bucket, Key=key, UploadId=one.token)


def names(folder: str, beginning: str) -> list[str]:
    """List the objects right in a folder (a URI that ends with a slash) whose names begin so.

    Raises StoreError when it may not be listed.
    """
    with _told("list", folder):
        if path := _local(folder):
            return sorted(one.name for one in path.glob(f"{beginning}*"))
        bucket, prefix = _split(folder)
        pages = _s3().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=bucket, Prefix=prefix + beginning)
        keys = [entry["Key"] for page in found for entry in page.get("Contents", ())]
        return [key.removeprefix(prefix) for key in keys]
