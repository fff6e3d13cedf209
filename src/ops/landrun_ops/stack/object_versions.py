"""Which versions of objects S3 has."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from landrun.adapters.clients import translated
from landrun.models.s3_uri import S3Uri


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of one object, as ListObjectVersions shows it.

    ``modified`` is when it landed or, for a multipart upload, began to: whole seconds, aware.
    ``after`` is that of the newest version before it. ``latest`` is the key's current version,
    ``deletion`` a delete marker, ``archived`` what has to be restored before it can be read. There
    is no ``version_id`` where the bucket kept no versions when it landed.
    """

    key: str
    version_id: str | None
    modified: datetime
    size: int = 0
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


def current_versions(client: Any, under: S3Uri) -> Iterator[ObjectVersion]:
    """List the current version of each object under a prefix, in the order of keys.

    Deleted objects have none. Raises ServiceError when S3 refuses a call.
    """
    found = (one for page in _pages(client, under) for one in page.get("Versions", ()))
    for _, versions in groupby(found, key=itemgetter("Key")):
        newest, *older = versions
        if newest["IsLatest"]:
            yield _version(newest, max((one["LastModified"] for one in older), default=None))


def versions_of(client: Any, where: S3Uri) -> list[ObjectVersion]:
    """List all versions of one object, delete markers included, the newest first.

    Raises ServiceError when S3 refuses a call.
    """
    found: list[ObjectVersion] = []
    for page in _pages(client, where):
        entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        same = [one for one in entries if one["Key"] == where.key]
        found += map(_version, same)
        if len(same) < len(entries):  # keys that only begin so come after it
            break
    return sorted(found, key=lambda one: (one.latest, one.modified), reverse=True)


def _pages(client: Any, under: S3Uri) -> Iterator[dict[str, Any]]:
    with translated("s3:ListObjectVersions"):
        yield from client.get_paginator("list_object_versions").paginate(
            Bucket=under.bucket, Prefix=under.key, OptionalObjectAttributes=["RestoreStatus"]
        )


def _version(found: dict[str, Any], after: datetime | None = None) -> ObjectVersion:
    version_id = found.get("VersionId")
    restored = "RestoreExpiryDate" in found.get("RestoreStatus", {})
    return ObjectVersion(
        key=found["Key"],
        version_id=None if version_id in (None, "", "null") else version_id,
        modified=found["LastModified"].replace(microsecond=0),
        size=found.get("Size", 0),
        latest=found["IsLatest"],
        deletion="Size" not in found,
        archived=found.get("StorageClass") in ("GLACIER", "DEEP_ARCHIVE") and not restored,
        after=after,
    )
