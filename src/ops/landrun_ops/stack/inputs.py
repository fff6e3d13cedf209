"""What runs read: manifests, the objects that these name, and objects named by their own URI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from landrun.adapters.clients import translated
from landrun.errors import InvalidS3Uri, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import json_object

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord

T = TypeVar("T")

HEAD = 4096
"""Bytes in which a manifest's prefix ends: no S3 URI is half as long."""

READ_LIMIT = 64 * 2**20
"""Bytes of a manifest that are read: some 60,000 of the longest keys that there can be."""

AT_ONCE = 10
"""Calls of S3 under way at a time: as many as botocore keeps connections."""

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})


@dataclass(frozen=True, slots=True)
class Input:
    """What one run reads.

    Attributes
    ----------
    bucket, keys : str and tuple of str
        The objects, exact.
    sizes : Mapping[str, int]
        Bytes by key, as far as they are known without asking for each.
    manifest : str
        URI of the manifest that names them; empty for an object that is read by its own URI.
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

    Raises
    ------
    ServiceError
        By every method, when S3 refuses a call or cannot be reached.
    """

    def __init__(self, client: Any, manifests: S3Uri | None = None) -> None:
        self._client, self._manifests = client, manifests

    def of_run(self, run: RunRecord) -> Input | None:
        """Return what a run's InputMessage names or, for a prefix, its own manifest."""
        uri, trigger = str(run.input_message), run.trigger
        bucket, key, size = (trigger.get(name) for name in ("Bucket", "Key", "Size"))
        if isinstance(key, str) and uri == f"s3://{bucket}/{key}":
            return Input(str(bucket), (key,), {key: size} if isinstance(size, int) else {})
        found = self.read(uri)
        own = f"{self._manifests}{run.name}.json"
        return self.read(own) if found is None and self._manifests and own != uri else found

    def read(self, uri: str) -> Input | None:
        """Read a manifest, or find an object; None if nothing lies there, as at a prefix."""
        try:
            where = S3Uri.parse(uri)
        except InvalidS3Uri:
            return None
        if not where.key or where.key.endswith("/"):
            return None
        found = _unless_absent(lambda: self._get(where))
        if found is None:
            return None
        body, answer = found
        named = parse(body)
        if named is None:
            return Input(where.bucket, (where.key,), {where.key: answer["ContentLength"]})
        listed = answer.get("Metadata", {}).get("landings")
        sizes = self._landed(S3Uri(where.bucket, listed)) if listed else {}
        return Input(named.bucket, named.keys, sizes, manifest=uri)

    def gone(self, given: Input, most: int) -> list[str]:
        """Return which of the first ``most`` objects are no longer there.

        One that may not be looked at counts as there: without ListBucket, S3 says *Forbidden* of
        absent objects, too.
        """
        keys = given.keys[:most]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            there = pool.map(lambda key: self._is_there(given.bucket, key), keys)
            return [key for key, is_there in zip(keys, there, strict=True) if not is_there]

    def sized(self, given: Input, most: int) -> Input:
        """Ask for the sizes that are not known, unless they are more than ``most``."""
        unknown = [key for key in given.keys if key not in given.sizes]
        if not unknown or len(unknown) > most:
            return given
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sizes = pool.map(lambda key: self._size(given.bucket, key), unknown)
            found = dict(zip(unknown, sizes, strict=True))
        known = {key: size for key, size in found.items() if size is not None}
        return replace(given, sizes={**given.sizes, **known})

    def _landed(self, where: S3Uri) -> dict[str, int]:
        """Read the sizes out of the list of landings that a tick's manifest stands for."""
        found = _unless_absent(lambda: self._get(where, whole=True))
        return dict(_sizes(json_object(found[0]).get("landings"))) if found else {}

    def _get(self, where: S3Uri, *, whole: bool = False) -> tuple[bytes, dict[str, Any]]:
        """Return an object's text and S3's answer; only the beginning unless it is a manifest."""
        with translated("s3:GetObject"):
            answer = self._client.get_object(Bucket=where.bucket, Key=where.key)
            with closing(answer["Body"]) as body:
                text = body.read(HEAD)
                if whole or begins_manifest(text):
                    text += body.read(READ_LIMIT)
        return text, answer

    def _is_there(self, bucket: str, key: str) -> bool:
        try:
            return self._size(bucket, key) is not None
        except ServiceError as error:
            if error.code in _DENIED:
                return True
            raise

    def _size(self, bucket: str, key: str) -> int | None:
        def ask() -> int:
            with translated("s3:HeadObject"):
                return int(self._client.head_object(Bucket=bucket, Key=key)["ContentLength"])

        return _unless_absent(ask)


def _unless_absent(ask: Callable[[], T]) -> T | None:
    """Ask S3 for an object; None if it is not there."""
    try:
        return ask()
    except ServiceError as error:
        if error.code in _ABSENT:
            return None
        raise


def begins_manifest(head: bytes) -> bool:
    """Return True if a text begins as a manifest: a JSON list whose first element is a prefix.

    >>> begins_manifest(b'[{"prefix": "s3://b/"}, "a'), begins_manifest(b'[{"text": "hi"}]')
    (True, False)
    """
    inside = head.decode("utf-8", "replace").lstrip()
    try:
        first = json.JSONDecoder().raw_decode(inside[1:].lstrip())[0] if inside[:1] == "[" else None
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and str(first.get("prefix", "")).startswith("s3://")


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


def _sizes(landings: object) -> Iterator[tuple[str, int]]:
    for one in landings if isinstance(landings, Sequence) else ():
        if isinstance(one, dict) and isinstance(one.get("size"), int):
            yield str(one.get("key")), one["size"]
