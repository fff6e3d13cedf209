"""Conditional writes of DynamoDB and S3 that are one step.

moto looks whether the condition holds and then writes; two requests at the same moment may both
find that it holds, and both write.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any, Final

from landrun_ops.local.patches import Patches

_WRITES: Final = (
    "put_item",
    "update_item",
    "delete_item",
    "batch_write_item",
    "transact_write_items",
)


def adapt(patches: Patches) -> None:
    """Let writes to DynamoDB, and writes to S3 that have a condition, come one after the other."""
    from moto.dynamodb.responses import DynamoHandler  # noqa: PLC0415  (late: for start-up)
    from moto.s3.responses import S3Response  # noqa: PLC0415

    items, objects = threading.RLock(), threading.RLock()
    for name in _WRITES:
        patches.set(DynamoHandler, name, _one_at_a_time(getattr(DynamoHandler, name), items))
    put = S3Response.put_object
    patient = _one_at_a_time(put, objects)

    def put_object(self: Any) -> Any:
        conditional = self.headers.get("If-None-Match") or self.headers.get("If-Match")
        return patient(self) if conditional else put(self)

    patches.set(S3Response, "put_object", put_object)


def _one_at_a_time(operation: Any, lock: AbstractContextManager[Any]) -> Any:
    def wait_and_do(self: Any) -> Any:
        with lock:
            return operation(self)

    return wait_and_do
