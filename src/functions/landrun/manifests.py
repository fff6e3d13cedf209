"""The door to S3 for what goes in: the list of objects that a run reads, written once.

A manifest is SageMaker's ``ManifestFile``: ``[{"prefix": "s3://bucket/"}, "key", …]``. It names
exactly the objects, where an ``S3Prefix`` of ``a.csv`` would also match ``a.csv.bak``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from landrun.clients import translated
from landrun.contract import S3Uri
from landrun.errors import ServiceError
from landrun.listing import ListedObject, list_objects

_STANDS_ALREADY = "PreconditionFailed"


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
    """

    uri: S3Uri
    bucket: str
    keys: tuple[str, ...]
    written: bool


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

    def write_once(self, run: str, bucket: str, keys: Sequence[str]) -> Manifest:
        """Write the manifest of a run, or read the one that stands: it never changes.

        Parameters
        ----------
        run : str
            The run's name.
        bucket : str
            The bucket that holds the objects.
        keys : sequence of str
            The objects to read.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        uri = self.uri(run)
        body = manifest_body(bucket, keys).encode()
        try:
            with translated("s3:PutObject"):
                self._client.put_object(
                    Bucket=uri.bucket,
                    Key=uri.key,
                    Body=body,
                    ContentType="application/json",
                    IfNoneMatch="*",
                )
        except ServiceError as error:
            if error.code != _STANDS_ALREADY:
                raise
            return self._read(uri)
        return Manifest(uri, bucket, tuple(keys), written=True)

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
            body = self._client.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read()
        head, *keys = json.loads(body)
        return Manifest(uri, S3Uri.parse(head["prefix"]).bucket, tuple(keys), written=False)

    def list_objects(self, under: S3Uri) -> Iterator[ListedObject]:
        """List what lies under a prefix, in the order of its keys.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        return list_objects(self._client, under)


def manifest_body(bucket: str, keys: Sequence[str]) -> str:
    """Spell a manifest for objects of one bucket: the same bytes for the same objects."""
    return json.dumps([{"prefix": f"s3://{bucket}/"}, *keys], ensure_ascii=False)
