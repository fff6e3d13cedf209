"""Patches of moto's SQS: queue URLs, races between threads, and the way out of a dead-letter queue.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Message, Queue
from moto.sqs.responses import SQSResponse

from landrun_ops.local.patches import Patches

_MOST_TASKS: Final = 10


def patch(patches: Patches, endpoint_url: str) -> None:
    """Patch queues, and add StartMessageMoveTask and ListMessageMoveTasks, which moto lacks."""
    add, delete = Queue.add_message, Queue.delete_message

    def physical_resource_id(self: Any) -> str:
        # CloudFormation's Ref leads to AWS itself, and SDKs other than boto3 follow it.
        return f"{endpoint_url}/{self.account_id}/{self.name}"

    def add_message(self: Any, message: Any) -> None:
        # A move without a destination brings it back to its first queue.
        message.first_queue = message.first_queue or self.queue_arn
        add(self, message)

    def delete_message(self: Any, receipt_handle: str) -> None:
        # Without the lock, a message that another thread adds meanwhile gets lost.
        with self._messages_lock:
            delete(self, receipt_handle)

    patches.set(Message, "first_queue", "")
    patches.set(Queue, "move_tasks", ())
    patches.set(Queue, "physical_resource_id", property(physical_resource_id))
    patches.set(Queue, "add_message", add_message)
    patches.set(Queue, "delete_message", delete_message)
    patches.set(SQSResponse, "start_message_move_task", _start_message_move_task)
    patches.set(SQSResponse, "list_message_move_tasks", _list_message_move_tasks)


def _start_message_move_task(self: Any) -> ActionResult:
    """Move all messages before answering, whatever the rate, so that there is none to cancel."""
    queues, source = _queues(self), _queue(self, "SourceArn")
    if all(queue.dead_letter_queue is not source for queue in queues.values()):
        raise _refused("Source queue must be configured as a Dead Letter Queue.")
    destination = self._get_param("DestinationArn")
    if destination and _queue(self, "DestinationArn") is source:
        raise _refused("Source queue arn and destination queue arn cannot be the same.")
    task = _moved(source, destination, queues)
    rate = self._get_param("MaxNumberOfMessagesPerSecond")
    given = {"DestinationArn": destination, "MaxNumberOfMessagesPerSecond": rate}
    task |= {name: value for name, value in given.items() if value}
    source.move_tasks = (task, *source.move_tasks)
    return ActionResult({"TaskHandle": str(uuid.uuid4())})


def _list_message_move_tasks(self: Any) -> ActionResult:
    most = min(int(self._get_param("MaxResults") or 1), _MOST_TASKS)
    return ActionResult({"Results": list(_queue(self, "SourceArn").move_tasks[:most])})


def _queues(response: Any) -> dict[str, Any]:
    return {queue.queue_arn: queue for queue in list(response.sqs_backend.queues.values())}


def _queue(response: Any, parameter: str) -> Any:
    found = _queues(response).get(response._get_param(parameter))
    if found is None:
        raise SQSException(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        )
    return found


def _refused(message: str) -> SQSException:
    return SQSException("InvalidParameterValue", message)


def _moved(source: Any, destination: str | None, queues: Mapping[str, Any]) -> dict[str, Any]:
    """Move the visible messages; return the task as ListMessageMoveTasks describes it."""
    task: dict[str, Any] = {"Status": "COMPLETED", "SourceArn": source.queue_arn}
    task["StartedTimestamp"] = int(time.time() * 1000)
    visible, moved = source.messages, 0
    for message in visible:
        target = queues.get(destination or message.first_queue)
        if target in (None, source):
            task |= {"Status": "FAILED", "FailureReason": "CouldNotDetermineMessageSource"}
            break
        moved += _move(message, source, target)
    task["ApproximateNumberOfMessagesMoved"] = moved
    task["ApproximateNumberOfMessagesToMove"] = len(visible)
    return task


def _move(message: Any, source: Any, target: Any) -> bool:
    """Send a message anew, with an id and a time of its own, unless it was deleted just now."""
    with source._messages_lock:
        if message not in source._messages:
            return False
        source._messages = [other for other in source._messages if other is not message]
    again = Message(str(uuid.uuid4()), message.body, message.system_attributes)
    again.message_attributes = message.message_attributes
    again.mark_sent()
    target.add_message(again)
    return True
