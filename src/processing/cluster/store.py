"""Reads and writes the run's objects in S3.

Executors use boto3 and not Spark's own file systems, so that a byte range is read by the code that
reads it on one machine. SageMaker's Spark container lets its executors have what boto3 signs with:
its yarn-site.xml passes AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_REGION on to them
(aws/sagemaker-spark-container, spark/processing/3.5).

An upload stays invisible until the driver commits it, because S3 shows no multipart upload that
nobody has completed. So a task that Spark runs twice, or a job that fails, leaves no object behind.
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


class StoreError(Exception):
    """An object cannot be read or written; the message names it and says why, in one line."""


@dataclass(frozen=True)
class Upload:
    """An upload that is not completed: its URI, upload id and the tag of its only part."""

    uri: str
    upload_id: str
    tag: str


@functools.cache
def _s3() -> Any:
    config = Config(retries={"mode": "standard", "max_attempts": 8}, max_pool_connections=32)
    # What YARN passes on is AWS_REGION, which boto3 does not read.
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    return boto3.client("s3", region_name=region, config=config)


@contextmanager
def _object(action: str, uri: str) -> Iterator[dict[str, str]]:
    """Yield an object's bucket and key as arguments; raise errors of S3 as StoreError."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        yield {"Bucket": bucket, "Key": key}
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise StoreError(f"cannot {action} {uri}: {code}") from error
    except (BotoCoreError, OSError) as error:
        raise StoreError(f"cannot {action} {uri}: {error}".splitlines()[0]) from error


def size(uri: str) -> int:
    """Return an object's size in bytes; StoreError if it is not there or may not be read."""
    with _object("read", uri) as target:
        return int(_s3().head_object(**target)["ContentLength"])


def copy(uri: str, start: int, end: int, path: Path) -> None:
    """Copy bytes ``[start, end)`` of an object to the same place in a local file."""
    if end <= start:
        return
    with _object("read", uri) as source, path.open("r+b") as file:
        file.seek(start)
        body = _s3().get_object(**source, Range=f"bytes={start}-{end - 1}")["Body"]
        shutil.copyfileobj(body, file, 1024 * 1024)


def upload(path: Path, uri: str, kms_key: str) -> Upload:
    """Upload a file of at most 5 GB; it becomes an object by ``commit``."""
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    with _object("write", uri) as target, path.open("rb") as body:
        begun = _s3().create_multipart_upload(**target, **encrypted)["UploadId"]
        sent = _s3().upload_part(**target, UploadId=begun, PartNumber=1, Body=body)
        return Upload(uri, begun, sent["ETag"])


def commit(one: Upload) -> None:
    """Complete an upload, which makes it an object."""
    parts = {"Parts": [{"PartNumber": 1, "ETag": one.tag}]}
    with _object("write", one.uri) as target:
        _s3().complete_multipart_upload(**target, UploadId=one.upload_id, MultipartUpload=parts)


def discard(one: Upload) -> None:
    """Abort an upload, as far as that is possible."""
    with suppress(StoreError), _object("discard", one.uri) as target:
        _s3().abort_multipart_upload(**target, UploadId=one.upload_id)


def names(uri: str) -> list[str]:
    """List the names of the objects whose URIs begin so."""
    with _object("list", uri) as target:
        pages = _s3().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=target["Bucket"], Prefix=target["Key"])
        keys = [entry["Key"] for page in found for entry in page.get("Contents", ())]
        return [key.rpartition("/")[2] for key in keys]
