"""S3, for manifests: the list of objects that a run reads, written once.

A manifest is SageMaker's ``ManifestFile``: ``[{"prefix": "s3://bucket/"}, "key", …]``. It names
exactly its objects, while an ``S3Prefix`` of ``a.csv`` would also match ``a.csv.bak``. The user
metadata holds the run's trigger, so that a manifest alone is enough to start its run.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from landrun.adapters.clients import except_for, translated
from landrun.adapters.s3_listing import ListedObject, list_objects
from landrun.errors import InvalidManifest, InvalidS3Uri, ServiceError
from landrun.models.landing import Landing
from landrun.models.run import Trigger, is_run_name, parse_trigger
from landrun.models.s3_uri import S3Uri

Parsed = TypeVar("Parsed")

_EXISTS = "PreconditionFailed"
_CONFLICT = "ConditionalRequestConflict"
_TRIES = 3
_PACKED_LIMIT = 1900


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest in S3, with the bucket and the keys of the objects that it names."""

    uri: S3Uri
    bucket: str
    keys: tuple[str, ...]

    written: bool
    """True if this call wrote the manifest, False if it existed."""

    trigger: Trigger | None = None
    """The run's trigger; None if the manifest does not hold it."""

    landings: str | None = None
    """Key of the list of the landings that it collected; None if it collected none."""

    prefix: S3Uri | None = None
    """The scheduled prefix under which the objects were listed; None for other runs."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The landings of a manifest, whose keys alone do not identify versions; in one bucket."""

    landings: tuple[Landing, ...]

    last: bool
    """True if nothing else was pending, so that the tick needs no further run."""


class Manifests:
    """The manifests under one prefix of one bucket, through boto3's client of S3.

    The prefix never lies under the landing prefix.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def uri(self, run: str) -> S3Uri:
        """Return the URI of a run's manifest."""
        return S3Uri(self._bucket, f"{self._prefix}{run}.json")

    def run_of(self, key: str) -> str | None:
        """Return the name of the run whose manifest has this key; None for any other key."""
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
        """Write the manifest of a run, or read the one that exists: it never changes.

        It names the objects ``keys`` of one bucket; `Manifest` explains the rest.
        """
        uri = self.uri(run)
        metadata = {
            "trigger": _pack(trigger.to_json()) if trigger else None,
            "landings": landings,
            "prefix": _pack(str(prefix)) if prefix else None,
        }
        if not self._write_new(uri, manifest_body(bucket, keys).encode(), metadata):
            return self._read(uri)
        return Manifest(uri, bucket, tuple(keys), True, trigger, landings, prefix)

    def _write_new(
        self, uri: S3Uri, body: bytes, metadata: dict[str, str | None], tries: int = _TRIES
    ) -> bool:
        """Write an object; return False if it exists already.

        Of two writes at the same time, such as of one landing twice in a batch, S3 refuses one with
        409 instead of 412, and asks to try again (Amazon S3 user guide, "Conditional writes").
        """
        try:
            with translated("s3:PutObject"):
                self._client.put_object(
                    Bucket=uri.bucket,
                    Key=uri.key,
                    Body=body,
                    ContentType="application/json",
                    Metadata={name: value for name, value in metadata.items() if value},
                    IfNoneMatch="*",
                )
        except ServiceError as error:
            if error.code == _CONFLICT and tries > 1:
                return self._write_new(uri, body, metadata, tries - 1)
            if error.code != _EXISTS:
                raise
            return False
        return True

    def write_collected(self, run: str, collected: Collected, trigger: Trigger) -> Manifest:
        """Write the manifest of collected landings, or read the one that exists.

        The list of landings is written first, under a hash of its content: whichever manifest wins
        names its own list, and a list that no manifest names means nothing.
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
        """Read the landings that a manifest collected, if any."""
        if manifest.landings is None:
            return Collected((), last=True)
        found, _ = self._get(S3Uri(self._bucket, manifest.landings))
        landings = tuple(Landing(**landing) for landing in found["landings"])
        return Collected(landings, found["last"])

    def find(self, run: str) -> Manifest | None:
        """Read the manifest of a run; return None if it does not exist.

        Raises InvalidManifest when the object is no manifest.
        """
        with except_for("NoSuchKey", "404"):
            return self._read(self.uri(run))
        return None

    def _read(self, uri: S3Uri) -> Manifest:
        try:
            (head, *keys), metadata = self._get(uri)
            bucket = S3Uri.parse(head["prefix"]).bucket
        except (ValueError, TypeError, KeyError, InvalidS3Uri) as error:
            raise InvalidManifest(f"{uri} is no manifest: delete it, or move it away") from error
        return Manifest(
            uri,
            bucket,
            tuple(keys),
            written=False,
            trigger=_unpack(metadata.get("trigger"), parse_trigger),
            landings=metadata.get("landings"),
            prefix=_unpack(metadata.get("prefix"), S3Uri.parse),
        )

    def _get(self, uri: S3Uri) -> tuple[Any, dict[str, str]]:
        """Read an object of JSON, and its user metadata."""
        with translated("s3:GetObject"):
            answer = self._client.get_object(Bucket=uri.bucket, Key=uri.key)
            body, metadata = answer["Body"].read(), answer.get("Metadata", {})
        return json.loads(body), metadata

    def listed_after(self, key: str) -> Iterator[ListedObject]:
        """List the objects under the manifests' prefix after a key, in the order of their keys."""
        return list_objects(self._client, S3Uri(self._bucket, self._prefix), after=key)


def manifest_body(bucket: str, keys: Sequence[str]) -> str:
    """Return the content of a manifest: the same text for the same objects."""
    return json.dumps([{"prefix": f"s3://{bucket}/"}, *keys], ensure_ascii=False)


def _pack(text: str) -> str | None:
    """Compress a text into ASCII: S3 keeps 2 KB of user metadata, and a key alone can have 1 KB.

    Returns None if the result is still too long: a manifest is worth more than its trigger. The
    window of 4 KB is for speed, as allocating zlib's default takes longer than the compression.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits=12, memLevel=4)
    packed = base64.b64encode(compressor.compress(text.encode()) + compressor.flush()).decode()
    return packed if len(packed) <= _PACKED_LIMIT else None


def _unpack(packed: str | None, parse: Callable[[str], Parsed]) -> Parsed | None:
    """Parse what `_pack` has written; return None for anything else in a foreign manifest."""
    try:
        return parse(zlib.decompress(base64.b64decode(packed)).decode()) if packed else None
    except (ValueError, zlib.error, InvalidS3Uri):
        return None
