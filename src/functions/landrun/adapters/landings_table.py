"""The door to DynamoDB for landings that wait for a tick.

One item for each object, so that one conditional write decides everything about it. It keeps the
newest landing of its key; an older one that comes late changes nothing. Sequencers of one key
compare as strings once they are right-padded with zeros (Amazon S3 user guide, "Event message
structure"). A version that stands already is the same landing whatever its sequencer: S3 tells
the true one to nobody but its event, and ``landrun backfill`` has to make one up.

The index ``by-waiting`` only finds candidates. It is eventually consistent, so nothing is decided
by what it says: a claim is a conditional write, and what that returns is what was claimed.
The protocol is in docs/decisions/0004-collecting-landings.md.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from landrun.adapters.clients import translated
from landrun.clock import utc_now
from landrun.errors import ServiceError
from landrun.models.landing import Landing
from landrun.models.run import Trigger, parse_trigger, trigger_json

INDEX = "by-waiting"
SHARDS = "0123456789abcdef"
KEPT = timedelta(days=400)
"""How long a landing that was processed is remembered; events repeat for days, not years."""

_SEQUENCER_WIDTH = 64
_NAMESPACE = uuid.UUID("0d6f9a37-6b0c-4f5e-9d3c-8c1c0e5b7a11")
_REFUSED = "ConditionalCheckFailedException"
_NEWER = "attribute_not_exists(#sequencer) OR #sequencer < :sequencer"
_ANOTHER_AND_NEWER = (
    "attribute_not_exists(#sequencer) OR (#sequencer < :sequencer"
    " AND (attribute_not_exists(#version_id) OR #version_id <> :version_id))"
)
_MINE_OR_NOBODYS = "attribute_not_exists(#claimed_by) OR #claimed_by = :claimed_by"


class Recorded(Enum):
    """What recording a landing came to."""

    WAITS = "waits for the next tick"
    REPLACES = "waits for the next tick, in place of an older version of its key"
    DUPLICATE = "recorded before"
    OLDER = "superseded by a newer version of its key"


@dataclass(frozen=True, slots=True)
class Claim:
    """A run's claim on a landing, as the index shows it.

    Attributes
    ----------
    run : str
        The run's name.
    at : datetime
        When it was made.
    trigger : Trigger
        What starts the run: enough for anybody to finish it.
    """

    run: str
    at: datetime
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class PendingLanding:
    """An object that has a landing that waits, as the index shows it.

    Attributes
    ----------
    id, bucket : str
        The item, and the object's bucket.
    since : datetime
        When its newest landing was recorded.
    claim : Claim or None
        The run that is about to take it, if there is one.
    """

    id: str
    bucket: str
    since: datetime
    claim: Claim | None


def landing_id(landing: Landing) -> str:
    """Name the item of a landing: that of its key, or its own when it has no order to keep."""
    alone = () if _has_order(landing.sequencer) else (landing.version,)
    return uuid.uuid5(_NAMESPACE, json.dumps([landing.bucket, landing.key, *alone])).hex


def _has_order(sequencer: str | None) -> bool:
    return bool((sequencer or "").strip("0"))


def ordered(sequencer: str | None) -> str:
    """Pad a sequencer to what compares as a string."""
    return (sequencer or "").ljust(_SEQUENCER_WIDTH, "0")


class LandingsTable:
    """The table of landings.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    clock : callable
        Tells the time in UTC.
    """

    def __init__(self, client: Any, table: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def record(self, landing: Landing) -> Recorded:
        """Let a landing wait for the next tick, unless it or a newer one has been recorded.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call for another reason, or cannot be reached.
        """
        item = landing_id(landing)
        known = {
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
        condition = _ANOTHER_AND_NEWER if landing.version_id else _NEWER
        try:
            before = self._update(item, known, condition, answer="ALL_OLD")
        except ServiceError as error:
            return _why_not(error, landing)
        return Recorded.REPLACES if "waiting" in before else Recorded.WAITS

    def candidates(self) -> Iterator[PendingLanding]:
        """Find objects with a landing that waits; some may have been taken since.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call or cannot be reached.
        """
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
                    yield from map(_candidate, page["Items"])

    def claim(self, item: str, run: str, trigger: Trigger) -> Landing | None:
        """Claim the newest landing of an object for a run; None when another run has it.

        A run may claim again what it has claimed; a newer landing is claimed with it then.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call for another reason, or cannot be reached.
        """
        claim = {
            "claimed_by": run,
            "claimed_at": self._now(),
            "claimed_for": trigger_json(trigger),
        }
        condition = f"attribute_exists(#waiting) AND ({_MINE_OR_NOBODYS})"
        try:
            return _landing(
                self._update(item, claim, condition, named={"waiting"}, answer="ALL_NEW")
            )
        except ServiceError as error:
            if error.code == _REFUSED:
                return None
            raise

    def settle(self, run: str, landing: Landing) -> None:
        """Note that a run's manifest has a landing; a newer one of its key goes on waiting.

        Only the run's own claim is settled: whoever comes late changes nothing.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call for another reason, or cannot be reached.
        """
        item = landing_id(landing)
        done = {
            "done_sequencer": ordered(landing.sequencer),
            "done_run": run,
            "done_at": self._now(),
            "claimed_by": None,
            "claimed_at": None,
            "claimed_for": None,
        }
        expires = {"waiting": None, "expires_at": int((self._clock() + KEPT).timestamp())}
        mine = {":run": {"S": run}}
        newest = "#claimed_by = :run AND #sequencer = :done_sequencer"
        stands = self._tried(item, done | expires, newest, {"sequencer"}, mine)
        if stands is None or stands.get("claimed_by", {}).get("S") != run:
            return
        newer = (
            "#claimed_by = :run AND #sequencer > :done_sequencer AND"
            " (attribute_not_exists(#done_sequencer) OR #done_sequencer < :done_sequencer)"
        )
        if self._tried(item, done, newer, {"sequencer"}, mine) is not None:
            self.release(run, item)

    def release(self, run: str, item: str) -> None:
        """Give up a run's claim: the landing waits for another.

        Only for landings that the run's manifest, which stands, has not.

        Raises
        ------
        ServiceError
            When DynamoDB refuses the call for another reason, or cannot be reached.
        """
        claim = {"claimed_by": None, "claimed_at": None, "claimed_for": None}
        self._tried(item, claim, "#claimed_by = :run", set(), {":run": {"S": run}})

    def _tried(
        self,
        item: str,
        values: dict[str, Any],
        condition: str,
        named: Set[str],
        more: dict[str, Any],
    ) -> dict[str, Any] | None:
        """Update an item; give what stands when the condition does not hold, else None."""
        try:
            self._update(item, values, condition, named=named, more=more)
        except ServiceError as error:
            if error.code != _REFUSED:
                raise
            stands: dict[str, Any] = error.answer.get("Item", {})
            return stands
        return None

    def _update(
        self,
        item: str,
        values: dict[str, Any],
        condition: str,
        *,
        named: Set[str] = frozenset(),
        more: dict[str, Any] | None = None,
        answer: str = "NONE",
    ) -> dict[str, Any]:
        """Set attributes, remove those that are None, if the condition holds; give ``answer``."""
        given = {name: value for name, value in values.items() if value is not None}
        gone = [f"#{name}" for name in values if values[name] is None]
        sets = "SET " + ", ".join(f"#{name} = :{name}" for name in given) if given else ""
        removes = " REMOVE " + ", ".join(gone) if gone else ""
        typed = {f":{name}": _typed(value) for name, value in given.items()} | (more or {})
        with translated("dynamodb:UpdateItem"):
            reply = self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": item}},
                UpdateExpression=sets + removes,
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in {*values, *named}},
                ExpressionAttributeValues=typed,
                ReturnValues=answer,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        found: dict[str, Any] = reply.get("Attributes", {})
        return found

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")


def _why_not(error: ServiceError, landing: Landing) -> Recorded:
    """Tell a repeated landing from one that came late; the refusal carries what stands."""
    if error.code != _REFUSED:
        raise error
    stands = error.answer["Item"]
    same = stands["sequencer"]["S"] == ordered(landing.sequencer)
    if landing.version_id:
        same |= stands.get("version_id", {}).get("S") == landing.version_id
    return Recorded.DUPLICATE if same else Recorded.OLDER


def _typed(value: object) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _landing(item: dict[str, Any]) -> Landing:
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    return Landing(
        bucket=text["bucket"],
        key=text["key"],
        version_id=text.get("version_id"),
        sequencer=text["sequencer"] if _has_order(text["sequencer"]) else None,
        size=int(item["size"]["N"]) if "size" in item else None,
        event_time=text["event_time"],
    )


def _candidate(item: dict[str, Any]) -> PendingLanding:
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    claim = None
    if "claimed_by" in text:
        at = datetime.fromisoformat(text["claimed_at"])
        claim = Claim(text["claimed_by"], at, parse_trigger(text["claimed_for"]))
    since = datetime.fromisoformat(text["recorded_at"])
    return PendingLanding(text["id"], text["bucket"], since, claim)
