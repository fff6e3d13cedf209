"""Dead-letter messages: what lies in a dead-letter queue, and why.

landrun's functions send them with the attribute ``Reason``; EventBridge and its Scheduler with
``ERROR_CODE`` and ``ERROR_MESSAGE`` (EventBridge user guide, "Using dead-letter queues"); Lambda as
a record of the invocation that failed (Lambda developer guide, "Capturing records of asynchronous
invocations"). A message that SQS moves there after too many receives says nothing of why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import json_object, one_line

MOST_READ = 1000
"""Messages that one look reads; there may be more."""

HIDDEN_SECONDS = 120
"""How long a look hides a message from others, should it not release it."""

BATCH = 10
"""Messages of one call (SQS API)."""

EMPTY_WAIT = 1
"""Seconds of a long poll, which asks all of SQS's servers: an empty answer means an empty queue."""

_IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
_SYSTEM = ("SentTimestamp", "DeadLetterQueueSourceArn")


class Why(Enum):
    """What kept a message from being processed."""

    REFUSED = "refused"
    UNDELIVERED = "undelivered"
    FUNCTION = "function"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue.

    Attributes
    ----------
    id, handle : str
        SQS's message id and receipt handle.
    attributes : Mapping[str, str]
        The message's attributes, and SQS's ``DeadLetterQueueSourceArn``.
    sent_at : datetime or None
        When it was first sent.
    """

    id: str
    handle: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sent_at: datetime | None = None

    @property
    def why(self) -> Why:
        """What kept it from being processed."""
        if "Reason" in self.attributes:
            return Why.REFUSED
        if "ERROR_CODE" in self.attributes:
            return Why.UNDELIVERED
        return Why.FUNCTION if "requestContext" in self._content else Why.FAILED

    @property
    def reason(self) -> str:
        """Why it is there, as one line."""
        if self.why is Why.REFUSED:
            return one_line(self.attributes["Reason"])
        if self.why is Why.UNDELIVERED:
            said = [self.attributes.get(name) for name in ("ERROR_CODE", "ERROR_MESSAGE")]
        else:
            answer = _mapping(self._content.get("responsePayload"))
            said = [str(answer.get(name) or "") for name in ("errorType", "errorMessage")]
        line = one_line(": ".join(filter(None, said)))
        if line:
            return line
        if "DeadLetterQueueSourceArn" in self.attributes:
            return "failed each time it was tried: the functions' log says why"
        return "nothing says why: if it was tried, the functions' log does"

    @property
    def landing(self) -> tuple[str, str, str]:
        """Bucket, key and version id of the object that it is about; empty if it names none."""
        detail = _mapping(self._content.get("detail"))
        thing = _mapping(detail.get("object"))
        version = _text(thing.get("version-id"))
        bucket = _text(_mapping(detail.get("bucket")).get("name"))
        return bucket, _text(thing.get("key")), "" if version == "null" else version

    @property
    def subject(self) -> str:
        """What it is about: a key, a run, a tick or a function; empty if it names none."""
        tick = _text(self.payload.get("ScheduledTime"))
        run = _text(_mapping(self._content.get("detail")).get("name"))
        named = self.landing[1] or run or (f"tick of {tick}" if tick else "") or self.function
        return one_line(named, 200)

    @property
    def payload(self) -> dict[str, Any]:
        """What a function was invoked with."""
        if self.why is Why.FUNCTION:
            return _mapping(self._content.get("requestPayload"))
        return self._content

    @property
    def function(self) -> str:
        """The name of the function that was, or would have been, invoked; empty if unknown."""
        context = _mapping(self._content.get("requestContext"))
        arn = _text(context.get("functionArn")) or self.attributes.get("TARGET_ARN", "")
        return arn.partition(":function:")[2].partition(":")[0]

    @property
    def _content(self) -> dict[str, Any]:
        return json_object(self.body)


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
    """One dead-letter queue.

    Parameters
    ----------
    client : SQS client
        boto3's.
    url : str
        The queue's.

    Raises
    ------
    ServiceError
        By every method, when SQS refuses a call or cannot be reached.
    """

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url

    def in_flight(self) -> int:
        """Return about how many messages somebody has received and not yet deleted or released."""
        with translated("sqs:GetQueueAttributes"):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url, AttributeNames=[_IN_FLIGHT]
            )
        return int(answer["Attributes"].get(_IN_FLIGHT, 0))

    def peek(self, most: int = MOST_READ) -> list[DeadLetter]:
        """Look at what is visible, and leave it there."""
        found: dict[str, DeadLetter] = {}
        try:
            self._receive_all(found, HIDDEN_SECONDS, most)
        finally:
            self.release(list(found.values()))
        return list(found.values())

    def hold(self, seconds: int, most: int = MOST_READ) -> list[DeadLetter]:
        """Receive what is visible, and hide it from others for so long."""
        found: dict[str, DeadLetter] = {}
        self._receive_all(found, seconds, most)
        return list(found.values())

    def _receive_all(self, found: dict[str, DeadLetter], seconds: int, most: int) -> None:
        while len(found) < most:
            before = len(found)
            found |= {one.id: one for one in self.receive(seconds)}
            if len(found) == before:  # none is left, or the first are visible again
                return

    def receive(self, hidden_seconds: int, most: int = BATCH) -> list[DeadLetter]:
        """Receive up to ten messages, and hide them from others for so long."""
        with translated("sqs:ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=most,
                VisibilityTimeout=hidden_seconds,
                WaitTimeSeconds=EMPTY_WAIT,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=list(_SYSTEM),
            )
        return list(map(_dead_letter, answer.get("Messages", ())))

    def release(self, messages: Sequence[DeadLetter]) -> None:
        """Make messages visible to others again."""
        for entries in _entries(messages, VisibilityTimeout=0):
            with translated("sqs:ChangeMessageVisibility"):
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def delete(self, messages: Sequence[DeadLetter]) -> int:
        """Delete messages that were received; return how many SQS deleted."""
        failed = 0
        for entries in _entries(messages):
            with translated("sqs:DeleteMessage"):
                answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
            failed += len(answer.get("Failed", ()))
        return len(messages) - failed


def _entries(messages: Sequence[DeadLetter], **more: int) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(messages), BATCH):
        batch = enumerate(messages[start : start + BATCH])
        yield [{"Id": str(n), "ReceiptHandle": one.handle, **more} for n, one in batch]


def _dead_letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes = {
        name: one.get("StringValue", "")
        for name, one in message.get("MessageAttributes", {}).items()
    }
    system = dict(message.get("Attributes", {}))
    sent = system.pop("SentTimestamp", None)
    return DeadLetter(
        id=message["MessageId"],
        handle=message["ReceiptHandle"],
        body=message["Body"],
        attributes=system | attributes,
        sent_at=datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
