"""The S3 client for a run's outcome: what it left, its summary, and what else its input matches."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from landrun.adapters.clients import except_for, translated
from landrun.adapters.s3_listing import list_objects
from landrun.models.job_summary import host_of, sum_of_hosts
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import json_object, nested_deeper, plain_json

SUMMARY_LIMIT = 32_768
"""Characters of a summary that a record keeps whole; a longer one loses its ``files``."""

SUMMARY_DEPTH = 20
"""Levels of lists and objects in a summary; more than a count could need."""

OBJECTS_COUNTED = 50_000
"""Objects under an output URI that are counted, in some seconds of the function's minute."""

MOST_HOSTS = 100
"""Instances that a Processing job can have (SageMaker API, ProcessingClusterConfig)."""

OTHER_KEYS = 3
"""Other keys that a record names where the input is a prefix of them."""

_READ_LIMIT = 1_048_576
_LEAST_NEEDED_FIRST = ("files", "parts", "shards")


class Outputs:
    """The inputs and outputs of runs in S3, through boto3's client of it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def measure(self, under: S3Uri) -> tuple[int, int, bool]:
        """Count the objects under a URI, and their bytes.

        The last value is False if there are more than `OBJECTS_COUNTED`: it may be a whole bucket.
        """
        listed = list_objects(self._client, under)
        sizes = [found.size for found in islice(listed, OBJECTS_COUNTED)]
        return len(sizes), sum(sizes), next(listed, None) is None

    def summary(self, under: S3Uri) -> dict[str, Any] | None:
        """Read the job's ``summary.json``, or add up each host's ``summary-<host>.json``.

        The job may have written anything. Over `SUMMARY_LIMIT`, a summary loses its ``files``
        (``files_omitted`` counts them), then its ``parts`` and ``shards``. None if that is not
        enough, or if there is no summary that can be read.
        """
        body = self._read(under.bucket, f"{under.key}summary.json")
        if body is None:
            return _cut(sum_of_hosts(islice(self._of_hosts(under), MOST_HOSTS)))
        return _cut(_readable(body))

    def _of_hosts(self, under: S3Uri) -> Iterator[tuple[str, dict[str, Any]]]:
        for found in list_objects(self._client, S3Uri(under.bucket, f"{under.key}summary-algo-")):
            if host := host_of(found.key.removeprefix(under.key)):
                yield host, _readable(self._read(under.bucket, found.key))

    def keys_that_begin_with(self, uri: S3Uri) -> tuple[str, ...]:
        """Return up to `OTHER_KEYS` keys of other objects that begin with an object's key.

        A job that reads ``a.csv`` as an S3Prefix reads ``a.csv.bak``, too. The result is empty if
        there is no object of exactly this key.
        """
        with translated("s3:ListObjectsV2"):
            answer = self._client.list_objects_v2(
                Bucket=uri.bucket, Prefix=uri.key, MaxKeys=OTHER_KEYS + 1
            )
            keys = [found["Key"] for found in answer.get("Contents", ())]
        return tuple(keys[1:]) if keys[:1] == [uri.key] else ()

    def _read(self, bucket: str, key: str) -> bytes | None:
        """Read an object, the first `_READ_LIMIT` bytes of it; None when it is not there."""
        with except_for("NoSuchKey"), translated("s3:GetObject"):
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with closing(answer["Body"]) as stream:  # leaves the rest of a long one unread
                body: bytes = stream.read(_READ_LIMIT)
                return body
        return None


def _readable(body: bytes | None) -> dict[str, Any]:
    """Read a summary; it is empty if it is too deep, or no JSON object."""
    summary = json_object(body)
    return {} if nested_deeper(summary, SUMMARY_DEPTH) else summary


def _cut(summary: dict[str, Any]) -> dict[str, Any] | None:
    for name in _LEAST_NEEDED_FIRST:
        if not _fits(summary) and isinstance(summary.get(name), list | dict):
            summary = dict(summary)
            members, before = summary.pop(name), summary.get(f"{name}_omitted")
            summary[f"{name}_omitted"] = len(members) + (before if isinstance(before, int) else 0)
    return summary if summary and _fits(summary) else None


def _fits(summary: dict[str, Any]) -> bool:
    return len(plain_json(summary)) <= SUMMARY_LIMIT
