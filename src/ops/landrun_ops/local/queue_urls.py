"""Queue URLs that lead here: moto's CloudFormation gives AWS's own.

boto3 sends requests to its endpoint whatever the URL says; other SDKs follow the URL.
"""

from __future__ import annotations

from typing import Any

from landrun_ops.local.patches import Patches


def adapt(patches: Patches, endpoint_url: str) -> None:
    """Let Ref of a queue be its URL at ``endpoint_url``, as SQS itself tells it."""
    from moto.sqs.models import Queue  # noqa: PLC0415  (late: for start-up)

    def url(queue: Any) -> str:
        return f"{endpoint_url}/{queue.account_id}/{queue.name}"

    patches.set(Queue, "physical_resource_id", property(url))
