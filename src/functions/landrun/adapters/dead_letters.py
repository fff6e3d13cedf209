"""SQS, for messages that can never be processed: the dead-letter queue keeps them with a reason."""

from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import one_line


class DeadLetters:
    """One dead-letter queue, through boto3's client of SQS; raises `ServiceError` if it refuses."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, body: str, reason: str) -> None:
        """Send a message there unchanged; its attribute ``Reason`` says why."""
        attributes = {"Reason": {"DataType": "String", "StringValue": one_line(reason)}}
        with translated("sqs:SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url, MessageBody=body, MessageAttributes=attributes
            )
