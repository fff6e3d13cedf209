"""Dead-letter messages: what lies in a dead-letter queue, and why.

landrun's functions send them with the attribute ``Reason``; EventBridge and its Scheduler with
``ERROR_CODE`` and ``ERROR_MESSAGE`` (EventBridge user guide, "Using dead-letter queues"); Lambda as
a record of the invocation that failed (Lambda developer guide, "Capturing records of asynchronous
invocations"). A message that SQS moves there after too many receives says nothing of why.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import json_object, one_line
from landrun_ops.stack.queue_depth import IN_FLIGHT, depth

QUEUES = {
    "landings": "LandingDeadLetterQueueUrl",
    "schedule": "ScheduleDeadLetterQueueUrl",
    "statuses": "StatusDeadLetterQueueUrl",
}
"""The stack's outputs that name dead-letter queues, as ``landrun redrive --queue`` calls them."""

MOST_READ = 1000
"""Messages that one look reads; there may be more."""

BATCH = 10
"""Messages of one call (SQS API)."""


class Why(StrEnum):
    """What kept a message from being processed."""

    REFUSED = "refused"
    UNDELIVERED = "undelivered"
    FUNCTION = "function"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue; SQS's own attributes are among ``attributes``."""

    id: str
    handle: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def why(self) -> Why:
        """What kept it from being processed."""
        if "Reason" in self.attributes:
            return Why.REFUSED
        if "ERROR_CODE" in self.attributes:
            return Why.UNDELIVERED
        return Why.FUNCTION if "requestContext" in json_object(self.body) else Why.FAILED

    @property
    def reason(self) -> str:
        """Why it is there, as one line."""
        named = ("Reason", "ERROR_CODE", "ERROR_MESSAGE")
        said = [self.attributes.get(name, "") for name in named]
        said += [self._text("responsePayload", name) for name in ("errorType", "errorMessage")]
        nothing = "nothing says why: if it was tried, the functions' log does"
        return one_line(": ".join(filter(None, said)) or nothing)

    @property
    def landing(self) -> tuple[str, str, str]:
        """Bucket, key and version id of the object that it is about; empty if it names none."""
        key, version = (self._text("detail", "object", name) for name in ("key", "version-id"))
        return self._text("detail", "bucket", "name"), key, version if version != "null" else ""

    @property
    def subject(self) -> str:
        """What it is about: a key, a run, a tick, a function or, failing that, its beginning."""
        tick = self.payload.get("ScheduledTime")
        named = self.landing[1] or self._text("detail", "name") or (tick and f"tick of {tick}")
        return one_line(named or self.function or self.body, 200)

    @property
    def payload(self) -> dict[str, Any]:
        """What a function was invoked with."""
        content = json_object(self.body)
        payload = content.get("requestPayload") if self.why is Why.FUNCTION else content
        return payload if isinstance(payload, dict) else {}

    @property
    def function(self) -> str:
        """The name of the function that was, or would have been, invoked; empty if unknown."""
        arn = self._text("requestContext", "functionArn") or self.attributes.get("TARGET_ARN", "")
        return arn.partition(":function:")[2].partition(":")[0]

    def _text(self, *path: str) -> str:
        """Return a text in the body's nested objects; empty if there is none."""
        found: object = json_object(self.body)
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class Group:
    """Messages with the same reason; the key that the reason names is written KEY."""

    why: Why
    reason: str
    messages: list[DeadLetter]


def grouped(messages: Sequence[DeadLetter]) -> list[Group]:
    """Group messages by why they are there, the largest group first."""
    groups: dict[tuple[Why, str], list[DeadLetter]] = {}
    for one in messages:
        key = one_line(one.landing[1])
        reason = one.reason.replace(key, "KEY") if key else one.reason
        groups.setdefault((one.why, reason), []).append(one)
    found = (Group(why, reason, inside) for (why, reason), inside in groups.items())
    return sorted(found, key=lambda group: -len(group.messages))


class DeadLetterQueue:
    """One dead-letter queue, by boto3's client of SQS; raises ServiceError if it refuses a call."""

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url

    def in_flight(self) -> int:
        """Return about how many messages somebody has received and not yet deleted or released."""
        return depth(self._client, self._url, [IN_FLIGHT])

    def peek(self, most: int = MOST_READ) -> list[DeadLetter]:
        """Read the visible messages, and leave them in the queue."""
        with self.held(most=most) as messages:
            return list(messages.values())

    @contextmanager
    def held(self, seconds: int = 120, most: int = MOST_READ) -> Iterator[dict[str, DeadLetter]]:
        """Receive the visible messages by id, and hide them from others during the block.

        Messages still in the dictionary at the end of the block become visible again.
        """
        found: dict[str, DeadLetter] = {}
        try:
            before = -1
            while before < len(found) < most:  # until none is left, or the first are visible again
                before = len(found)
                found |= {one.id: one for one in self._receive(seconds)}
            yield found
        finally:
            for batch in _batches(list(found.values()), VisibilityTimeout=0):
                with translated("sqs:ChangeMessageVisibility"):
                    self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=batch)

    def delete(self, messages: Sequence[DeadLetter]) -> int:
        """Delete messages that were received; return how many SQS deleted."""
        failed = 0
        for batch in _batches(messages):
            with translated("sqs:DeleteMessage"):
                answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=batch)
            failed += len(answer.get("Failed", ()))
        return len(messages) - failed

    def _receive(self, hidden_seconds: int) -> Iterator[DeadLetter]:
        with translated("sqs:ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=hidden_seconds,
                WaitTimeSeconds=1,  # asks all of SQS's servers: no answer means an empty queue
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
        for one in answer.get("Messages", ()):
            given = one.get("MessageAttributes", {}).items()
            own = {name: value.get("StringValue", "") for name, value in given}
            attributes = {**one.get("Attributes", {}), **own}
            yield DeadLetter(one["MessageId"], one["ReceiptHandle"], one["Body"], attributes)


def _batches(messages: Sequence[DeadLetter], **more: int) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(messages), BATCH):
        batch = enumerate(messages[start : start + BATCH])
        yield [{"Id": str(n), "ReceiptHandle": one.handle, **more} for n, one in batch]
