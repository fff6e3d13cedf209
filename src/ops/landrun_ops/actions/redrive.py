"""Dead-letter messages: sent back to their source, or saved to a file and deleted.

SQS moves messages of queues; for a schedule's message, its function is invoked again.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun.sanitize import one_line
from landrun_ops.actions.invoke import FunctionError, invoke, patient_config
from landrun_ops.stack.dead_letters import DeadLetterQueue, Why
from landrun_ops.stack.stack import Stack

MOVING = frozenset({"RUNNING", "CANCELLING"})
"""Statuses of a move that has not ended (SQS API, ListMessageMoveTasks)."""


@dataclass(slots=True)
class Outcome:
    """About how many messages were sent back, or discarded, and why others were not."""

    done: int = 0
    failed: list[str] = field(default_factory=list)


def move(stack: Stack, name: str, sleep: Callable[[float], None]) -> Iterator[Outcome]:
    """Let SQS move all messages of a dead-letter queue back to their source; yield the progress.

    ``name`` is what the names of the stack's outputs about the queue begin with. SQS moves one
    queue once at a time: a move that is under way is followed instead. Raises ServiceError when SQS
    refuses a call.
    """
    client = stack.client("sqs")
    source, destination = (stack.output(f"{name}{one}QueueArn") for one in ("DeadLetter", ""))
    before = _newest_move(client, source)
    if before.get("Status") in MOVING:
        before = {}
    else:
        with translated("sqs:StartMessageMoveTask"):
            client.start_message_move_task(SourceArn=source, DestinationArn=destination)
    while True:
        now = _newest_move(client, source)
        if now and now["StartedTimestamp"] != before.get("StartedTimestamp"):
            status, moved = now["Status"], int(now.get("ApproximateNumberOfMessagesMoved", 0))
            failed = one_line(f"SQS ended as {status}: {now.get('FailureReason', '')}")
            yield Outcome(moved, [] if status in {*MOVING, "COMPLETED"} else [failed])
            if status not in MOVING:
                return
        sleep(1.0)


def _newest_move(client: Any, source_arn: str) -> dict[str, Any]:
    with translated("sqs:ListMessageMoveTasks"):
        answer = client.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)
    return next(iter(answer.get("Results", ())), {})


def call_again(stack: Stack, queue: DeadLetterQueue) -> Iterator[Outcome]:
    """Repeat the failed invocations of the schedules one by one; yield the progress.

    One call of ReconcileFunction does for all messages that ask for one. A message whose call
    fails again stays. Raises ServiceError when AWS refuses a call.
    """
    client, outcome, reconciled = stack.client("lambda", patient_config()), Outcome(), False
    logical_ids = {stack.output(one): one for one in ("ScheduleFunction", "ReconcileFunction")}
    with queue.held(seconds=960) as messages:  # longer than a function runs
        for message in list(messages.values()):
            function = logical_ids.get(message.function)
            try:
                if not function:
                    raise FunctionError("it is for no function of this stack")
                if not (reconciled and function == "ReconcileFunction"):
                    invoke(client, function, stack.output(function), message.payload)
            except FunctionError as error:
                outcome.failed.append(one_line(f"{message.subject}: {error}"))
            else:
                reconciled |= function == "ReconcileFunction"
                queue.delete([messages.pop(message.id)])
                outcome.done += 1
            yield outcome


def discard(queue: DeadLetterQueue, path: Path) -> Outcome:
    """Save the refused messages of a queue to a file, a JSON object a line, then delete them.

    A message that SQS did not delete is in the file and in the queue. Raises ConfigurationError
    when the file cannot be written (nothing was deleted), ServiceError when SQS refuses a call.
    """
    with queue.held() as messages:
        refused = [one for one in messages.values() if one.why is Why.REFUSED]
        try:
            with path.open("x", encoding="utf-8") as file:
                for one in refused:
                    about = {"message_id": one.id, "body": one.body}
                    file.write(json.dumps({**about, "attributes": dict(one.attributes)}) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = f"{error.strerror}; nothing was deleted"
            raise ConfigurationError(f"cannot write {path}: {reason}") from error
        for one in refused:
            del messages[one.id]
        deleted = queue.delete(refused)
    left = len(refused) - deleted
    return Outcome(deleted, [f"{left:,} are still there"] if left else [])
