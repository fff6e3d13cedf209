"""The door to S3 for what goes in: the list of objects that a run reads, written once.

A manifest is SageMaker's ``ManifestFile``: ``[{"prefix": "s3://bucket/"}, "key", …]``. It names
exactly the objects, where an ``S3Prefix`` of ``a.csv`` would also match ``a.csv.bak``. The run's
trigger is in its user metadata: a manifest alone is enough to start its run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.s3_listing import ListedObject, list_objects
from landrun.errors import InvalidS3Uri, ServiceError
from landrun.models.landing import Landing
from landrun.models.run import Trigger, is_run_name, parse_trigger
from landrun.models.s3_uri import S3Uri

_STANDS_ALREADY = "PreconditionFailed"
_AT_THE_SAME_TIME = "ConditionalRequestConflict"
_TRIES = 3
_TRIGGER = "trigger"
_LANDINGS = "landings"
_PREFIX = "prefix"
_PACKED_LIMIT = 1900


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that stands in S3.

    Attributes
    ----------
    uri : S3Uri
        Where it lies.
    bucket : str
        The bucket of the objects.
    keys : tuple of str
        The objects, exact.
    written : bool
        True when this call wrote it, False when it stood there already.
    trigger : Trigger or None
        What the run was started by; None when the manifest does not say.
    landings : str or None
        Key of the list of the landings that it collected; None when it collected none.
    prefix : S3Uri or None
        The scheduled prefix under which the objects were listed; None for other runs.
    """

    uri: S3Uri
    bucket: str
    keys: tuple[str, ...]
    written: bool
    trigger: Trigger | None = None
    landings: str | None = None
    prefix: S3Uri | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """Exactly which landings a manifest stands for: its keys alone do not tell versions apart.

    Attributes
    ----------
    landings : tuple of Landing
        All in one bucket.
    last : bool
        Whether nothing else was waiting, so that the tick needs no further run.
    """

    landings: tuple[Landing, ...]
    last: bool


