"""What runs read: manifests, the objects that these name, and objects named by their own URI."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import InvalidS3Uri, ServiceError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import json_object

HEAD = 4096
"""Bytes of an object that say whether it is a manifest."""

READ_LIMIT = 64 * 2**20
"""Bytes of a manifest that are read: some 60,000 of the longest keys that there can be."""

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
_MANIFEST = re.compile(rb'\s*\[\s*\{\s*"prefix"\s*:\s*"s3://')


@dataclass(frozen=True, slots=True)
class Input:
    """What one run reads: exact keys of one bucket, and their sizes as far as they are known.

    ``manifest`` is the URI of the manifest that names them; empty for an object's own URI.
    """

    bucket: str
    keys: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    manifest: str = ""

    @property
    def bytes(self) -> int | None:
        """How much it is in all; None if a size is not known."""
        if any(key not in self.sizes for key in self.keys):
            return None
        return sum(self.sizes[key] for key in self.keys)


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
        if isinstance(key, str) and uri == f"s3://{bucket}/{key}":
            return Input(str(bucket), (key,), {key: size} if isinstance(size, int) else {})
        own = f"{self._manifests}{run.name}.json" if self._manifests else uri
        return self.read(uri) or (self.read(own) if own != uri else None)

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
        sizes = self._landed(S3Uri(where.bucket, landings)) if landings else {}
        return Input(named.bucket, named.keys, sizes, manifest=uri)

    def size(self, bucket: str, key: str) -> int | None:
        """Return an object's size in bytes; None when there is no such object."""
        try:
            with translated("s3:HeadObject"):
                return int(self._client.head_object(Bucket=bucket, Key=key)["ContentLength"])
        except ServiceError as error:
            if error.code in _ABSENT:
                return None
            raise

    def _landed(self, where: S3Uri) -> dict[str, int]:
        """Read the sizes out of the list of landings that a tick's manifest stands for."""
        landings = json_object(self._get(where, whole=True)[0]).get("landings", ())
        found = [one for one in landings if isinstance(one, dict) and one.get("size") is not None]
        return {one["key"]: one["size"] for one in found}

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
    """Read SageMaker's ``ManifestFile``: ``[{"prefix": "s3://bucket/"}, "key", …]``.

    Returns it with whole keys; None for any other text.
    """
    try:
        head, *rest = json.loads(body)
        prefix = S3Uri.parse(head["prefix"])
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError, InvalidS3Uri):
        return None
    keys = tuple(prefix.key + one for one in rest if isinstance(one, str))
    return Input(prefix.bucket, keys)
