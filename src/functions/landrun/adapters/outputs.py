"""The door to S3 for what came out: how much a run left, and the job's own summary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.s3_listing import list_objects
from landrun.errors import ServiceError
from landrun.models.job_summary import MOST_HOSTS, HostSummaries, host_of
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import json_object, nested_deeper, plain_json

SUMMARY_LIMIT = 32_768
"""Characters of a summary that the ledger keeps whole; a longer one loses its ``files``."""

SUMMARY_DEPTH = 20
"""Levels of lists and objects in a summary; more than a count could need."""

OBJECTS_COUNTED = 50_000
"""Objects under an output URI that are counted, in some seconds of the function's minute."""

_READ_LIMIT = 1_048_576
_FIRST_TO_GO = ("files", "parts", "shards")


@dataclass(frozen=True, slots=True)
class OutputSize:
    """What lies under an output URI: count of objects, and their bytes.

    ``complete`` is False where there is more than was counted.
    """

    objects: int
    bytes: int
    complete: bool = True


class Outputs:
    """What runs leave in S3.

    Parameters
    ----------
    client : S3 client
        boto3's.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def measure(self, under: S3Uri) -> OutputSize:
        """Count what lies under a URI, up to `OBJECTS_COUNTED`: it may be a whole bucket.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        found = list_objects(self._client, under)
        sizes = [one.size for one in islice(found, OBJECTS_COUNTED)]
        return OutputSize(len(sizes), sum(sizes), complete=next(found, None) is None)

    def summary(self, under: S3Uri) -> dict[str, Any] | None:
        """Read the job's ``summary.json``, or sum up those that its hosts left instead.

        A host of several writes ``summary-<host>.json``; hosts would overwrite each other's.

        Returns
        -------
        dict or None
            None when there is none, or it is no JSON object.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        body = self._read(under.bucket, f"{under.key}summary.json")
        return self._of_hosts(under) if body is None else fitting_summary(body)

    def _of_hosts(self, under: S3Uri) -> dict[str, Any] | None:
        shards = HostSummaries()
        for key in islice(self._keys_of_hosts(under), MOST_HOSTS):
            body = self._read(under.bucket, key)
            summary = json_object(body)
            readable = not nested_deeper(summary, SUMMARY_DEPTH)
            shards.add(str(host_of(key[len(under.key) :])), summary if readable else {})
        return _cut_to_fit(shards.summary() or {})

    def _keys_of_hosts(self, under: S3Uri) -> Iterator[str]:
        for one in list_objects(self._client, S3Uri(under.bucket, f"{under.key}summary-algo-")):
            if host_of(one.key[len(under.key) :]):
                yield one.key

    def _read(self, bucket: str, key: str) -> bytes | None:
        """Read an object, the first `_READ_LIMIT` bytes of it; None when it is not there."""
        try:
            with translated("s3:GetObject"):
                answer = self._client.get_object(Bucket=bucket, Key=key)
                with closing(answer["Body"]) as stream:  # what is left of a long one is not read
                    body: bytes = stream.read(_READ_LIMIT)
        except ServiceError as error:
            if error.code == "NoSuchKey":
                return None
            raise
        return body


def fitting_summary(body: bytes) -> dict[str, Any] | None:
    """Read a summary and cut it to what a row of the ledger can hold.

    It is the job's, and so may be anything: too long, too deep, of numbers that no table holds.

    Returns
    -------
    dict or None
        The summary; without its ``files`` (``files_omitted`` counts them) when it is over
        `SUMMARY_LIMIT`, and without its ``parts`` and what each host did when it still is; None
        when it is no JSON object, too deep, or over the limit even so.
    """
    summary = json_object(body)
    return None if nested_deeper(summary, SUMMARY_DEPTH) else _cut_to_fit(summary)


def _cut_to_fit(summary: dict[str, Any]) -> dict[str, Any] | None:
    for name in _FIRST_TO_GO:
        if _fits(summary):
            break
        summary = _without(summary, name)
    return summary if summary and _fits(summary) else None


def _fits(summary: dict[str, Any]) -> bool:
    return len(plain_json(summary)) <= SUMMARY_LIMIT


def _without(summary: dict[str, Any], name: str) -> dict[str, Any]:
    """Leave out a list or the like; what it had is counted."""
    left_out = summary.get(name)
    if not isinstance(left_out, list | dict):
        return summary
    before = summary.get(f"{name}_omitted")
    omitted = len(left_out) + (before if isinstance(before, int) else 0)
    rest = {each: value for each, value in summary.items() if each != name}
    return {**rest, f"{name}_omitted": omitted}
