"""How many messages a queue holds."""

from __future__ import annotations

from typing import Any

from landrun.adapters.clients import translated

_NAMES = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def depth(client: Any, queue_url: str) -> int:
    """Return about how many messages a queue holds, those in flight included.

    Raises ServiceError when SQS refuses the call or cannot be reached.
    """
    with translated("sqs:GetQueueAttributes"):
        answer = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(_NAMES))
    return sum(int(answer["Attributes"].get(name, 0)) for name in _NAMES)
