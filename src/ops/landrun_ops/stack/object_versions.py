"""Which versions of objects S3 has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from landrun.adapters.clients import translated
from landrun.models.s3_uri import S3Uri

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects nobody can read before they are restored (Amazon S3 user guide)."""


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of one object, as ListObjectVersions shows it.

    Attributes
    ----------
    version_id : str or None
        None where the bucket kept no versions when it landed.
    modified : datetime
        When it landed or, for a multipart upload, began to; whole seconds, aware.
    size : int
        Bytes; 0 for a delete marker.
    latest, deletion : bool
        Whether it is the key's current version, and whether it is a delete marker.
    archived : bool
        Whether it has to be restored before it can be read.
    after : datetime or None
        When the newest of the versions before it landed, if there is one.
    """

    key: str
    version_id: str | None
    modified: datetime
    size: int = 0
    etag: str = ""
    latest: bool = True
    deletion: bool = False
    archived: bool = False
    after: datetime | None = None

    @property
    def sequencer(self) -> str:
        """Make a sequencer that sorts after those of older versions, and before newer ones'.

        Only S3's event has the true one. Those that are known begin with 00 and the seconds since
        1970 in eight hexadecimal digits. An older version may be of the same second, or of a later
        one if this is a multipart upload.
        """
        second = int(self.modified.timestamp())
        if self.version_id and self.after:  # without an id it names the run: always the same
            second = max(second, int(self.after.timestamp()) + 1)
        return f"00{second:08X}"


class ObjectVersions:
    """Lists versions of objects.

    Parameters
    ----------
    client : S3 client
        boto3's.

    Raises
    ------
    ServiceError
        By every method, when S3 refuses a call or cannot be reached.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def current(self, under: S3Uri, after: str = "") -> Iterator[ObjectVersion]:
        """List the current version of each object under a prefix, in the order of keys.

        Deleted objects have none. ``after`` is a key to begin after.
        """
        found = (one for page in self._pages(under, after) for one in page.get("Versions", ()))
        for key, versions in groupby(found, key=itemgetter("Key")):
            if key.encode() <= after.encode():
                continue
            newest, *older = versions
            before = max((one["LastModified"] for one in older), default=None)
            if newest["IsLatest"]:
                yield _version(newest, before)

    def of_key(self, where: S3Uri) -> list[ObjectVersion]:
        """List all versions of one object, delete markers included, the newest first."""
        found: list[ObjectVersion] = []
        for page in self._pages(where, ""):
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            same = [one for one in entries if one["Key"] == where.key]
            found += map(_version, same)
            if len(same) < len(entries):  # keys that only begin so come after it
                break
        return sorted(found, key=lambda one: (one.latest, one.modified), reverse=True)

    def _pages(self, under: S3Uri, after: str) -> Iterator[dict[str, Any]]:
        begin = {"KeyMarker": after} if after else {}
        pages = self._client.get_paginator("list_object_versions")
        with translated("s3:ListObjectVersions"):
            yield from pages.paginate(
                Bucket=under.bucket,
                Prefix=under.key,
                OptionalObjectAttributes=["RestoreStatus"],
                **begin,
            )


def _version(found: dict[str, Any], after: datetime | None = None) -> ObjectVersion:
    version_id = found.get("VersionId")
    restored = "RestoreExpiryDate" in found.get("RestoreStatus", {})
    return ObjectVersion(
        key=found["Key"],
        version_id=None if version_id in (None, "", "null") else version_id,
        modified=found["LastModified"].replace(microsecond=0),
        size=found.get("Size", 0),
        etag=found.get("ETag", "").strip('"'),
        latest=found["IsLatest"],
        deletion="Size" not in found,
        archived=found.get("StorageClass") in ARCHIVED and not restored,
        after=after,
    )
