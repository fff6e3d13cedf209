"""Patches of moto's SQS: queue URLs, races between threads, and the way out of a dead-letter queue.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import time
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Message, Queue
from moto.sqs.responses import SQSResponse

from landrun_ops.local.patches import Patches


def patch(patches: Patches, endpoint_url: str) -> None:
    """Patch queues, and add StartMessageMoveTask and ListMessageMoveTasks, which moto lacks."""

    def physical_resource_id(self: Any) -> str:
        # CloudFormation's Ref leads to AWS itself, and SDKs other than boto3 follow it.
        return f"{endpoint_url}/{self.account_id}/{self.name}"

    patches.set(Queue, "move_task", None)
    patches.set(Queue, "physical_resource_id", property(physical_resource_id))
    patches.wrap(Queue, "delete_message", _delete_message)
    patches.set(SQSResponse, "start_message_move_task", _start_message_move_task)
    patches.set(SQSResponse, "list_message_move_tasks", _list_message_move_tasks)


def _delete_message(delete: Any, self: Any, receipt_handle: str) -> None:
    """Hold the lock; without it, a message that another thread adds meanwhile gets lost."""
    with self._messages_lock:
        delete(self, receipt_handle)


def _start_message_move_task(self: Any) -> ActionResult:
    """Move the visible messages before answering, so that there is no task to cancel."""
    source, target = _queue(self, "SourceArn"), _queue(self, "DestinationArn")
    messages = source.messages
    source.move_task = {
        "Status": "COMPLETED",
        "SourceArn": source.queue_arn,
        "DestinationArn": target.queue_arn,
        "StartedTimestamp": int(time.time() * 1000),
        "ApproximateNumberOfMessagesMoved": sum(_move(one, source, target) for one in messages),
        "ApproximateNumberOfMessagesToMove": len(messages),
    }
    return ActionResult({"TaskHandle": str(uuid.uuid4())})


def _list_message_move_tasks(self: Any) -> ActionResult:
    """Return the last task, which is all that AWS returns unless it is asked for more."""
    last = _queue(self, "SourceArn").move_task
    return ActionResult({"Results": [last] if last else []})


def _queue(response: Any, parameter: str) -> Any:
    queues = {queue.queue_arn: queue for queue in list(response.sqs_backend.queues.values())}
    arn = response._get_param(parameter)
    if arn not in queues:
        raise SQSException(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        )
    return queues[arn]


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
