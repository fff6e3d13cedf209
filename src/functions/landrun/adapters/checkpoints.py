"""The door to DynamoDB for where sweeps stand: what one reconcile leaves, the next goes on with."""

from __future__ import annotations

import json
from typing import Any

from landrun.adapters.clients import translated


class Checkpoints:
    """Places to go on from, kept as items of the table of landings.

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

    def read(self, name: str) -> dict[str, Any]:
        """Say where a sweep stands; nothing before its first.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call or cannot be reached.
        """
        with translated("dynamodb:GetItem"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(name), ConsistentRead=True
            )
        place: dict[str, Any] = json.loads(answer.get("Item", {}).get("place", {}).get("S", "{}"))
        return place

    def move(self, name: str, place: dict[str, Any]) -> None:
        """Note where a sweep stands; of two at once, the later note counts.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call or cannot be reached.
        """
        with translated("dynamodb:UpdateItem"):
            self._client.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="SET #place = :place",
                ExpressionAttributeNames={"#place": "place"},
                ExpressionAttributeValues={":place": {"S": json.dumps(place)}},
            )


def _key(name: str) -> dict[str, Any]:
    return {"id": {"S": f"cursor:{name}"}}
