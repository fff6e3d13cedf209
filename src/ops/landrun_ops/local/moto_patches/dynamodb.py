"""Patch of moto's DynamoDB: writes whose condition is checked and that are written as one step.

moto checks the condition and then writes, so that two requests at the same moment may both succeed.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from moto.dynamodb.responses import DynamoHandler

from landrun_ops.local.patches import Patches

_WRITES: Final = (
    *("put_item", "update_item", "delete_item"),
    *("batch_write_item", "transact_write_items"),
)


_one_at_a_time = threading.RLock()


def patch(patches: Patches) -> None:
    """Let writes come one after the other."""
    for name in _WRITES:
        patches.wrap(DynamoHandler, name, _write)


def _write(operation: Any, self: Any) -> Any:
    with _one_at_a_time:
        return operation(self)
