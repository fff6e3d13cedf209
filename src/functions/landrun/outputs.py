"""The door to S3 for what came out: how much a run left, and the job's own summary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from landrun.clients import translated
from landrun.contract import S3Uri
from landrun.errors import ServiceError
from landrun.listing import list_objects

SUMMARY_LIMIT = 32_768
"""Bytes of a summary that the ledger keeps whole; a longer one loses its ``files``."""

_READ_LIMIT = 1_048_576


@dataclass(frozen=True, slots=True)
class OutputSize:
    """What lies under an output URI: count of objects, and their bytes."""

    objects: int
    bytes: int


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
        """Count what lies under a URI.

        Raises
        ------
        ServiceError
            When S3 refuses the call or cannot be reached.
        """
        sizes = [found.size for found in list_objects(self._client, under)]
        return OutputSize(len(sizes), sum(sizes))

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
                body = answer["Body"].read(_READ_LIMIT)
        except ServiceError as error:
            if error.code == "NoSuchKey":
                return None
            raise
        return fitting_summary(body)


def fitting_summary(body: bytes) -> dict[str, Any] | None:
    """Read a summary and cut it to what a row of the ledger can hold.

    Returns
    -------
    dict or None
        The summary; without its ``files`` (``files_omitted`` counts them) when it is over
        `SUMMARY_LIMIT`; None when it is no JSON object, or over the limit even so.
    """
    try:
        summary = json.loads(body)
    except ValueError:
        return None
    if not isinstance(summary, dict):
        return None
    if len(body) > SUMMARY_LIMIT and isinstance(summary.get("files"), list):
        summary = {**summary, "files_omitted": len(summary["files"])}
        del summary["files"]
    return summary if len(json.dumps(summary)) <= SUMMARY_LIMIT else None
