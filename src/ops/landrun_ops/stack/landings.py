"""The door to the table of landings for people: what is known of objects, read only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.landings_table import landing_id
from landrun.models.landing import Landing

BATCH = 100
"""Keys of one BatchGetItem (DynamoDB API)."""

_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Known:
    """What the table knows of an object: its newest landing, and what became of that.

    Attributes
    ----------
    version_id : str
        The newest landing's version; empty where the bucket keeps none.
    event_time : str
        When it landed, ISO 8601 in UTC.
    recorded_at : str
        When the table got to know it.
    waits : bool
        Whether it is in no manifest yet.
    claimed_by : str
        The run that is about to take it, or an empty text.
    done_run, done_at : str
        The run whose manifest has a landing of the key, and since when; empty before the first.
    """

    version_id: str = ""
    event_time: str = ""
    recorded_at: str = ""
    waits: bool = False
    claimed_by: str = ""
    done_run: str = ""
    done_at: str = ""
    newest_done: bool = False

    @property
    def landed_at(self) -> datetime | None:
        """When the newest landing came; None when that is not known."""
        try:
            time = datetime.fromisoformat(self.event_time)
        except ValueError:
            return None
        return time if time.tzinfo else time.replace(tzinfo=UTC)


class Landings:
    """Reads the table of landings.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    sleep : callable
        Waits so many seconds.
    """

    def __init__(
        self, client: Any, table: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def of_keys(self, bucket: str, keys: Sequence[str]) -> dict[str, Known]:
        """Look up objects, consistently; an object that never landed is not in the answer.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached.
        """
        found: dict[str, Known] = {}
        unique = list(dict.fromkeys(keys))
        for start in range(0, len(unique), BATCH):
            ids = {item_id(bucket, key): key for key in unique[start : start + BATCH]}
            for item in self._batch([{"id": {"S": one}} for one in ids]):
                found[ids[item["id"]]] = _known(item)
        return found

    def created_at(self) -> datetime:
        """Say since when there is the table: it can have forgotten nothing of before.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call or cannot be reached.
        """
        with translated("dynamodb:DescribeTable"):
            answer = self._client.describe_table(TableName=self._table)
        created: datetime = answer["Table"]["CreationDateTime"]
        return created

    def _batch(self, keys: list[dict[str, Any]]) -> list[dict[str, str]]:
        items: list[dict[str, str]] = []
        while keys:
            asked = {"Keys": keys, "ConsistentRead": True}
            with translated("dynamodb:BatchGetItem"):
                answer = self._client.batch_get_item(RequestItems={self._table: asked})
            items += map(_texts, answer["Responses"].get(self._table, ()))
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if keys:
                self._sleep(_PAUSE)
        return items


def item_id(bucket: str, key: str) -> str:
    """Name the item of an object: any sequencer that has an order will do."""
    return landing_id(Landing(bucket, key, None, "1", None, ""))


def _texts(item: Mapping[str, Any]) -> dict[str, str]:
    return {name: value["S"] for name, value in item.items() if "S" in value}


def _known(item: Mapping[str, str]) -> Known:
    names = ("version_id", "event_time", "recorded_at", "claimed_by", "done_run", "done_at")
    return Known(
        **{name: item[name] for name in names if name in item},
        waits="waiting" in item,
        newest_done=item.get("done_sequencer", "") == item.get("sequencer", ""),
    )
