"""SQS, for messages that can never be processed: the dead-letter queue keeps them with a reason."""

from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import one_line

MESSAGE_LIMIT = 262_144
"""Bytes of a message with its attributes, unless the queue is set to take more (SQS quotas)."""

LARGEST_LIMIT = 1_048_576
"""Bytes of a message at most, whatever the queue is set to."""

_REASON = "Reason"
_TYPE = "String"


class DeadLetters:
    """One dead-letter queue, through boto3's client of SQS; raises `ServiceError` if it refuses."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, body: str, reason: str) -> None:
        """Send a message there unchanged; its attribute ``Reason`` says why."""
        with translated("sqs:SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body or "(empty)",
                MessageAttributes=_attributes(body, reason),
            )


def _attributes(body: str, reason: str) -> dict[str, Any]:
    """Return the reason, cut to the room that the body leaves; the largest body leaves none."""
    taken = len(body.encode())
    limit = MESSAGE_LIMIT if taken <= MESSAGE_LIMIT else LARGEST_LIMIT
    room = max(0, limit - taken - len(_REASON) - len(_TYPE))
    said = (one_line(reason) or "unknown").encode()[:room].decode(errors="ignore")
    return {_REASON: {"DataType": _TYPE, "StringValue": said}} if said else {}
