"""The door to a DynamoDB table whose items several write at once: they collide, and try again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import random
from typing import Any, Literal

from landrun.adapters.clients import translated
from landrun.errors import ServiceError

REFUSED = "ConditionalCheckFailed"
"""Why a write of a transaction was not done, in its reasons: its condition does not hold."""

_TRIES = 20
"""Of a write that others get in the way of, with a pause before each but the first."""

_PAUSE = 0.05
"""Seconds between two tries, at most: a transaction takes some milliseconds."""

_UNMET = "ConditionalCheckFailedException"


class Table:
    """One table.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    sleep : callable
        Waits so many seconds.

    Every method raises `ServiceError` when DynamoDB refuses a call for another reason than its
    condition, or cannot be reached; each may be repeated.
    """

    def __init__(
        self, client: Any, table: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def settled(self, *writes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Write together, and again while others are at the same items."""
        for _ in self._tries():
            reasons = self.together(*writes)
            if not reasons or any(reason == REFUSED for reason, _ in reasons):
                return reasons
        raise ServiceError("dynamodb:TransactWriteItems", "TransactionConflict", "too many at once")

    def together(self, *writes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Write all or nothing; nothing: give (code, item that stands) for each write."""
        table = {"TableName": self._table}
        named = [{kind: table | write for kind, write in one.items()} for one in writes]
        try:
            with translated("dynamodb:TransactWriteItems"):
                self._client.transact_write_items(TransactItems=named)
        except ServiceError as error:
            if error.code != "TransactionCanceledException":
                raise
            reasons = error.answer["CancellationReasons"]
            codes = {reason["Code"] for reason in reasons}
            if not codes <= {"None", REFUSED, "TransactionConflict"}:
                raise
            return [(reason["Code"], reason.get("Item") or {}) for reason in reasons]
        return []

    def updated(
        self, key: dict[str, Any], update: str, condition: str, values: dict[str, Any]
    ) -> None:
        """Update an item if the condition holds; if not, there is nothing to do."""
        only = {"ConditionExpression": condition} if condition else {}
        self.alone(
            "UpdateItem",
            Key=key,
            UpdateExpression=update,
            ExpressionAttributeValues=values,
            **only,
        )

    def alone(
        self, operation: Literal["UpdateItem", "DeleteItem"], **what: Any
    ) -> dict[str, Any] | None:
        """Write one item, and again while a transaction is at it, which botocore does not.

        Returns
        -------
        dict or None
            DynamoDB's answer when the condition does not hold.
        """
        client = self._client
        write = client.update_item if operation == "UpdateItem" else client.delete_item
        for left in self._tries():
            try:
                with translated(f"dynamodb:{operation}"):
                    write(TableName=self._table, **what)
            except ServiceError as error:
                if error.code == _UNMET:
                    return error.answer
                if error.code != "TransactionConflictException" or not left:
                    raise
            else:
                break
        return None

    def _tries(self) -> Iterator[int]:
        """Count down how many tries are left after each; pause between them."""
        for left in reversed(range(_TRIES)):
            yield left
            if left:
                self._sleep(_PAUSE * random())  # noqa: S311  (no secret)

    def item(self, key: dict[str, Any]) -> dict[str, Any]:
        """Get one item, consistently; empty when there is none."""
        with translated("dynamodb:GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item: dict[str, Any] = answer.get("Item", {})
        return item

    def line(self, line: str, **how: Any) -> Iterator[dict[str, Any]]:
        """Give the items of one hash key, page by page, in their order."""
        asked = {
            "TableName": self._table,
            "KeyConditionExpression": "line = :line",
            "ExpressionAttributeValues": {":line": {"S": line}},
            **how,
        }
        while asked:
            with translated("dynamodb:Query"):
                page = self._client.query(**asked)
            yield from page["Items"]
            last = page.get("LastEvaluatedKey")
            asked = asked | {"ExclusiveStartKey": last} if last else {}
