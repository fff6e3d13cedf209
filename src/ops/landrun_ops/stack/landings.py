"""The landings table, as people read it: the newest landing of an object, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.landings_table import landing_id
from landrun.models.landing import Landing
from landrun.services.collect_landings import at_once

TOLERANCE = timedelta(seconds=5)
"""How much earlier than its object an event may seem to be: clocks differ, S3 rounds to seconds."""


@dataclass(frozen=True, slots=True)
class LandingRecord:
    """The newest landing of one object; what is not known is empty.

    It ``waits`` while no manifest holds it. ``claimed_by`` is about to read it, ``done_run`` was
    the last that read a landing of the key, this one if it is ``newest_done``.
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

    def is_of(self, version_id: str | None, modified: datetime | None) -> bool:
        """Return True if it is this version's landing; without version ids, the time decides."""
        if version_id or self.version_id:
            return self.version_id == version_id
        return modified is None or self.is_since(modified)


def event_time(text: object) -> datetime | None:
    """Read an event's time; None for any other text."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class LandingsTable:
    """Reads the landings table; raises ServiceError when DynamoDB refuses a call."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def of_keys(self, bucket: str, keys: Sequence[str]) -> dict[str, LandingRecord]:
        """Look up objects, consistently; without those that never landed."""
        found = zip(keys, at_once(lambda key: self._get(bucket, key), keys), strict=True)
        return {key: record for key, record in found if record}

    def _get(self, bucket: str, key: str) -> LandingRecord | None:
        any_landing = Landing(bucket, key, None, "1", None, "")  # all have the same item
        item_id = {"id": {"S": landing_id(any_landing)}}
        with translated("dynamodb:GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=item_id, ConsistentRead=True)
        item = {name: value.get("S", "") for name, value in answer.get("Item", {}).items()}
        if not item:
            return None
        names = ("version_id", "event_time", "recorded_at", "claimed_by", "done_run")
        return LandingRecord(
            **{name: item[name] for name in names if name in item},
            waits="waiting" in item,
            newest_done=item.get("done_sequencer", "") == item.get("sequencer", ""),
        )
