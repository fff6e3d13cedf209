"""How many messages a queue holds."""

from collections.abc import Sequence
from typing import Any

from landrun.adapters.clients import translated

IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
"""The attribute of the messages that somebody has received and not yet deleted or released."""


def depth(
    client: Any, url: str, names: Sequence[str] = ("ApproximateNumberOfMessages", IN_FLIGHT)
) -> int:
    """Return about how many messages a queue holds, those in flight included.

    Raises ServiceError when SQS refuses the call or cannot be reached.
    """
    with translated("sqs:GetQueueAttributes"):
        answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=[*names])
    return sum(int(answer["Attributes"].get(name, 0)) for name in names)
