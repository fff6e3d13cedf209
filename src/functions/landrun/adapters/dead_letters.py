"""The door to SQS for what can never be processed: it goes to the dead-letter queue, with why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import one_line

MESSAGE_LIMIT = 262_144
"""Bytes of a message with its attributes, unless the queue is set to take more (SQS quotas)."""

LARGEST_LIMIT = 1_048_576

_REASON = "Reason"
_TYPE = "String"


class DeadLetters:
    """One dead-letter queue.

    Parameters
    ----------
    client : callable
        Gives boto3's client of SQS: made when there is something to put, for most functions never
        have, and a client takes as long to make as a landing.
    queue_url : str
        The dead-letter queue.
    """

    def __init__(self, client: Callable[[], Any], queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, body: str, reason: str) -> None:
        """Put a message there as it came; its attribute ``Reason`` says why.

        Raises
        ------
        ServiceError
            When SQS refuses the call or cannot be reached.
        """
        with translated("sqs:SendMessage"):
            self._client().send_message(
                QueueUrl=self._queue_url,
                MessageBody=body or "(empty)",
                MessageAttributes=_attributes(body, reason),
            )


def _attributes(body: str, reason: str) -> dict[str, Any]:
    """Say why, as far as there is room: a message as long as SQS takes leaves none."""
    taken = len(body.encode())
    limit = MESSAGE_LIMIT if taken <= MESSAGE_LIMIT else LARGEST_LIMIT
    room = max(0, limit - taken - len(_REASON) - len(_TYPE))
    said = (one_line(reason) or "unknown").encode()[:room].decode(errors="ignore")
    return {_REASON: {"DataType": _TYPE, "StringValue": said}} if said else {}
