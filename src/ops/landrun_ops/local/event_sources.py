"""Polls queues and invokes functions, as Lambda's event source mappings do.

moto's own mappings ignore partial batch failures.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from landrun_ops.local.lambda_runtime import Lambda, Outcome, Report
from landrun_ops.local.settings import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

RETRY_SECONDS: Final = 1  # until a failed message is seen again; AWS waits longer
LOOK_SECONDS: Final = 0.05  # between two looks into an empty queue


def register(properties: Mapping[str, Any]) -> Any:
    """Make moto's Lambda list an event source mapping, and return it."""
    from moto.awslambda.models import EventSourceMapping, lambda_backends  # noqa: PLC0415

    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{properties['FunctionName']}"
    where = {"RegionName": REGION, "AccountId": ACCOUNT, "FunctionArn": arn}
    mapping = EventSourceMapping({**properties, **where})
    # Not by moto's own create_event_source_mapping: that would have moto feed the function as well.
    lambda_backends[ACCOUNT][REGION]._event_source_mappings[mapping.uuid] = mapping
    return mapping


class Poller(threading.Thread):
    """Polls the queue of an event source and runs its function, one batch at a time.

    ``source`` is moto's mapping, which can be disabled at any time. ``signed`` is the client that
    signs as the function's role, with which Lambda receives messages.
    """

    def __init__(
        self, source: Any, functions: Lambda, sqs: SQSClient, signed: SQSClient, report: Report
    ) -> None:
        super().__init__(name=f"poller of {source.function_name}", daemon=True)
        self._source = source
        self._functions = functions
        self._sqs = sqs
        self._signed = signed
        self._report = report
        self._ending = threading.Event()
        name = source.event_source_arn.rpartition(":")[2]
        self._url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        self._queue = _queue_of_moto(name)

    def run(self) -> None:
        """Poll until stopped."""
        while not self._ending.is_set():
            try:
                self._poll()
            except Exception as error:
                if not self._ending.wait(RETRY_SECONDS):
                    self._report(f"polling {self._url}: {type(error).__name__}: {error}")

    def stop(self) -> None:
        """Stop after the present batch; its failures are not put back."""
        self._ending.set()

    def _poll(self) -> None:
        if not (self._source.enabled and self._queue.messages):
            self._ending.wait(LOOK_SECONDS)
            return
        messages = self._signed.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(self._source.batch_size, 10),  # SQS's limit
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:  # another received them in this moment
            return
        outcome = self._functions.invoke(
            self._source.function_name, sqs_event(messages, self._source.event_source_arn)
        )
        partial = "ReportBatchItemFailures" in (self._source.function_response_types or [])
        failed = failed_messages(outcome, messages, partial=partial)
        for message in messages:
            handle = message["ReceiptHandle"]
            if message["MessageId"] not in failed:
                self._signed.delete_message(QueueUrl=self._url, ReceiptHandle=handle)
            elif not self._ending.is_set():
                self._sqs.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=RETRY_SECONDS
                )


def _queue_of_moto(name: str) -> Any:
    """Return moto's own queue: to look into it costs no request, and can be ended at any time."""
    from moto.sqs.models import sqs_backends  # noqa: PLC0415  (late: takes seconds)

    return sqs_backends[ACCOUNT][REGION].get_queue(name)


def sqs_event(messages: Sequence[MessageTypeDef], queue_arn: str) -> dict[str, Any]:
    """Wrap received messages as Lambda hands them to a function.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},  # which no function of landrun reads
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def failed_messages(
    outcome: Outcome, messages: Sequence[MessageTypeDef], *, partial: bool
) -> set[str]:
    """Return the ids of the messages to deliver again, by Lambda's rules for batch responses.

    A function that failed, or whose response names no or an unknown message, fails the whole
    batch: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    everything = {message["MessageId"] for message in messages}
    if outcome.failed:
        return everything
    if not partial or not outcome.payload:
        return set()
    try:
        named = {str(one["itemIdentifier"]) for one in outcome.payload["batchItemFailures"] or []}
    except (KeyError, TypeError):
        return everything
    return named if named <= everything else everything
