"""The door to DynamoDB: the record of runs.

Step Functions is the truth, the ledger its projection. A row is written whole, and only when it
is further than what stands: late, doubled and out-of-order events never take a record back.

The attribute ``unfinished`` says what is still to come of a row, and the sparse index
``by-unfinished`` finds those rows: ``execution`` until a terminal status, ``notification`` from a
failure's record until it has been told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.dynamodb_items import item
from landrun.adapters.dynamodb_items import row as row_of
from landrun.errors import ServiceError

INDEX = "by-unfinished"
RUNNING = "execution"
UNTOLD = "notification"

_FURTHER = (
    "attribute_not_exists(#name) OR ((redrive_count < :redrive_count"
    " OR (redrive_count = :redrive_count AND status_rank < :status_rank))"
    " AND (attribute_not_exists(unfinished) OR unfinished <> :untold))"
)
_REFUSED = "ConditionalCheckFailedException"
_BATCH = 100
"""Keys of one BatchGetItem (DynamoDB API)."""


class RunsTable:
    """One table of runs, keyed by the run's name.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def record(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Write a row unless one that is as far, or further, stands.

        A row whose failure has not been told yet is not overwritten either.

        Parameters
        ----------
        row : dict
            Attributes by name, with ``name``, ``redrive_count`` and ``status_rank``.

        Returns
        -------
        dict or None
            None when the row was written, else the row that stands.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call for another reason, or cannot be reached.
        """
        try:
            with translated("dynamodb:PutItem"):
                self._client.put_item(
                    TableName=self._table,
                    Item=item(row),
                    ConditionExpression=_FURTHER,
                    ExpressionAttributeNames={"#name": "name"},
                    ExpressionAttributeValues={
                        ":redrive_count": {"N": str(row["redrive_count"])},
                        ":status_rank": {"N": str(row["status_rank"])},
                        ":untold": {"S": UNTOLD},
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ServiceError as error:
            if error.code == _REFUSED:
                return row_of(error.answer["Item"])
            raise
        return None

    def unfinished(self, what: str) -> Iterator[dict[str, Any]]:
        """Find rows with something to come, `RUNNING` or `UNTOLD`, the oldest runs first.

        The index is eventually consistent: a row may be further than it shows.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call or cannot be reached.
        """
        pages = self._client.get_paginator("query")
        with translated("dynamodb:Query"):
            for page in pages.paginate(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression="unfinished = :what",
                ExpressionAttributeValues={":what": {"S": what}},
            ):
                yield from map(row_of, page["Items"])

    def known(self, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Look up how far runs are: (redrive count, rank of status) by name; consistent.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call or cannot be reached.
        """
        left, found = iter(names), {}
        while batch := list(islice(left, _BATCH)):
            for row in self._batch([{"name": {"S": name}} for name in batch]):
                found[row["name"]] = (int(row["redrive_count"]), int(row["status_rank"]))
        return found

    def _batch(self, keys: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Fetch rows by key; DynamoDB may leave some for another call."""
        while keys:
            asked = {
                "Keys": keys,
                "ConsistentRead": True,
                "ProjectionExpression": "#name, redrive_count, status_rank",
                "ExpressionAttributeNames": {"#name": "name"},
            }
            with translated("dynamodb:BatchGetItem"):
                answer = self._client.batch_get_item(RequestItems={self._table: asked})
            yield from map(row_of, answer["Responses"].get(self._table, ()))
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])

    def take_notification(self, row: dict[str, Any], due_at: str) -> bool:
        """Take over the telling of a failure until ``due_at``; False when somebody else did.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call for another reason, or cannot be reached.
        """
        return self._mark(
            row,
            "SET notification_due_at = :due_at",
            " AND notification_due_at = :seen",
            {":due_at": {"S": due_at}, ":seen": {"S": row["notification_due_at"]}},
        )

    def told(self, row: dict[str, Any]) -> bool:
        """Note that a failure has been told; False when that is no longer to be noted.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call for another reason, or cannot be reached.
        """
        return self._mark(row, "REMOVE unfinished, notification_due_at", "", {})

    def _mark(self, row: dict[str, Any], update: str, condition: str, more: dict[str, Any]) -> bool:
        values = {":untold": {"S": UNTOLD}, ":redrive_count": {"N": str(row["redrive_count"])}}
        try:
            with translated("dynamodb:UpdateItem"):
                self._client.update_item(
                    TableName=self._table,
                    Key={"name": {"S": row["name"]}},
                    UpdateExpression=update,
                    ConditionExpression="unfinished = :untold AND redrive_count = :redrive_count"
                    + condition,
                    ExpressionAttributeValues=values | more,
                )
        except ServiceError as error:
            if error.code == _REFUSED:
                return False
            raise
        return True
