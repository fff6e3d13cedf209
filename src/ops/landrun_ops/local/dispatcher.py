"""Queues to functions, as Lambda's event source mappings do it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from landrun_ops.local.functions import Functions, Outcome, Report
from landrun_ops.local.invocations import Asynchronous
from landrun_ops.local.settings import REGION
from landrun_ops.local.stack import QueueSource

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

POLL_SECONDS: Final = 1
"""A poll's longest wait; a message that comes ends it at once."""

LONGEST_WINDOW: Final = 1.0
"""Batch windows, which save invocations on AWS, are cut to this many seconds."""

RETRY_SECONDS: Final = 1
"""When a message that failed is seen again, where AWS waits for the visibility timeout."""

OFF_SECONDS: Final = 0.2
"""Between looks at a source that is off."""

RECEIVE_LIMIT: Final = 10
"""Most messages that SQS hands out at once."""


class Dispatcher:
    """Polls each source's queue on a thread and runs its function, one batch at a time.

    ``as_function`` gives the client of a function, by name: Lambda takes messages as its role.
    ``is_on`` is asked before each batch: while a source is off, its messages wait.
    """

    def __init__(
        self,
        sources: Iterable[QueueSource],
        functions: Functions,
        asynchronous: Asynchronous,
        sqs: SQSClient,
        *,
        report: Report,
        as_function: Callable[[str], SQSClient] | None = None,
        is_on: Callable[[QueueSource], bool] = lambda _: True,
    ) -> None:
        self._stopping = threading.Event()
        self._pollers = [
            _Poller(
                source,
                functions,
                asynchronous,
                sqs,
                as_function(source.function) if as_function and not source.raw else sqs,
                report=report,
                stopping=self._stopping,
                is_on=is_on,
            )
            for source in sources
        ]

    def start(self) -> None:
        """Start polling."""
        for poller in self._pollers:
            poller.start()

    def stop(self) -> None:
        """Stop after the batches under way; their failures are not put back."""
        self._stopping.set()

    def wait(self) -> None:
        """Wait for the pollers to end."""
        for poller in self._pollers:
            if poller.is_alive():
                poller.join()


class _Poller(threading.Thread):
    def __init__(
        self,
        source: QueueSource,
        functions: Functions,
        asynchronous: Asynchronous,
        sqs: SQSClient,
        signed: SQSClient,
        *,
        report: Report,
        stopping: threading.Event,
        is_on: Callable[[QueueSource], bool],
    ) -> None:
        super().__init__(name=f"poll {source.queue_arn}", daemon=True)
        self._source = source
        self._functions = functions
        self._asynchronous = asynchronous
        self._sqs = sqs
        self._signed = signed
        self._report = report
        self._stopping = stopping
        self._is_on = is_on
        name = source.queue_arn.rpartition(":")[2]
        self._url = sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._poll()
            except Exception as error:
                if self._stopping.wait(RETRY_SECONDS):
                    return
                self._report(f"polling {self._url}: {type(error).__name__}: {error}")

    def _poll(self) -> None:
        if not self._is_on(self._source):
            self._stopping.wait(OFF_SECONDS)
            return
        messages = self._receive(self._source.batch_size, POLL_SECONDS)
        if messages:
            self._fill(messages)
            self._run_batch(messages)

    def _fill(self, messages: list[MessageTypeDef]) -> None:
        """Wait for more until the batch is full or its window is over."""
        end = time.monotonic() + min(self._source.window, LONGEST_WINDOW)
        while (room := self._source.batch_size - len(messages)) > 0:
            more = self._receive(room, 0)
            messages += more
            if not more and (time.monotonic() >= end or self._stopping.wait(0.05)):
                return

    def _receive(self, room: int, seconds: int) -> list[MessageTypeDef]:
        return self._signed.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(room, RECEIVE_LIMIT),
            WaitTimeSeconds=seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])

    def _run_batch(self, messages: list[MessageTypeDef]) -> None:
        if self._source.raw:
            for message in messages:
                self._asynchronous.invoke(self._source.function, json.loads(message["Body"]))
            failed: set[str] = set()
        else:
            function = self._functions.named(self._source.function)
            outcome = function.invoke(sqs_event(messages, self._source.queue_arn))
            failed = failed_messages(outcome, messages, partial=self._source.partial)
        self._settle(messages, failed)

    def _settle(self, messages: list[MessageTypeDef], failed: set[str]) -> None:
        for message in messages:
            handle = message["ReceiptHandle"]
            if message["MessageId"] not in failed:
                self._signed.delete_message(QueueUrl=self._url, ReceiptHandle=handle)
            elif not self._stopping.is_set():
                self._sqs.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=RETRY_SECONDS
                )


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
                "messageAttributes": {
                    name: _attribute(value)
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def _attribute(value: Any) -> dict[str, Any]:
    """``{"StringValue", "DataType"}`` as the lower-case form that functions get."""
    return {
        "stringValue": value.get("StringValue"),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


def failed_messages(
    outcome: Outcome, messages: Sequence[MessageTypeDef], *, partial: bool
) -> set[str]:
    """Return the ids of the messages to see again, by Lambda's rules for batch responses.

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
