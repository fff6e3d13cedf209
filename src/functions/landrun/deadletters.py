"""The door to SQS for what can never be processed: it goes to the dead-letter queue, with why."""

from __future__ import annotations

from typing import Any

from landrun.clients import translated

_REASON_LIMIT = 1000


class DeadLetters:
    """One dead-letter queue.

    Parameters
    ----------
    client : SQS client
        boto3's.
    queue_url : str
        The dead-letter queue.
    """

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, body: str, reason: str) -> None:
        """Put a message there as it came; its attribute ``Reason`` says why.

        Raises
        ------
        ServiceError
            When SQS refuses the call or cannot be reached.
        """
        said = printable(reason)[:_REASON_LIMIT] or "unknown"
        with translated("sqs:SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body or "(empty)",
                MessageAttributes={"Reason": {"DataType": "String", "StringValue": said}},
            )


def printable(text: str) -> str:
    """Show control characters as escapes, so that no log line or mail is what it is not."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
