"""S3, for listing the objects under a prefix."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from landrun.adapters.clients import translated
from landrun.models.s3_uri import S3Uri


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object in a listing: its size in bytes, and when it was last modified."""

    key: str
    size: int
    modified: datetime | None = None


def list_objects(client: Any, under: S3Uri, after: str = "") -> Iterator[ListedObject]:
    """List the objects under a URI's prefix, in the order of their keys; only those ``after`` one.

    ``client`` is boto3's of S3. Raises ServiceError when S3 refuses the call or cannot be reached.
    """
    paginator = client.get_paginator("list_objects_v2")
    begin = {"StartAfter": after} if after else {}
    with translated("s3:ListObjectsV2"):
        for page in paginator.paginate(Bucket=under.bucket, Prefix=under.key, **begin):
            for found in page.get("Contents", ()):
                yield ListedObject(found["Key"], found["Size"], found.get("LastModified"))
