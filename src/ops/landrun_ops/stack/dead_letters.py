"""Dead letters: what lies in a dead-letter queue, and why.

Three hands put them there, each in its own way: landrun's functions with the attribute ``Reason``;
EventBridge and its Scheduler with ``ERROR_CODE`` and ``ERROR_MESSAGE`` (EventBridge user guide,
"Using dead-letter queues"); Lambda as a record of the invocation that failed (Lambda developer
guide, "Capturing records of asynchronous invocations"). What SQS itself moves there after too many
tries says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import json_object, one_line

LOOKED_AT = 1000
"""Letters that are looked at, at most; there may be more."""

HIDDEN_SECONDS = 120
"""How long a letter that is looked at is hidden from others, should nobody let go of it."""

BATCH = 10
"""Messages of one call (SQS API)."""

EMPTY_WAIT = 1
"""Seconds of a poll that asks all of SQS's servers: an empty answer means that nothing is there."""


class Why(Enum):
    """What kept a message from being processed."""

    REFUSED = "refused"
    UNDELIVERED = "undelivered"
    FUNCTION = "function"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a dead-letter queue.

    Attributes
    ----------
    id, handle : str
        SQS's names of the message, and of its being held.
    body : str
        As it came.
    attributes : Mapping[str, str]
        What it says besides.
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
        """Whatever is said of why, as one line; empty where nothing is."""
        if self.why is Why.REFUSED:
            return one_line(self.attributes["Reason"])
        if self.why is Why.UNDELIVERED:
            said = (self.attributes.get(name, "") for name in ("ERROR_CODE", "ERROR_MESSAGE"))
            return one_line(": ".join(filter(None, said)))
        answer = self._content.get("responsePayload")
        answer = answer if isinstance(answer, dict) else {}
        said = (str(answer.get(name) or "") for name in ("errorType", "errorMessage"))
        return one_line(": ".join(filter(None, said)))

    @property
    def landing(self) -> tuple[str, str, str]:
        """Bucket, key and version id of the object that it is about; empty where it says none."""
        detail = _mapping(self._content.get("detail"))
        thing = _mapping(detail.get("object"))
        version = _text(thing.get("version-id"))
        bucket = _text(_mapping(detail.get("bucket")).get("name"))
        return bucket, _text(thing.get("key")), "" if version == "null" else version

    @property
    def subject(self) -> str:
        """What it is about, in a word or two: a key, a run, a tick, a function; or empty."""
        payload = self.payload
        tick = _text(payload.get("ScheduledTime"))
        run = _text(_mapping(self._content.get("detail")).get("name"))
        function = self.function_arn.partition(":function:")[2].partition(":")[0]
        return one_line(
            self.landing[1] or run or (f"tick of {tick}" if tick else "") or function, 200
        )

    @property
    def payload(self) -> dict[str, Any]:
        """What a function was invoked with."""
        if self.why is Why.FUNCTION:
            return _mapping(self._content.get("requestPayload"))
        return self._content

    @property
    def function_arn(self) -> str:
        """Which function was invoked, or would have been; empty where it does not say."""
        context = _mapping(self._content.get("requestContext"))
        return _text(context.get("functionArn")) or self.attributes.get("TARGET_ARN", "")

    @property
    def _content(self) -> dict[str, Any]:
        return json_object(self.body)


@dataclass(frozen=True, slots=True)
class Group:
    """Letters with the same reason.

    Attributes
    ----------
    why : Why
        What kept them.
    reason : str
        What is said of it; the key that it names is KEY.
    letters : list of Letter
        They.
    """

    why: Why
    reason: str
    letters: list[Letter]


def grouped(letters: Sequence[Letter]) -> list[Group]:
    """Group letters by why they are there, the largest group first."""
    groups: dict[tuple[Why, str], list[Letter]] = {}
    for letter in letters:
        groups.setdefault((letter.why, _general(letter)), []).append(letter)
    found = (Group(why, reason, inside) for (why, reason), inside in groups.items())
    return sorted(found, key=lambda group: -len(group.letters))


def _general(letter: Letter) -> str:
    key = letter.landing[1]
    return letter.reason.replace(one_line(key), "KEY") if key else letter.reason


class Letters:
    """One dead-letter queue.

    Parameters
    ----------
    client : SQS client
        boto3's.
    queue_url : str
        The queue.
    """

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def peek(self, most: int = LOOKED_AT) -> list[Letter]:
        """Look at what is there, and leave it there; what others hold cannot be seen.

        Raises
        ------
        ServiceError
            When SQS refuses a call or cannot be reached.
        """
        found: dict[str, Letter] = {}
        try:
            while len(found) < most:
                seen, letters = len(found), self.take(HIDDEN_SECONDS)
                found |= {letter.id: letter for letter in letters}
                if len(found) == seen:  # none is left, or the first are to be seen again
                    break
        finally:
            self.let_go(list(found.values()))
        return list(found.values())

    def take(self, hidden_seconds: int, most: int = BATCH) -> list[Letter]:
        """Take a few letters and hide them from others for so long; none when none is left.

        Raises
        ------
        ServiceError
            When SQS refuses the call or cannot be reached.
        """
        with translated("sqs:ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=most,
                VisibilityTimeout=hidden_seconds,
                WaitTimeSeconds=EMPTY_WAIT,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
        return list(map(_letter, answer.get("Messages", ())))

    def let_go(self, letters: Sequence[Letter]) -> None:
        """Let others see letters again, at once.

        Raises
        ------
        ServiceError
            When SQS refuses a call or cannot be reached.
        """
        for batch in _batches(letters):
            entries = [
                {"Id": str(n), "ReceiptHandle": letter.handle, "VisibilityTimeout": 0}
                for n, letter in enumerate(batch)
            ]
            with translated("sqs:ChangeMessageVisibility"):
                self._client.change_message_visibility_batch(
                    QueueUrl=self._queue_url, Entries=entries
                )

    def delete(self, letter: Letter) -> None:
        """Delete a letter that was taken: what it asked for has been done.

        Raises
        ------
        ServiceError
            When SQS refuses the call or cannot be reached.
        """
        with translated("sqs:DeleteMessage"):
            self._client.delete_message(QueueUrl=self._queue_url, ReceiptHandle=letter.handle)


def _batches(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    return (letters[start : start + BATCH] for start in range(0, len(letters), BATCH))


def _letter(message: Mapping[str, Any]) -> Letter:
    attributes = message.get("MessageAttributes", {})
    sent = message.get("Attributes", {}).get("SentTimestamp")
    return Letter(
        id=message["MessageId"],
        handle=message["ReceiptHandle"],
        body=message["Body"],
        attributes={name: one.get("StringValue", "") for name, one in attributes.items()},
        sent_at=datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
