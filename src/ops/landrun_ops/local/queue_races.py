"""Deleting a message loses none that comes at the same moment.

moto's queue deletes by putting a new list in the place of the old; a message that another thread
adds to the old one meanwhile is gone.
"""

from __future__ import annotations

from typing import Any

from landrun_ops.local.patches import Patches


def adapt(patches: Patches) -> None:
    """Let deletions hold the lock that additions hold already."""
    from moto.sqs.models import Queue  # noqa: PLC0415  (late: for start-up)

    delete = Queue.delete_message

    def delete_message(queue: Any, receipt_handle: str) -> None:
        with queue._messages_lock:
            delete(queue, receipt_handle)

    patches.set(Queue, "delete_message", delete_message)
