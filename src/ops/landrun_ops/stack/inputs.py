"""What runs read: manifests, the objects that these name, and objects named by their own URI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from landrun.adapters.clients import translated
from landrun.errors import InvalidS3Uri, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import json_object

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord

HEAD = 4096
"""Bytes in which a manifest's prefix ends: no S3 URI is half as long."""

READ_LIMIT = 64 * 2**20
"""Bytes of a manifest that are read: some 60,000 of the longest keys that there can be."""

AT_ONCE = 10
"""Calls of S3 under way at a time: as many as botocore keeps connections."""

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})


@dataclass(frozen=True, slots=True)
class Input:
    """What one run reads.

    Attributes
    ----------
    bucket : str
        The bucket of the objects.
    keys : tuple of str
        The objects, exact.
    sizes : Mapping[str, int]
        Bytes by key, as far as known without asking for each.
    manifest : str
        URI of the manifest that names them; empty for an object that is read by its own URI.
    """

    bucket: str
    keys: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    manifest: str = ""

    @property
    def bytes(self) -> int | None:
        """How much it is in all; None when a size is not known."""
        if any(key not in self.sizes for key in self.keys):
            return None
        return sum(self.sizes[key] for key in self.keys)


class Inputs:
    """What runs read, wherever it lies.

    Parameters
    ----------
    client : S3 client
        boto3's.
    manifests : S3Uri, optional
        Where the manifests of runs lie.
    """

    def __init__(self, client: Any, manifests: S3Uri | None = None) -> None:
        self._client = client
        self._manifests = manifests

    def of_run(self, run: RunRecord) -> Input | None:
        """Read what a run reads: what its InputMessage names or, for a prefix, its own manifest.

        Raises
        ------
        ServiceError
            When S3 refuses a call or cannot be reached.
        """
        uri, trigger = str(run.input_message), run.trigger
        bucket, key, size = (trigger.get(name) for name in ("Bucket", "Key", "Size"))
        if isinstance(key, str) and uri == f"s3://{bucket}/{key}":
            return Input(str(bucket), (key,), {key: size} if isinstance(size, int) else {})
        found = self.read(uri)
        if found is None and self._manifests:
            own = f"{self._manifests}{run.name}.json"
            return self.read(own) if own != uri else None
        return found

    def read(self, uri: str) -> Input | None:
        """Read a manifest, or find an object; None when nothing lies there, as at a prefix.

        Parameters
        ----------
        uri : str
            An S3 URI, as a run's ``InputMessage`` has it: whatever that is.

        Raises
        ------
        ServiceError
            When S3 refuses the call for another reason, or cannot be reached.
        """
        try:
            where = S3Uri.parse(uri)
            if not where.key or where.key.endswith("/"):
                return None
            body, answer = self._get(where)
        except InvalidS3Uri:
            return None
        except ServiceError as error:
            if error.code in _ABSENT:
                return None
            raise
        named = parse(body)
        if named is None:
            return Input(where.bucket, (where.key,), {where.key: answer["ContentLength"]})
        listed = answer.get("Metadata", {}).get("landings")
        sizes = self._landed(S3Uri(where.bucket, listed)) if listed else {}
        return Input(named.bucket, named.keys, sizes, manifest=uri)

    def gone(self, given: Input, most: int) -> list[str]:
        """Find which of the first ``most`` objects are no longer there.

        One that may not be looked at counts as there: without leave to list the bucket, S3 says
        *Forbidden* of those that are not there, too.

        Raises
        ------
        ServiceError
            When S3 cannot be reached, or there is no such bucket.
        """
        keys = given.keys[:most]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            there = pool.map(lambda key: self._is_there(given.bucket, key), keys)
            return [key for key, is_there in zip(keys, there, strict=True) if not is_there]

    def sized(self, given: Input, most: int) -> Input:
        """Ask for the sizes that are not known, unless they are more than ``most``.

        Raises
        ------
        ServiceError
            When S3 refuses a call or cannot be reached.
        """
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
        try:
            body, _ = self._get(where, whole=True)
        except ServiceError as error:
            if error.code in _ABSENT:
                return {}
            raise
        return dict(_sizes(json_object(body).get("landings")))

    def _get(self, where: S3Uri, *, whole: bool = False) -> tuple[bytes, dict[str, Any]]:
        """Give an object's text and S3's answer; of what is no manifest only the beginning."""
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
            if error.code in ("403", "AccessDenied", "Forbidden"):
                return True
            raise

    def _size(self, bucket: str, key: str) -> int | None:
        try:
            with translated("s3:HeadObject"):
                return int(self._client.head_object(Bucket=bucket, Key=key)["ContentLength"])
        except ServiceError as error:
            if error.code in _ABSENT:
                return None
            raise


def begins_manifest(head: bytes) -> bool:
    """Tell whether a text begins as a manifest does: a JSON list whose first element is a prefix.

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

    Returns
    -------
    Input or None
        With whole keys; None when the text is something else.
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
