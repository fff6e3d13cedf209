"""DynamoDB, for landings that wait for a tick (``StartOn=schedule``).

The table has one item for each object, so that one conditional write decides everything about it.
An item keeps the newest landing of its key; an older one that comes late changes nothing.
Sequencers of one key compare as strings once they are right-padded with zeros (Amazon S3 user
guide, "Event message structure"). A version that is recorded already is the same landing whatever
its sequencer: only S3's own event knows it, and ``landrun backfill`` has to make one up.

The index ``by-waiting`` finds pending landings. It is eventually consistent, so no decision
depends on it: a claim is a conditional write, and its answer holds the claimed landing. The
protocol is in docs/decisions/0004-collecting-landings.md.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun.models.landing import Landing
from landrun.models.run import Trigger, parse_trigger

INDEX = "by-waiting"
SHARDS = "0123456789abcdef"
"""The values of the index's hash key: an item's id begins with one of them."""

KEPT = timedelta(days=400)
"""How long a processed landing is remembered. Events repeat for days, not for years."""

_SEQUENCER_WIDTH = 64
_NAMESPACE = uuid.UUID("0d6f9a37-6b0c-4f5e-9d3c-8c1c0e5b7a11")
_CONDITION_FAILED = "ConditionalCheckFailedException"

_IS_NEWER = "attribute_not_exists(#sequencer) OR #sequencer < :sequencer"
_IS_NEWER_VERSION = (
    "attribute_not_exists(#sequencer) OR (#sequencer < :sequencer"
    " AND (attribute_not_exists(#version_id) OR #version_id <> :version_id))"
)
_IS_FREE_OR_MINE = (
    "attribute_exists(#waiting)"
    " AND (attribute_not_exists(#claimed_by) OR #claimed_by = :claimed_by)"
)
_IS_MINE = "#claimed_by = :run"
_IS_MINE_AND_NEWEST = "#claimed_by = :run AND #sequencer = :done_sequencer"
_IS_MINE_AND_SUPERSEDED = (
    "#claimed_by = :run AND #sequencer > :done_sequencer AND"
    " (attribute_not_exists(#done_sequencer) OR #done_sequencer < :done_sequencer)"
)
_NO_CLAIM = {"claimed_by": None, "claimed_at": None, "claimed_for": None}


class Recorded(Enum):
    """The result of recording a landing."""

    WAITS = "waits for the next tick"
    REPLACES = "waits for the next tick, in place of an older version of its key"
    DUPLICATE = "recorded before"
    OLDER = "superseded by a newer version of its key"


@dataclass(frozen=True, slots=True)
class Claim:
    """A run's claim on a landing, as the index shows it: its trigger is enough to finish it."""

    run: str
    at: datetime
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class PendingLanding:
    """An object with a landing that is in no manifest yet, as the index shows it."""

    id: str
    bucket: str

    since: datetime
    """When its newest landing was recorded."""

    claim: Claim | None
    """The claim of the run that is about to read it; None when no run is."""


def landing_id(landing: Landing) -> str:
    """Return the id of a landing's item: one for its key or, without a sequencer, its own."""
    alone = () if _has_order(landing.sequencer) else (landing.version,)
    return uuid.uuid5(_NAMESPACE, json.dumps([landing.bucket, landing.key, *alone])).hex


def _has_order(sequencer: str | None) -> bool:
    return bool((sequencer or "").strip("0"))


def ordered(sequencer: str | None) -> str:
    """Pad a sequencer to a text that sorts as S3 says."""
    return (sequencer or "").ljust(_SEQUENCER_WIDTH, "0")


