"""Dead-letter messages: back to where they came from, or into a file.

SQS moves those of queues; the function of a schedule's message is invoked again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun.sanitize import one_line
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue, Why

MOVING = frozenset({"RUNNING", "CANCELLING"})
"""Statuses of a move that has not ended (SQS API, ListMessageMoveTasks)."""

HELD_SECONDS = 960
"""How long a message is held: longer than a function can run."""

T = TypeVar("T")

Invoke = Callable[[str, dict[str, Any]], object]
"""Invokes a function of the template, by its logical id, with a payload, and waits for it."""


@dataclass(slots=True)
class Outcome:
    """About how many messages were sent back, or discarded, and why others were not."""

    done: int = 0
    failed: list[str] = field(default_factory=list)


def move(
    client: Any, source_arn: str, destination_arn: str, sleep: Callable[[float], None]
) -> Iterator[Outcome]:
    """Let SQS move all messages of a queue; yield how far that is until it has ended.

    SQS moves one queue once at a time: a move that is under way is followed instead. Raises
    ServiceError when SQS refuses a call.
    """
    before = _newest_move(client, source_arn)
    if before.get("Status") in MOVING:
        before = {}
    else:
        with translated("sqs:StartMessageMoveTask"):
            client.start_message_move_task(SourceArn=source_arn, DestinationArn=destination_arn)
    while True:
        now = _newest_move(client, source_arn)
        if now and now["StartedTimestamp"] != before.get("StartedTimestamp"):
            status, moved = now["Status"], int(now.get("ApproximateNumberOfMessagesMoved", 0))
            if status not in MOVING:
                why = f"SQS ended as {status}: {now.get('FailureReason', 'it does not say why')}"
                yield Outcome(moved, [] if status == "COMPLETED" else [one_line(why)])
                return
            yield Outcome(moved)
        sleep(1.0)


def _newest_move(client: Any, source_arn: str) -> dict[str, Any]:
    with translated("sqs:ListMessageMoveTasks"):
        answer = client.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)
    return next(iter(answer.get("Results", ())), {})


def call_again(
    queue: DeadLetterQueue, functions: Mapping[str, str], schedule_arn: str, invoke: Invoke
) -> Iterator[Outcome]:
    """Repeat the calls of a schedule that failed, one after the other; yield how far that is.

    One call of ReconcileFunction does for all messages that ask for one. A message whose call
    fails again stays. ``functions`` has logical ids by their names in the account, and
    ``schedule_arn`` is the schedule of ScheduleFunction. Raises ServiceError when AWS refuses a
    call.
    """
    sent, reconciled = Outcome(), False
    with queue.held(HELD_SECONDS) as messages:
        for message in list(messages.values()):
            function = _function_of(message, functions, schedule_arn)
            try:
                if not function:
                    raise FunctionError("it is for no function of this stack")
                if not (reconciled and function == "ReconcileFunction"):
                    invoke(function, message.payload)
            except FunctionError as error:
                sent.failed.append(one_line(f"{message.subject or 'a message'}: {error}"))
            else:
                reconciled |= function == "ReconcileFunction"
                queue.delete([messages.pop(message.id)])
                sent.done += 1
            yield sent


def _function_of(message: DeadLetter, functions: Mapping[str, str], schedule_arn: str) -> str:
    if message.function:
        return functions.get(message.function, "")
    if "ScheduledTime" not in message.payload:
        return ""
    ticks = message.payload.get("ScheduleArn") == schedule_arn
    return "ScheduleFunction" if ticks else "ReconcileFunction"


def discard(queues: Mapping[T, DeadLetterQueue], path: Path) -> dict[T, Outcome]:
    """Save the refused messages of queues to a file, then delete them; return how many, by queue.

    A message that SQS did not delete is in the file and in the queue. Raises ConfigurationError
    when the file cannot be written (nothing was deleted), ServiceError when SQS refuses a call.
    """
    outcomes = {}
    with ExitStack() as stack:
        held = {name: stack.enter_context(queue.held()) for name, queue in queues.items()}
        refused = {
            name: [one for one in messages.values() if one.why is Why.REFUSED]
            for name, messages in held.items()
        }
        _save(path, refused)
        for name, messages in refused.items():
            for one in messages:
                del held[name][one.id]
            deleted = queues[name].delete(messages)
            left = len(messages) - deleted
            outcomes[name] = Outcome(deleted, [f"{left:,} are still there"] if left else [])
    return outcomes


def _save(path: Path, messages: Mapping[Any, list[DeadLetter]]) -> None:
    """Write a JSON object a line, all of them or none."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for queue, inside in messages.items():
                for one in inside:
                    saved: dict[str, Any] = {"queue": queue, "message_id": one.id}
                    saved |= {"attributes": dict(one.attributes), "body": one.body}
                    file.write(f"{json.dumps(saved)}\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise ConfigurationError(
            f"cannot write {path}, and nothing was deleted: {error.strerror}"
        ) from error
