"""The door to DynamoDB: the record of runs.

Step Functions is the truth, the ledger its projection. A row is written whole, and only when it
is further than what stands: late, doubled and out-of-order events never take a record back.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeSerializer

from landrun.clients import translated
from landrun.errors import ServiceError

_FURTHER = (
    "attribute_not_exists(#name) OR redrive_count < :redrive_count"
    " OR (redrive_count = :redrive_count AND status_rank < :status_rank)"
)


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

    def record(self, row: dict[str, Any]) -> bool:
        """Write a row unless one that is as far, or further, stands.

        Parameters
        ----------
        row : dict
            Attributes by name, with ``name``, ``redrive_count`` and ``status_rank``.

        Returns
        -------
        bool
            Whether the row was written.

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
                    },
                )
        except ServiceError as error:
            if error.code == "ConditionalCheckFailedException":
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


def _number(text: str) -> Decimal | str:
    """Read a number; one that DynamoDB cannot hold exactly (38 digits, 1E+126) stays text."""
    try:
        return DYNAMODB_CONTEXT.create_decimal(text)
    except ArithmeticError:
        return text


def _spelled(row: dict[str, Any]) -> bytes:
    """Spell a row as JSON; half of a surrogate pair, which no database takes, becomes ``?``."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
