"""DynamoDB, for how far reconcile has read long lists: the next reconcile continues from there.

Checkpoints are items of the landings table, with ids of their own.
"""

import json
from typing import Any

from landrun.adapters.clients import translated


class Checkpoints:
    """Named checkpoints in the landings table, through boto3's client of DynamoDB.

    Both methods raise `ServiceError` when DynamoDB refuses a call or cannot be reached.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, name: str) -> dict[str, Any]:
        """Return a checkpoint; empty before the first `save`."""
        with translated("dynamodb:GetItem"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(name), ConsistentRead=True
            )
            text = answer.get("Item", {}).get("checkpoint", {}).get("S", "{}")
            found: dict[str, Any] = json.loads(text)
        return found

    def save(self, name: str, checkpoint: dict[str, Any]) -> None:
        """Overwrite a checkpoint."""
        with translated("dynamodb:UpdateItem"):
            self._client.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="SET checkpoint = :checkpoint",
                ExpressionAttributeValues={":checkpoint": {"S": json.dumps(checkpoint)}},
            )


def _key(name: str) -> dict[str, Any]:
    return {"id": {"S": f"checkpoint:{name}"}}