class Manifests:
    """Manifests under one prefix of one bucket.

    Parameters
    ----------
    client : S3 client
        boto3's.
    bucket, prefix : str
        Where manifests lie; never under the landing prefix.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def uri(self, run: str) -> S3Uri:
        """Say where the manifest of a run lies."""
        return S3Uri(self._bucket, f"{self._prefix}{run}.json")

    def run_of(self, key: str) -> str | None:
        """Say whose manifest has this key; None when it is the key of something else."""
        name = key.removeprefix(self._prefix).removesuffix(".json")
        return name if self.uri(name).key == key and is_run_name(name) else None

    def write_once(
        self,
        run: str,
        bucket: str,
        keys: Sequence[str],
        trigger: Trigger | None = None,
        *,
        landings: str | None = None,
        prefix: S3Uri | None = None,
    ) -> Manifest:
        """Write the manifest of a run, or read the one that stands: it never changes.

        Parameters
        ----------
        run : str
            The run's name.
        bucket : str
            The bucket that holds the objects.
        keys : sequence of str
            The objects to read.
        trigger : Trigger, optional
            What the run is started by.
        landings : str, optional
            Key of the list of landings that it stands for.
        prefix : S3Uri, optional
            The scheduled prefix under which the objects were listed.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        uri = self.uri(run)
        about = {
            _TRIGGER: _packed(trigger.to_json()) if trigger else None,
            _LANDINGS: landings,
            _PREFIX: _packed(str(prefix)) if prefix else None,
        }
        if not self._write_new(uri, manifest_body(bucket, keys).encode(), about):
            return self._read(uri)
        return Manifest(uri, bucket, tuple(keys), True, trigger, landings, prefix)

    def _write_new(
        self, uri: S3Uri, body: bytes, about: dict[str, str | None], tries: int = _TRIES
    ) -> bool:
        """Write an object where none stands yet; False when one does.

        Of two writes at the same time, as of one landing twice in a batch, S3 refuses one with 409
        instead of 412, and asks to try again (Amazon S3 user guide, "Conditional writes").
        """
        try:
            with translated("s3:PutObject"):
                self._client.put_object(
                    Bucket=uri.bucket,
                    Key=uri.key,
                    Body=body,
                    ContentType="application/json",
                    Metadata={name: value for name, value in about.items() if value},
                    IfNoneMatch="*",
                )
        except ServiceError as error:
            if error.code == _AT_THE_SAME_TIME and tries > 1:
                return self._write_new(uri, body, about, tries - 1)
            if error.code != _STANDS_ALREADY:
                raise
            return False
        return True

    def write_collected(self, run: str, collected: Collected, trigger: Trigger) -> Manifest:
        """Write the manifest of the landings that were collected, or read the one that stands.

        The list of landings goes first, under a name of its content: whichever manifest wins
        points to its own list, and a list without a manifest means nothing.

        Raises
        ------
        ServiceError
            When S3 refuses a call or cannot be reached.
        """
        bucket = collected.landings[0].bucket
        body = json.dumps(asdict(collected), ensure_ascii=False).encode("utf-8", "replace")
        key = f"{self._prefix}{run}.{hashlib.sha256(body).hexdigest()[:16]}.landings.json"
        with translated("s3:PutObject"):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType="application/json"
            )
        keys = tuple(dict.fromkeys(landing.key for landing in collected.landings))
        return self.write_once(run, bucket, keys, trigger, landings=key)

    def collected(self, manifest: Manifest) -> Collected:
        """Read which landings a manifest collected; none for one that collected none.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        if manifest.landings is None:
            return Collected((), last=True)
        with translated("s3:GetObject"):
            answer = self._client.get_object(Bucket=self._bucket, Key=manifest.landings)
            found = json.loads(answer["Body"].read())
        landings = tuple(Landing(**landing) for landing in found["landings"])
        return Collected(landings, found["last"])

    def find(self, run: str) -> Manifest | None:
        """Read the manifest of a run; None when there is none yet.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        try:
            return self._read(self.uri(run))
        except ServiceError as error:
            if error.code in ("NoSuchKey", "404"):
                return None
            raise

    def _read(self, uri: S3Uri) -> Manifest:
        with translated("s3:GetObject"):
            answer = self._client.get_object(Bucket=uri.bucket, Key=uri.key)
            head, *keys = json.loads(answer["Body"].read())
        about = answer.get("Metadata", {})
        bucket = S3Uri.parse(head["prefix"]).bucket
        return Manifest(
            uri,
            bucket,
            tuple(keys),
            written=False,
            trigger=_trigger(about.get(_TRIGGER)),
            landings=about.get(_LANDINGS),
            prefix=_s3_uri(about.get(_PREFIX)),
        )

    def list_objects(self, under: S3Uri) -> Iterator[ListedObject]:
        """List what lies under a prefix, in the order of its keys.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        return list_objects(self._client, under)

    def listed_after(self, key: str) -> Iterator[ListedObject]:
        """List what lies beside the manifests after a key, in the order of keys.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        return list_objects(self._client, S3Uri(self._bucket, self._prefix), after=key)


def manifest_body(bucket: str, keys: Sequence[str]) -> str:
    """Spell a manifest for objects of one bucket: the same bytes for the same objects."""
    return json.dumps([{"prefix": f"s3://{bucket}/"}, *keys], ensure_ascii=False)


def _packed(text: str) -> str | None:
    """Spell a text in ASCII, short: S3 keeps 2 KB of user metadata, a key alone can be 1 KB.

    One that is too long all the same is left out: the manifest is more than its trigger.
    """
    packed = base64.b64encode(_compressed(text.encode())).decode()
    return packed if len(packed) <= _PACKED_LIMIT else None


def _compressed(text: bytes) -> bytes:
    """Compress a short text.

    With a window of 4 KB: what zlib allocates otherwise takes six times as long as the compressing,
    and gives the same bytes or nearly.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits=12, memLevel=4)
    return compressor.compress(text) + compressor.flush()


def _unpacked(packed: str | None) -> str | None:
    """Read what `_packed` wrote; None for anything else that a foreign manifest may have."""
    try:
        return zlib.decompress(base64.b64decode(packed)).decode() if packed else None
    except (ValueError, zlib.error):
        return None


def _trigger(packed: str | None) -> Trigger | None:
    text = _unpacked(packed)
    try:
        return parse_trigger(text) if text else None
    except ValueError:
        return None


def _s3_uri(packed: str | None) -> S3Uri | None:
    text = _unpacked(packed)
    try:
        return S3Uri.parse(text) if text else None
    except InvalidS3Uri:
        return None
