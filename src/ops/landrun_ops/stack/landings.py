"""The landings table, as people read it: the newest landing of an object, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.landings_table import landing_id
from landrun.models.landing import Landing

BATCH = 100
"""Keys of one BatchGetItem (DynamoDB API)."""

TOLERANCE = timedelta(seconds=5)
"""How much earlier than its object an event may seem to be: clocks differ, S3 rounds to seconds."""

_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class LandingRecord:
    """The newest landing of one object.

    Attributes
    ----------
    version_id : str
        S3's; empty if the bucket keeps no versions.
    event_time, recorded_at : str
        When it landed, and when the table learned of it; ISO 8601 in UTC.
    waits : bool
        True while no manifest holds it.
    claimed_by : str
        The run that is about to read it, if any.
    done_run, done_at : str
        The last run that read a landing of the key, and when that was recorded.
    newest_done : bool
        True if that run read this landing.
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
        """When it landed; None if that is not known."""
        return event_time(self.event_time)

    def is_since(self, moment: datetime) -> bool:
        """Return True if it landed then or later."""
        return self.landed_at is not None and self.landed_at >= moment - TOLERANCE


def event_time(text: object) -> datetime | None:
    """Read an event's time; None for any other text."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class LandingsTable:
    """Reads the landings table.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    sleep : callable
        Waits so many seconds.

    Raises
    ------
    ServiceError
        By every method, when DynamoDB refuses a call or cannot be reached.
    """

    def __init__(
        self, client: Any, table: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._table, self._sleep = client, table, sleep

    def of_keys(self, bucket: str, keys: Sequence[str]) -> dict[str, LandingRecord]:
        """Look up objects, consistently; without those that never landed."""
        found: dict[str, LandingRecord] = {}
        unique = list(dict.fromkeys(keys))
        for start in range(0, len(unique), BATCH):
            ids = {item_id(bucket, key): key for key in unique[start : start + BATCH]}
            for item in self._batch([{"id": {"S": one}} for one in ids]):
                found[ids[item["id"]]] = _record(item)
        return found

    def created_at(self) -> datetime:
        """Return when the table was created: it knows of nothing that landed before."""
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
            found = answer["Responses"].get(self._table, ())
            items += [
                {name: one["S"] for name, one in item.items() if "S" in one} for item in found
            ]
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if keys:
                self._sleep(_PAUSE)
        return items


def item_id(bucket: str, key: str) -> str:
    """Return the id of an object's item; any sequencer gives the same."""
    return landing_id(Landing(bucket, key, None, "1", None, ""))


def _record(item: Mapping[str, str]) -> LandingRecord:
    names = ("version_id", "event_time", "recorded_at", "claimed_by", "done_run", "done_at")
    return LandingRecord(
        **{name: item[name] for name in names if name in item},
        waits="waiting" in item,
        newest_done=item.get("done_sequencer", "") == item.get("sequencer", ""),
    )
