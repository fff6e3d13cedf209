"""The landings table, as people read it: the newest landing of an object, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
    """The newest landing of one object; times are ISO 8601 in UTC, what is not known is empty.

    Attributes
    ----------
    waits : bool
        True while no manifest holds it.
    claimed_by : str
        The run that is about to read it.
    done_run : str
        The last run that read a landing of the key.
    newest_done : bool
        True if that run read this landing.
    """

    version_id: str = ""
    event_time: str = ""
    recorded_at: str = ""
    waits: bool = False
    claimed_by: str = ""
    done_run: str = ""
    newest_done: bool = False

    def is_since(self, moment: datetime) -> bool:
        """Return True if it landed then or later."""
        landed_at = event_time(self.event_time)
        return landed_at is not None and landed_at >= moment - TOLERANCE

    def is_of(self, version_id: str | None, modified: datetime) -> bool:
        """Return True if it is this version's landing; without version ids, the time decides."""
        if version_id or self.version_id:
            return self.version_id == version_id
        return self.is_since(modified)


def event_time(text: object) -> datetime | None:
    """Read an event's time; None for any other text."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class LandingsTable:
    """Reads the landings table by boto3's client; raises ServiceError if DynamoDB refuses a call."""

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
            wanted = [{"id": {"S": one}} for one in ids]
            while wanted:
                with translated("dynamodb:BatchGetItem"):
                    answer = self._client.batch_get_item(
                        RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}}
                    )
                for item in answer["Responses"].get(self._table, ()):
                    found[ids[item["id"]["S"]]] = _record(item)
                left = answer.get("UnprocessedKeys", {}).get(self._table, {})
                wanted = left.get("Keys", [])
                self._sleep(_PAUSE if wanted else 0)
        return found

    def created_at(self) -> datetime:
        """Return when the table was created: it knows of nothing that landed before."""
        with translated("dynamodb:DescribeTable"):
            answer = self._client.describe_table(TableName=self._table)
        created: datetime = answer["Table"]["CreationDateTime"]
        return created


def item_id(bucket: str, key: str) -> str:
    """Return the id of an object's item; any sequencer gives the same."""
    return landing_id(Landing(bucket, key, None, "1", None, ""))


def _record(item: dict[str, dict[str, str]]) -> LandingRecord:
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    names = ("version_id", "event_time", "recorded_at", "claimed_by", "done_run")
    return LandingRecord(
        **{name: text[name] for name in names if name in text},
        waits="waiting" in text,
        newest_done=text.get("done_sequencer", "") == text.get("sequencer", ""),
    )
