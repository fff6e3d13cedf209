"""StartMessageMoveTask and ListMessageMoveTasks: the way out of a dead-letter queue.

moto 5.2.5 has neither. Here a task has moved everything before it answers, whatever its rate, so
that there is none to cancel. A message that a consumer holds stays, as it is hidden. What is moved
is a new message, with an id and a time of its own.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from landrun_ops.local.patches import Patches

_RATES: Final = range(1, 501)
_MOST_TASKS: Final = 10
_PARAMETERS: Final = ("SourceArn", "DestinationArn", "MaxNumberOfMessagesPerSecond", "MaxResults")


def adapt(patches: Patches) -> None:
    """Let the API have both, and messages remember the queue that they were sent to."""
    from moto.core.responses import ActionResult  # noqa: PLC0415  (late: for start-up)
    from moto.sqs.models import Message, Queue  # noqa: PLC0415
    from moto.sqs.responses import SQSResponse  # noqa: PLC0415

    add = Queue.add_message

    def add_message(queue: Any, message: Any) -> None:
        message.first_queue = message.first_queue or queue.queue_arn
        add(queue, message)

    def start_message_move_task(self: Any) -> Any:
        queues, asked = _by_arn(self), _asked(self)
        source = _named(queues, "SourceArn", asked)
        _check(queues, source, asked)
        source.move_tasks = [_moved(queues, source, asked), *source.move_tasks]
        return ActionResult({"TaskHandle": str(uuid.uuid4())})

    def list_message_move_tasks(self: Any) -> Any:
        asked = _asked(self)
        source = _named(_by_arn(self), "SourceArn", asked)
        most = min(int(asked.get("MaxResults") or 1), _MOST_TASKS)
        return ActionResult({"Results": source.move_tasks[:most]})

    patches.set(Message, "first_queue", "")
    patches.set(Queue, "move_tasks", [])
    patches.set(Queue, "add_message", add_message)
    patches.set(SQSResponse, "start_message_move_task", start_message_move_task)
    patches.set(SQSResponse, "list_message_move_tasks", list_message_move_tasks)


def _by_arn(response: Any) -> dict[str, Any]:
    return {queue.queue_arn: queue for queue in list(response.sqs_backend.queues.values())}


def _asked(response: Any) -> dict[str, Any]:
    given = {name: response._get_param(name) for name in _PARAMETERS}
    return {name: value for name, value in given.items() if value is not None}


def _named(queues: Mapping[str, Any], parameter: str, asked: Mapping[str, Any]) -> Any:
    if asked.get(parameter) not in queues:
        raise _error(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        )
    return queues[asked[parameter]]


def _check(queues: Mapping[str, Any], source: Any, asked: Mapping[str, Any]) -> None:
    if all(queue.dead_letter_queue is not source for queue in queues.values()):
        raise _error(
            "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."
        )
    if asked.get("DestinationArn") and _named(queues, "DestinationArn", asked) is source:
        raise _error(
            "InvalidParameterValue",
            "Source queue arn and destination queue arn cannot be the same.",
        )
    rate = asked.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and int(rate) not in _RATES:
        raise _error(
            "InvalidParameterValue",
            f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid. "
            "Reason: must be between 1 and 500.",
        )


def _moved(queues: Mapping[str, Any], source: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Move what is there; return the task as ListMessageMoveTasks tells it."""
    waiting, moved, task = source.messages, 0, _task(source, asked)
    for message in waiting:
        target = queues.get(asked.get("DestinationArn") or message.first_queue)
        if target in (None, source):
            task |= {"Status": "FAILED", "FailureReason": "CouldNotDetermineMessageSource"}
            break
        moved += _move(message, source, target)
    return {
        **task,
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": len(waiting),
    }


def _task(source: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        name: asked[name]
        for name in ("DestinationArn", "MaxNumberOfMessagesPerSecond")
        if asked.get(name)
    }
    now = int(time.time() * 1000)
    return {"Status": "COMPLETED", "SourceArn": source.queue_arn, "StartedTimestamp": now, **given}


def _move(message: Any, source: Any, target: Any) -> bool:
    from moto.sqs.models import Message  # noqa: PLC0415

    with source._messages_lock:
        if message not in source._messages:
            return False  # deleted this moment
        source._messages = [other for other in source._messages if other is not message]
    again = Message(str(uuid.uuid4()), message.body, message.system_attributes)
    again.message_attributes = message.message_attributes
    again.mark_sent()
    target.add_message(again)
    return True


def _error(code: str, message: str) -> Exception:
    from moto.sqs.exceptions import SQSException  # noqa: PLC0415

    error: Exception = SQSException(code, message)
    return error
