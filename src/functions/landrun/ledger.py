"""The door to DynamoDB: the record of runs.

Step Functions is the truth, the ledger its projection. A row is written whole, and only when it
is further than what stands: late, doubled and out-of-order events never take a record back.

The attribute ``unfinished`` says what is still to come of a row, and the sparse index
``by-unfinished`` finds those rows: ``execution`` until a terminal status, ``notification`` from a
failure's record until it has been told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer, TypeSerializer

from landrun.clients import translated
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

ROW_LIMIT = 350_000
"""Bytes of a row; DynamoDB takes 409,600, names and its own overhead included."""

_FIRST_TO_GO = ("output", "summary", "trigger", "cause")


class Ledger:
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
                    Item=_item(fitting(row)),
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
                return _row(error.answer["Item"])
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
                yield from map(_row, page["Items"])

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
            yield from map(_row, answer["Responses"].get(self._table, ()))
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


def fitting(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out what makes a row too long for DynamoDB; ``left_out`` names it.

    All of it comes from outside: an execution of somebody's own may have any input and output.
    """
    left_out: list[str] = []
    for name in _FIRST_TO_GO:
        if len(_spelled(row)) <= ROW_LIMIT:
            break
        if name in row:
            row = {other: value for other, value in row.items() if other != name}
            left_out.append(name)
    return row | {"left_out": left_out} if left_out else row


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """Spell a row as DynamoDB wants it: numbers are decimals there, never floats."""
    exact = json.loads(
        _spelled(row), parse_float=_number, parse_int=_number, parse_constant=lambda text: text
    )
    return {name: TypeSerializer().serialize(value) for name, value in exact.items()}


def _row(item: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _number(text: str) -> Decimal | str:
    """Read a number; one that DynamoDB cannot hold exactly (38 digits, 1E+126) stays text."""
    try:
        return DYNAMODB_CONTEXT.create_decimal(text)
    except ArithmeticError:
        return text


def _spelled(row: dict[str, Any]) -> bytes:
    """Spell a row as JSON; half of a surrogate pair, which no database takes, becomes ``?``."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
