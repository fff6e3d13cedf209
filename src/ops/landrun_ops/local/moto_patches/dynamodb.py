"""Patch of moto's DynamoDB: writes come one after the other.

moto checks a condition and then writes, so that two requests at the same moment may both succeed.
"""

import threading
from typing import Any

from moto.dynamodb.responses import DynamoHandler

from landrun_ops.local.patches import Patches

_one_at_a_time = threading.RLock()


def patch(patches: Patches) -> None:
    """Patch the calls that write."""
    for name in ("put_item", "update_item", "delete_item", "transact_write_items"):
        patches.wrap(DynamoHandler, name, _write)


def _write(operation: Any, self: Any) -> Any:
    with _one_at_a_time:
        return operation(self)