class LandingsTable:
    """The table of landings, through boto3's client of DynamoDB; ``clock`` returns the UTC time."""

    def __init__(self, client: Any, table: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def record(self, landing: Landing) -> Recorded:
        """Record a landing for the next tick, unless it or a newer one of its key is recorded."""
        item = landing_id(landing)
        values = {
            "bucket": landing.bucket,
            "key": landing.key,
            "version_id": landing.version_id,
            "sequencer": ordered(landing.sequencer),
            "size": landing.size,
            "event_time": landing.event_time,
            "recorded_at": self._now(),
            "waiting": item[0],
            "expires_at": None,
        }
        condition = _IS_NEWER_VERSION if landing.version_id else _IS_NEWER
        written, before = self._update(item, values, condition, returns="ALL_OLD")
        if written:
            return Recorded.REPLACES if "waiting" in before else Recorded.WAITS
        same_version = landing.version_id and before.get("version_id") == landing.version_id
        same = same_version or before["sequencer"] == ordered(landing.sequencer)
        return Recorded.DUPLICATE if same else Recorded.OLDER

    def pending(self) -> Iterator[PendingLanding]:
        """Find objects with a pending landing; a run may have processed some of them since."""
        pages = self._client.get_paginator("query")
        for shard in SHARDS:
            with translated("dynamodb:Query"):
                for page in pages.paginate(
                    TableName=self._table,
                    IndexName=INDEX,
                    KeyConditionExpression="#waiting = :waiting",
                    ExpressionAttributeNames={"#waiting": "waiting"},
                    ExpressionAttributeValues={":waiting": {"S": shard}},
                ):
                    yield from map(_pending_landing, map(_plain, page["Items"]))

    def claim(self, item: str, run: str, trigger: Trigger) -> Landing | None:
        """Claim the newest landing of an object for a run; None when another run has it.

        A run may claim again what it has claimed before, and then gets a newer landing as well.
        """
        values = {
            "claimed_by": run,
            "claimed_at": self._now(),
            "claimed_for": trigger.to_json(),
        }
        claimed, now = self._update(item, values, _IS_FREE_OR_MINE, returns="ALL_NEW")
        return _landing(now) if claimed else None

    def mark_processed(self, run: str, landing: Landing) -> None:
        """Note that a run's manifest holds a landing; a newer one of its key stays pending.

        Only a landing that the run has claimed is marked: a late repetition changes nothing.
        """
        item = landing_id(landing)
        done = {
            "done_sequencer": ordered(landing.sequencer),
            "done_run": run,
            "done_at": self._now(),
            **_NO_CLAIM,
        }
        expires = {"waiting": None, "expires_at": int((self._clock() + KEPT).timestamp())}
        marked, stored = self._update(item, done | expires, _IS_MINE_AND_NEWEST, run=run)
        if marked or stored.get("claimed_by") != run:
            return
        marked, _ = self._update(item, done, _IS_MINE_AND_SUPERSEDED, run=run)
        if not marked:
            self.release(run, item)

    def release(self, run: str, item: str) -> None:
        """Give up a run's claim on a landing that its manifest, which exists, does not hold."""
        self._update(item, _NO_CLAIM, _IS_MINE, run=run)

    def checkpoint(self, name: str) -> dict[str, Any]:
        """Return how far reconcile has read a long list; empty before the first checkpoint of it.

        Checkpoints are items of this table, with ids of their own.
        """
        with translated("dynamodb:GetItem"):
            key = {"id": {"S": f"checkpoint:{name}"}}
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            stored = _plain(answer.get("Item", {}))
            found: dict[str, Any] = json.loads(stored.get("checkpoint", "{}"))
        return found

    def save_checkpoint(self, name: str, checkpoint: dict[str, Any]) -> None:
        """Overwrite a checkpoint."""
        with translated("dynamodb:UpdateItem"):
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": f"checkpoint:{name}"}},
                UpdateExpression="SET checkpoint = :checkpoint",
                ExpressionAttributeValues={":checkpoint": {"S": json.dumps(checkpoint)}},
            )

    def _update(
        self,
        item: str,
        values: dict[str, Any],
        condition: str,
        *,
        run: str | None = None,
        returns: str = "NONE",
    ) -> tuple[bool, dict[str, Any]]:
        """Set attributes, remove those that are None, if the condition holds.

        Returns True and the attributes that ``returns`` asks for, or False and the item as stored.
        """
        given = {name: value for name, value in values.items() if value is not None}
        removed = ", ".join(f"#{name}" for name, value in values.items() if value is None)
        assigned = ", ".join(f"#{name} = :{name}" for name in given)
        clauses = (f"SET {assigned}" if assigned else "", f"REMOVE {removed}" if removed else "")
        names = {*values, *(n for n in ("sequencer", "waiting") if f"#{n}" in condition)}
        typed = {f":{name}": _typed(value) for name, value in given.items()}
        if run is not None:
            typed[":run"] = {"S": run}
        try:
            with translated("dynamodb:UpdateItem"):
                answer = self._client.update_item(
                    TableName=self._table,
                    Key={"id": {"S": item}},
                    UpdateExpression=" ".join(filter(None, clauses)),
                    ConditionExpression=condition,
                    ExpressionAttributeNames={f"#{name}": name for name in names},
                    ExpressionAttributeValues=typed,
                    ReturnValues=returns,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ServiceError as error:
            if error.code != _CONDITION_FAILED:
                raise
            return False, _plain(error.answer.get("Item", {}))
        return True, _plain(answer.get("Attributes", {}))

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")


def _typed(value: object) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """Read an item's attributes, all of which are texts or whole numbers."""
    return {name: int(value["N"]) if "N" in value else value["S"] for name, value in item.items()}


def _landing(attributes: dict[str, Any]) -> Landing:
    sequencer = attributes["sequencer"]
    return Landing(
        bucket=attributes["bucket"],
        key=attributes["key"],
        version_id=attributes.get("version_id"),
        sequencer=sequencer if _has_order(sequencer) else None,
        size=attributes.get("size"),
        event_time=attributes["event_time"],
    )


def _pending_landing(attributes: dict[str, Any]) -> PendingLanding:
    claim = None
    if "claimed_by" in attributes:
        claim = Claim(
            run=attributes["claimed_by"],
            at=datetime.fromisoformat(attributes["claimed_at"]),
            trigger=parse_trigger(attributes["claimed_for"]),
        )
    return PendingLanding(
        id=attributes["id"],
        bucket=attributes["bucket"],
        since=datetime.fromisoformat(attributes["recorded_at"]),
        claim=claim,
    )
