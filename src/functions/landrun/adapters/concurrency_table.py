"""The DynamoDB table of the executions that wait for a concurrency slot or hold one.

Each execution has one item, and one item counts the slots in use. A transaction writes both, unless
somebody else has written the execution since it was read (``version``): each slot is counted once.
"""

import time
from collections.abc import Callable, Iterator
from random import random
from typing import Any
from uuid import uuid4

from landrun.adapters.clients import translated
from landrun.adapters.dynamodb_items import deserialize, serialize
from landrun.errors import ServiceError
from landrun.models.concurrency import LimitedExecution, SlotStatus

EXECUTION, COUNT = "execution", "count"  # the values of the hash key item_type

STATUS_INDEX = "by-status-and-start"
"""A local secondary index, because a global one cannot be read consistently."""

UNLIMITED = 1_000_000_000

_SLOT_IS_FREE = "attribute_not_exists(slots_in_use) OR slots_in_use < :limit"
_LONGEST_PAUSE = 0.05
"""Seconds between two attempts of a transaction, which itself takes some milliseconds."""


class ConcurrencyTable:
    """The executions that wait for a concurrency slot or hold one, through a client of DynamoDB.

    All reads are strongly consistent. `save`, `acquire` and `release` write nothing, and return
    None or False, if somebody else has written the execution since it was read. ``sleep`` waits for
    a number of seconds.
    """

    def __init__(
        self, client: Any, table: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def find(self, name: str) -> LimitedExecution | None:
        """Read an execution; None if it neither waits for a slot nor holds one."""
        attributes = self._get(EXECUTION, name)
        return LimitedExecution.model_validate(attributes) if attributes else None

    def slots_in_use(self) -> int:
        """Read how many executions hold a slot."""
        return int(self._get(COUNT, COUNT).get("slots_in_use", 0))

    def with_status(self, status: SlotStatus, **options: Any) -> Iterator[LimitedExecution]:
        """Read the executions of a status in the order in which they started."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="item_type = :type AND begins_with(status_and_start, :status)",
            ExpressionAttributeValues=serialize({":type": EXECUTION, ":status": f"{status}#"}),
            ConsistentRead=True,
            **options,
        )
        with translated("dynamodb:Query"):
            for page in pages:
                for item in page["Items"]:
                    yield LimitedExecution.model_validate(deserialize(item))

    def first_waiting(self) -> LimitedExecution | None:
        """Read the waiting execution that started first; None if none waits."""
        return next(self.with_status(SlotStatus.WAITING, Limit=1), None)

    def acquire(self, execution: LimitedExecution, limit: int) -> LimitedExecution | None:
        """Write and count an execution that holds a slot from now on; return its new version.

        Nothing is written either if ``limit`` slots are in use.
        """
        return self.save(execution, self._count(1, limit))

    def release(self, execution: LimitedExecution) -> bool:
        """Remove an execution, and its slot from the count if it holds one."""
        key = serialize({"item_type": EXECUTION, "name": execution.name})
        delete = {"Delete": {"TableName": self._table, "Key": key, **_version_condition(execution)}}
        return self._write(delete, *([self._count(-1)] if execution.holds_slot else []))

    def save(self, execution: LimitedExecution, *others: Any) -> LimitedExecution | None:
        """Write an execution, with other writes if any; return it with its new version."""
        stored = execution.model_copy(update={"version": uuid4().hex})
        item = stored.model_dump(mode="json", exclude_none=True) | {
            "item_type": EXECUTION,
            "status_and_start": f"{stored.status}#{stored.started_at}#{stored.name}",
        }
        put = {"TableName": self._table, "Item": serialize(item), **_version_condition(execution)}
        return stored if self._write({"Put": put}, *others) else None

    def _count(self, change: int, limit: int = UNLIMITED) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": serialize({"item_type": COUNT, "name": COUNT}),
                "UpdateExpression": "ADD slots_in_use :change",
                "ConditionExpression": _SLOT_IS_FREE,
                "ExpressionAttributeValues": serialize({":change": change, ":limit": limit}),
            }
        }

    def _get(self, item_type: str, name: str) -> dict[str, Any]:
        key = serialize({"item_type": item_type, "name": name})
        with translated("dynamodb:GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            return deserialize(answer.get("Item", {}))

    def _write(self, *writes: dict[str, Any], attempts: int = 20) -> bool:
        """Write all items or none; return False if a condition does not hold.

        DynamoDB cancels a transaction that meets another one at the same item, and botocore does
        not retry it.
        """
        try:
            with translated("dynamodb:TransactWriteItems"):
                self._client.transact_write_items(TransactItems=writes)
        except ServiceError as error:
            cancelled = error.answer.get("CancellationReasons", [])
            reasons = {reason["Code"] for reason in cancelled} - {"None"}
            if "ConditionalCheckFailed" in reasons:
                return False
            if reasons != {"TransactionConflict"} or attempts == 1:
                raise
        else:
            return True
        self._sleep(_LONGEST_PAUSE * random())  # noqa: S311  (no secret)
        return self._write(*writes, attempts=attempts - 1)


def _version_condition(execution: LimitedExecution) -> dict[str, Any]:
    """Give the condition that nobody has written an execution since it was read."""
    if not execution.version:
        return {"ConditionExpression": "attribute_not_exists(version)"}
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": serialize({":version": execution.version}),
    }
