"""Dead-letter messages: back to where they came from, or into a file.

SQS moves those of queues; the function of a schedule's message is invoked again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun.sanitize import one_line
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.stack.dead_letters import HIDDEN_SECONDS, DeadLetter, DeadLetterQueue, Why

MOVING = frozenset({"RUNNING", "CANCELLING"})
"""Statuses of a move that has not ended (SQS API, ListMessageMoveTasks)."""

HELD_SECONDS = 960
"""How long a message is held: longer than a function can run."""

Invoke = Callable[[str, dict[str, Any]], object]
"""Invokes a function of the template, by its logical id, with a payload, and waits for it."""


@dataclass(frozen=True, slots=True)
class Move:
    """How far SQS has come with moving messages.

    Attributes
    ----------
    status : str
        SQS's: RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED.
    moved : int
        Messages, approximately.
    failure : str
        Why it failed, if it did.
    started : int
        When, in milliseconds since 1970: it identifies a move.
    """

    status: str
    moved: int
    failure: str = ""
    started: int = 0

    @property
    def ended(self) -> bool:
        """Return True if nothing more will be moved."""
        return self.status not in MOVING


def move(
    client: Any,
    source_arn: str,
    destination_arn: str,
    sleep: Callable[[float], None],
    every: float = 1.0,
) -> Iterator[Move]:
    """Move all messages of a dead-letter queue; yield how far that is until it has ended.

    SQS moves one queue once at a time: a move that is under way is followed instead.

    Raises
    ------
    ServiceError
        When SQS refuses to, or cannot be reached.
    """
    before = newest_move(client, source_arn)
    if before is None or before.ended:
        with translated("sqs:StartMessageMoveTask"):
            client.start_message_move_task(SourceArn=source_arn, DestinationArn=destination_arn)
    else:
        before = None
    while True:
        now = newest_move(client, source_arn)
        if now and (before is None or now.started != before.started):
            yield now
            if now.ended:
                return
        sleep(every)


def newest_move(client: Any, source_arn: str) -> Move | None:
    """Return how far the newest move out of a queue is; None if there was none."""
    with translated("sqs:ListMessageMoveTasks"):
        answer = client.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)
    for task in answer.get("Results", ()):
        moved = int(task.get("ApproximateNumberOfMessagesMoved", 0))
        started = int(task.get("StartedTimestamp", 0))
        return Move(task["Status"], moved, task.get("FailureReason", ""), started)
    return None


@dataclass
class Refired:
    """What became of the schedule's calls that were repeated.

    Attributes
    ----------
    done : int
        Messages whose function succeeded; they are deleted.
    failed : list of (DeadLetter, str)
        Those whose function failed again, with why; they stay.
    """

    done: int = 0
    failed: list[tuple[DeadLetter, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Refiring:
    """Invokes again the functions whose calls have failed.

    Attributes
    ----------
    queue : DeadLetterQueue
        The schedule's.
    functions : Mapping[str, str]
        The functions' logical ids by their names in the account.
    schedule_arn : str
        The schedule of ScheduleFunction.
    """

    queue: DeadLetterQueue
    functions: Mapping[str, str]
    schedule_arn: str
    invoke: Invoke

    def __call__(self) -> Iterator[Refired]:
        """Repeat a call at a time; yield how far that is after each.

        One call of ReconcileFunction does for all messages that ask for one.

        Raises
        ------
        ServiceError
            When AWS refuses a call or cannot be reached.
        """
        result, reconciled = Refired(), False
        try:
            while received := self.queue.receive(HELD_SECONDS, most=1):
                [message] = received
                if self._was_tried(message, result):
                    return
                function = self.function_of(message)
                reconciles = function == "ReconcileFunction"
                why = "" if reconciles and reconciled else self._try(message, function)
                if why:
                    result.failed.append((message, why))
                else:
                    reconciled |= reconciles
                    self.queue.delete([message])
                    result.done += 1
                yield result
        finally:
            self.queue.release([message for message, _ in result.failed])

    @staticmethod
    def _was_tried(message: DeadLetter, result: Refired) -> bool:
        """Return True if a failed message is visible again: then each has been tried."""
        for place, (before, why) in enumerate(result.failed):
            if before.id == message.id:
                result.failed[place] = (message, why)  # with the receipt handle that is valid now
                return True
        return False

    def function_of(self, message: DeadLetter) -> str:
        """Return the logical id of the function a message is for; empty if it is not known."""
        if message.function:
            return self.functions.get(message.function, "")
        if "ScheduledTime" not in message.payload:
            return ""
        ticks = message.payload.get("ScheduleArn") == self.schedule_arn
        return "ScheduleFunction" if ticks else "ReconcileFunction"

    def _try(self, message: DeadLetter, function: str) -> str:
        """Invoke the message's function; return why it failed, or an empty text."""
        if not function:
            return "it is for no function of this stack"
        try:
            self.invoke(function, message.payload)
        except FunctionError as error:
            return one_line(str(error))
        return ""


def discard(queues: Mapping[str, DeadLetterQueue], path: Path) -> dict[str, int]:
    """Save the refused messages of queues to a file, then delete them.

    Returns
    -------
    dict
        How many were deleted, by queue. A message that SQS did not delete is in the file and in the
        queue. There is no file if no message was refused.

    Raises
    ------
    ConfigurationError
        When the file exists or cannot be written: nothing was deleted.
    ServiceError
        When SQS refuses a call or cannot be reached.
    """
    held: dict[str, list[DeadLetter]] = {}
    try:
        for name, queue in queues.items():
            held[name] = queue.hold(HIDDEN_SECONDS)
        refused = {
            name: [one for one in messages if one.why is Why.REFUSED]
            for name, messages in held.items()
        }
        if any(refused.values()):
            _save(path, refused)
        deleted = {}
        for name, messages in refused.items():
            deleted[name] = queues[name].delete(messages)
            held[name] = [one for one in held[name] if one not in messages]
        return deleted
    finally:
        for name, messages in held.items():
            queues[name].release(messages)


def _save(path: Path, messages: Mapping[str, list[DeadLetter]]) -> None:
    """Write a JSON object a line, all of them or none."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        if path.exists():
            raise ConfigurationError(f"{path} exists: name another file with --out")
        with unfinished.open("x", encoding="utf-8") as file:
            for queue, inside in messages.items():
                file.writelines(f"{json.dumps(_described(queue, one))}\n" for one in inside)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise ConfigurationError(
            f"cannot write {path}, and nothing was deleted: {error.strerror}"
        ) from error


def _described(queue: str, message: DeadLetter) -> dict[str, Any]:
    return {
        "queue": queue,
        "message_id": message.id,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "reason": message.reason,
        "attributes": dict(message.attributes),
        "body": message.body,
    }
