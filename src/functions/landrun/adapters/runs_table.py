"""The runs table in DynamoDB: one record a run.

Step Functions is the truth, the table its projection. A record is written whole, and only when it
is newer than the stored one: late, doubled and out-of-order events never take a run back.

The sparse index ``by-unfinished`` finds the runs of which something is still to come: the end of
their execution, or the notification of their failure.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from landrun.adapters.clients import except_for, translated
from landrun.adapters.dynamodb_items import from_item, to_item
from landrun.errors import ServiceError
from landrun.models.run_record import NOTIFICATION_PENDING, RunRecord

INDEX = "by-unfinished"

_IS_NEWER = (
    "attribute_not_exists(#name) OR ((redrive_count < :redrive_count"
    " OR (redrive_count = :redrive_count AND status_rank < :status_rank))"
    " AND (attribute_not_exists(unfinished) OR unfinished <> :pending))"
)
_IS_PENDING = "unfinished = :pending AND redrive_count = :redrive_count"
_REFUSED = "ConditionalCheckFailedException"
_BATCH = 100
"""Keys of one BatchGetItem (DynamoDB API)."""


class RunsTable:
    """One table of runs, keyed by the run's name, through boto3's client of DynamoDB."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, record: RunRecord) -> RunRecord | None:
        """Write a record unless the stored one is as new, or its notification is pending.

        None if the record was written, otherwise the stored one.
        """
        try:
            with translated("dynamodb:PutItem"):
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(record),
                    ConditionExpression=_IS_NEWER,
                    ExpressionAttributeNames={"#name": "name"},
                    ExpressionAttributeValues={
                        ":redrive_count": {"N": str(record.redrive_count)},
                        ":status_rank": {"N": str(record.status_rank)},
                        ":pending": {"S": NOTIFICATION_PENDING},
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ServiceError as error:
            if error.code == _REFUSED:
                return from_item(error.answer["Item"])
            raise
        return None

    def find_unfinished(self, what: str) -> Iterator[RunRecord]:
        """Find the runs that are `EXECUTION_RUNNING` or `NOTIFICATION_PENDING`, the oldest first.

        The index is eventually consistent: a run may be further than it shows.
        """
        pages = self._client.get_paginator("query")
        with translated("dynamodb:Query"):
            for page in pages.paginate(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression="unfinished = :what",
                ExpressionAttributeValues={":what": {"S": what}},
            ):
                yield from map(from_item, page["Items"])

    def find_progress(self, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Look up how far runs are, as `RunRecord.progress` has it, by name; consistently."""
        found: dict[str, tuple[int, int]] = {}
        keys = [{"name": {"S": name}} for name in names]
        while keys:
            request = {
                "Keys": keys[:_BATCH],
                "ConsistentRead": True,
                "ProjectionExpression": "#name, redrive_count, status_rank",
                "ExpressionAttributeNames": {"#name": "name"},
            }
            with translated("dynamodb:BatchGetItem"):
                answer = self._client.batch_get_item(RequestItems={self._table: request})
                for item in answer["Responses"].get(self._table, ()):
                    progress = int(item["redrive_count"]["N"]), int(item["status_rank"]["N"])
                    found[item["name"]["S"]] = progress
                left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
                keys = [*left, *keys[_BATCH:]]
        return found

    def claim_notification(self, record: RunRecord, due_at: str) -> bool:
        """Claim the pending notification of a failure until ``due_at``.

        False if another process has claimed it since the record was read, or has sent it.
        """
        return self._update(
            record,
            UpdateExpression="SET notification_due_at = :due_at",
            ConditionExpression=f"{_IS_PENDING} AND notification_due_at = :seen",
            values={":due_at": {"S": due_at}, ":seen": {"S": record.notification_due_at}},
        )

    def mark_notified(self, record: RunRecord) -> bool:
        """Remove the note that a notification is pending; False if there is none."""
        return self._update(
            record,
            UpdateExpression="REMOVE unfinished, notification_due_at",
            ConditionExpression=_IS_PENDING,
            values={},
        )

    def _update(self, record: RunRecord, values: dict[str, Any], **expressions: str) -> bool:
        condition = {
            ":pending": {"S": NOTIFICATION_PENDING},
            ":redrive_count": {"N": str(record.redrive_count)},
        }
        with except_for(_REFUSED), translated("dynamodb:UpdateItem"):
            self._client.update_item(
                TableName=self._table,
                Key={"name": {"S": record.name}},
                ExpressionAttributeValues=condition | values,
                **expressions,
            )
            return True
        return False
