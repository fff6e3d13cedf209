"""Why an object starts no run, and what the landings table records about landings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from landrun.adapters.clients import translated
from landrun.adapters.landings_table import landing_id
from landrun.errors import InvalidKey
from landrun.models.landing import Landing, LandingFilter, check_key
from landrun.services.collect_landings import at_once
from landrun_ops.stack.stack import Stack

TOLERANCE = timedelta(seconds=5)
"""How much earlier than its object an event may seem to be: clocks differ, S3 rounds to seconds."""


IGNORED = {
    "own-output": (
        "landrun itself writes there: what it wrote never starts a run",
        "if it is not landrun's, let OutputPrefix and ManifestPrefix name other folders",
    ),
    "prefix": (
        "its key does not begin with LandingPrefix, so that EventBridge does not deliver its event",
        "put it under {landing}, or change LandingPrefix",
    ),
    "folder-marker": ("its key ends with a slash: it marks a folder, and has no data", ""),
    "suffix": ("its key does not end with LandingSuffix", "rename it, or change LandingSuffix"),
    "zero-bytes": ("it is empty: there is nothing to process", "put it again, with data in it"),
    "unreadable-key": (
        "its key has an empty, '.' or '..' component, one of over 255 bytes, or a NUL: no file can",
        "put it again under another key; landrun redrive --discard clears its message",
    ),
}
"""Explanation and remedy for each reason of `why_ignored`."""


def why_ignored(wanted: LandingFilter, bucket: str, key: str, size: int | None) -> str | None:
    """Return why an object starts no run, as a label; None if it would start one."""
    if label := wanted.why_ignored(bucket, key, size):
        return label
    try:
        check_key(key)
    except InvalidKey:
        return "unreadable-key"
    return None


@dataclass(frozen=True, slots=True)
class LandingRecord:
    """The newest landing of one object; unknown fields are empty.

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


def landings_of(stack: Stack, bucket: str, keys: Sequence[str]) -> dict[str, LandingRecord]:
    """Look objects up in the landings table, consistently; those that never landed are left out.

    Raises ServiceError when DynamoDB refuses a call.
    """
    client, table = stack.client("dynamodb"), stack.output("LandingsTable")

    def look(key: str) -> LandingRecord | None:
        any_landing = Landing(bucket, key, None, "1", None, "")  # all have the same item
        item_id = {"id": {"S": landing_id(any_landing)}}
        with translated("dynamodb:GetItem"):
            answer = client.get_item(TableName=table, Key=item_id, ConsistentRead=True)
        item = {name: value.get("S", "") for name, value in answer.get("Item", {}).items()}
        if not item:
            return None
        names = ("version_id", "event_time", "recorded_at", "claimed_by", "done_run")
        return LandingRecord(
            **{name: item[name] for name in names if name in item},
            waits="waiting" in item,
            newest_done=item.get("done_sequencer", "") == item.get("sequencer", ""),
        )

    found = zip(keys, at_once(look, keys), strict=True)
    return {key: record for key, record in found if record}
