"""The door to S3 for what came out: how much a run left, and the job's own summary."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from landrun.clients import translated
from landrun.contract import S3Uri
from landrun.errors import ServiceError
from landrun.listing import list_objects
from landrun.outside import json_object, nested_deeper, plain_json

SUMMARY_LIMIT = 32_768
"""Bytes of a summary that the ledger keeps whole; a longer one loses its ``files``."""

SUMMARY_DEPTH = 20
"""Levels of lists and objects in a summary; more than a count could need."""

OBJECTS_COUNTED = 50_000
"""Objects under an output URI that are counted, in some seconds of the function's minute."""

_READ_LIMIT = 1_048_576


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
        """Read the job's ``summary.json``; None when there is none, or it is no JSON object.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        try:
            with translated("s3:GetObject"):
                answer = self._client.get_object(
                    Bucket=under.bucket, Key=f"{under.key}summary.json"
                )
                with closing(answer["Body"]) as stream:  # what is left of a long one is not read
                    body = stream.read(_READ_LIMIT)
        except ServiceError as error:
            if error.code == "NoSuchKey":
                return None
            raise
        return fitting_summary(body)


def fitting_summary(body: bytes) -> dict[str, Any] | None:
    """Read a summary and cut it to what a row of the ledger can hold.

    It is the job's, and so may be anything: too long, too deep, of numbers that no table holds.

    Returns
    -------
    dict or None
        The summary; without its ``files`` (``files_omitted`` counts them) when it is over
        `SUMMARY_LIMIT`; None when it is no JSON object, too deep, or over the limit even so.
    """
    summary = json_object(body)
    if nested_deeper(summary, SUMMARY_DEPTH):
        return None
    if len(body) > SUMMARY_LIMIT and isinstance(summary.get("files"), list):
        before = summary.get("files_omitted")
        omitted = len(summary["files"]) + (before if isinstance(before, int) else 0)
        summary = {**summary, "files_omitted": omitted}
        del summary["files"]
    return summary if summary and len(plain_json(summary)) <= SUMMARY_LIMIT else None
