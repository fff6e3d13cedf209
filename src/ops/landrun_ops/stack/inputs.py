"""What runs read: the objects that manifests name, and objects named by their own URI."""

import json
import re
from collections.abc import Mapping, Set
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import InvalidS3Uri, LandrunError, ServiceError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import json_object
from landrun.services.collect_landings import at_once
from landrun_ops.stack.runs_table import RunFilter
from landrun_ops.stack.stack import Stack

HEAD = 4096
"""Bytes of an object that say whether it is a manifest."""

READ_LIMIT = 64 * 2**20
"""Bytes of a manifest that are read: some 60,000 of the longest keys that there can be."""

ROWS = 5000
"""Rows of the runs table, of each kind, that are considered as readers; the newest."""

MANIFESTS = 300
"""Manifests that are read: of the first runs after an object landed."""

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
_MANIFEST = re.compile(rb'\s*\[\s*\{\s*"prefix"\s*:\s*"s3://')


@dataclass(frozen=True, slots=True)
class Input:
    """What one run reads: exact keys of one bucket, and their sizes as far as they are known.

    ``manifest`` is the URI of the manifest that names them; empty for an object's own URI.
    ``versions`` are the keys and version ids that a tick collected; None where only keys are known.
    """

    bucket: str
    keys: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    manifest: str = ""
    versions: Set[tuple[str, str | None]] | None = None

    @property
    def bytes(self) -> int | None:
        """Total size in bytes; None if any size is unknown."""
        if any(key not in self.sizes for key in self.keys):
            return None
        return sum(self.sizes[key] for key in self.keys)

    def names(self, where: S3Uri, version_id: str | None) -> bool:
        """Return True if a version of an object is, or may be, part of it."""
        if where.bucket != self.bucket or where.key not in self.keys:
            return False
        return self.versions is None or (where.key, version_id) in self.versions


class Inputs:
    """Reads inputs of runs; ``manifests`` is where the manifests of runs lie.

    Every method raises ServiceError when S3 refuses a call or cannot be reached.
    """

    def __init__(self, client: Any, manifests: S3Uri | None = None) -> None:
        self._client, self._manifests = client, manifests

    def of_run(self, run: RunRecord) -> Input | None:
        """Return what a run's InputMessage names or, for a prefix, its own manifest."""
        uri, trigger = str(run.input_message), run.trigger
        bucket, key, size = (trigger.get(name) for name in ("Bucket", "Key", "Size"))
        sizes = {str(key): size} if isinstance(size, int) else {}
        if isinstance(key, str) and uri == f"s3://{bucket}/{key}":
            return Input(str(bucket), (key,), sizes)
        own = f"{self._manifests}{run.name}.json" if self._manifests else uri
        found = self.read(uri) or (self.read(own) if own != uri else None)
        return replace(found, sizes=sizes) if found and found.keys == (key,) else found

    def read(self, uri: str) -> Input | None:
        """Read a manifest, or find an object; None if nothing lies there, as at a prefix."""
        try:
            where = S3Uri.parse(uri)
        except InvalidS3Uri:
            return None
        if not where.key or where.key.endswith("/"):
            return None
        try:
            body, answer = self._get(where)
        except ServiceError as error:
            if error.code in _ABSENT:
                return None
            raise
        named = parse(body)
        if named is None:
            return Input(where.bucket, (where.key,), {where.key: answer["ContentLength"]})
        landings = answer.get("Metadata", {}).get("landings")
        if not landings:
            return replace(named, manifest=uri)
        listed = json_object(self._get(S3Uri(where.bucket, landings), whole=True)[0])
        found = [one for one in listed.get("landings", ()) if isinstance(one, dict)]
        sizes = {one["key"]: one["size"] for one in found if one.get("size") is not None}
        versions = {(one["key"], one.get("version_id")) for one in found}
        return replace(named, manifest=uri, sizes=sizes, versions=versions)

    def _get(self, where: S3Uri, *, whole: bool = False) -> tuple[bytes, dict[str, Any]]:
        """Return an object's text and S3's answer; only the beginning unless it is a manifest."""
        with translated("s3:GetObject"):
            answer = self._client.get_object(Bucket=where.bucket, Key=where.key)
            with closing(answer["Body"]) as body:
                text = body.read(HEAD)
                if whole or _MANIFEST.match(text):
                    text += body.read(READ_LIMIT)
        return text, answer


def parse(body: str | bytes) -> Input | None:
    """Read SageMaker's ``ManifestFile``, ``[{"prefix": "s3://bucket/"}, "key", …]``, or nothing."""
    try:
        head, *rest = json.loads(body)
        prefix = S3Uri.parse(head["prefix"])
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError, InvalidS3Uri):
        return None
    return Input(prefix.bucket, tuple(prefix.key + one for one in rest if isinstance(one, str)))


@dataclass(frozen=True, slots=True)
class Reader:
    """A run whose manifest names an object.

    ``exact`` is True if its list names this very version; a manifest alone names the key.
    """

    run: RunRecord
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Readers:
    """The readers that were found, the oldest run first, in ``looked`` of ``of`` manifests."""

    found: tuple[Reader, ...] = ()
    looked: int = 0
    of: int = 0


def find_readers(
    stack: Stack, where: S3Uri, version_id: str | None, since: datetime, now: datetime
) -> Readers:
    """Find runs by schedule or by hand, started since then, that read a version of an object.

    Raises ServiceError when DynamoDB does not answer; what S3 refuses is not counted as looked at.
    """
    table, inputs = stack.runs_reader(), Inputs(stack.client("s3"), stack.manifests_folder)
    rows = [
        run
        for kind in ("schedule", "manual")
        for run in islice(table.newest(now, since=since, only=RunFilter(kind=kind)), ROWS)
    ]
    rows.sort(key=lambda run: run.started_at)

    def read(run: RunRecord) -> Input | LandrunError | None:
        try:
            return inputs.of_run(run)
        except LandrunError as error:
            return error

    chosen = rows[:MANIFESTS]
    given = list(zip(chosen, at_once(read, chosen), strict=True))
    found = tuple(
        Reader(run, exact=one.versions is not None)
        for run, one in given
        if isinstance(one, Input) and one.names(where, version_id)
    )
    looked = sum(not isinstance(one, LandrunError) for _, one in given)
    return Readers(found, looked, len(rows))
