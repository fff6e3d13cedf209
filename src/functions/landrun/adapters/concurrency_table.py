"""The door to DynamoDB for turns: which runs may have their job, and which wait in line.

Three lines of items in one table. ``waiting`` has the executions that asked, in the order in which
they started; ``holding`` those that have a place; ``count`` is one item with the number of places
that are held. A place is given or given back, and counted, in one transaction, so the bound holds
whatever dies in between. ``untold`` of the count names those whose machine may not have been told.

The fence is ``alive_at``, a time at which the execution was taken to be running. An end from
before that time is an old one, of an attempt that was redriven since: it gives no place back. The
protocol is in docs/decisions/0009-runs-wait-their-turn-in-the-machine.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from landrun.adapters.dynamodb_table import REFUSED, Table
from landrun.models.concurrency import (
    COUNT,
    HOLDING,
    WAITING,
    Place,
    Standing,
    as_seen,
    asking,
    item_of,
    key_of,
    place_of,
)
from landrun.models.status_change import SlotRequest

_COUNT_KEY = {"line": {"S": COUNT}, "place": {"S": COUNT}}
_ROOM = "attribute_not_exists(holding) OR holding < :limit"
_NEW_TOKEN = "attribute_exists(place) AND NOT contains(tokens, :token)"  # noqa: S105  (no secret)


class Given(Enum):
    """What giving a place came to."""

    YES = "the place is given"
    FULL = "no place is free"
    HELD = "the execution has a place already"
    CHANGED = "somebody else was quicker: look again"


class ConcurrencyTable:
    """The table of turns.

    Parameters
    ----------
    client : DynamoDB client
        boto3's.
    table : str
        The table's name.
    sleep : callable
        Waits so many seconds.

    Every method raises `ServiceError` when DynamoDB refuses a call for another reason than its
    condition, or cannot be reached; each may be repeated.
    """

    def __init__(
        self, client: Any, table: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._at = Table(client, table, sleep)

    def standing(self) -> Standing:
        """Say how many hold a place; consistent."""
        item = self._at.item(_COUNT_KEY)
        held = int(item.get("holding", {}).get("N", "0"))
        return Standing(held, frozenset(item.get("untold", {}).get("SS", ())))

    def holder(self, name: str) -> Place | None:
        """Find the place that an execution holds; consistent."""
        item = self._at.item(key_of(HOLDING, name))
        return place_of(item) if item else None

    def first(self) -> Place | None:
        """Find who waits first in line; consistent."""
        return next(map(place_of, self._at.line(WAITING, ConsistentRead=True, Limit=1)), None)

    def waiting(self) -> Iterator[Place]:
        """Give the line, those that started first first."""
        return map(place_of, self._at.line(WAITING))

    def holders(self) -> Iterator[Place]:
        """Give those that hold a place, by name."""
        return map(place_of, self._at.line(HOLDING, ConsistentRead=True))

    def wait(self, asked: SlotRequest, now: str) -> None:
        """Put an execution in line; of one that is there, note a token that is new."""
        key = key_of(WAITING, f"{asked.started_at}#{asked.name}")
        new = f"attribute_not_exists(place) OR ({_NEW_TOKEN})"
        self._at.updated(
            key,
            "ADD tokens :tokens SET execution_arn = :arn, alive_at = :now,"
            " asked_at = if_not_exists(asked_at, :now)",
            new,
            asking(asked.token, now) | {":arn": {"S": asked.execution_arn}},
        )

    def asks_again(self, name: str, token: str, now: str) -> bool:
        """Note the token of a holder that asks anew; False when it holds no place.

        A token that is not known is of a later attempt, which is alive now.
        """
        stands = self._at.alone(
            "UpdateItem",
            Key=key_of(HOLDING, name),
            UpdateExpression="ADD tokens :tokens SET alive_at = :now",
            ConditionExpression=_NEW_TOKEN,
            ExpressionAttributeValues=asking(token, now),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return stands is None or bool(stands.get("Item"))

    def give(self, waiter: Place, limit: int, now: str, lease_until: str) -> Given:
        """Give a place to who waits, unless all are held; it is untold then.

        Parameters
        ----------
        waiter : Place
            As it was read: one that has asked anew since is to be read again.
        limit : int
            How many may hold a place; 0 for any number.
        """
        holder = item_of(waiter) | key_of(HOLDING, waiter.name)
        holder |= {"since": {"S": now}, "lease_until": {"S": lease_until}}
        reasons = self._at.together(
            self._counted(1, waiter.name, _ROOM if limit else "", {":limit": {"N": str(limit)}}),
            {"Delete": {"Key": waiter.key, **as_seen(waiter)}},
            {"Put": {"Item": holder, "ConditionExpression": "attribute_not_exists(place)"}},
        )
        if not reasons:
            return Given.YES
        full, changed, held = (reason == REFUSED for reason, _ in reasons)
        if changed or not (full or held):
            return Given.CHANGED
        return Given.HELD if held else Given.FULL

    def hold(self, name: str, arn: str, now: str, lease_until: str) -> bool:
        """Take a place for an execution that goes on unasked, free or not; False if it has one."""
        holder = key_of(HOLDING, name) | {
            "execution_arn": {"S": arn},
            "alive_at": {"S": now},
            "asked_at": {"S": now},
            "since": {"S": now},
            "lease_until": {"S": lease_until},
        }
        new = {"Put": {"Item": holder, "ConditionExpression": "attribute_not_exists(place)"}}
        return not self._at.settled(self._counted(1), new)

    def told(self, name: str) -> None:
        """Note that the machine of a holder knows."""
        self._at.updated(_COUNT_KEY, "DELETE untold :name", "", {":name": {"SS": [name]}})

    def renew(self, holder: Place, now: str, lease_until: str) -> None:
        """Note that a holder was running at a time, if it is still as it was read."""
        self._at.updated(
            holder.key,
            "SET alive_at = :now, lease_until = :lease",
            "alive_at = :seen",
            {
                ":now": {"S": now},
                ":lease": {"S": lease_until},
                ":seen": {"S": holder.alive_at},
            },
        )

    def give_back(self, name: str, ended_at: str) -> Place | None:
        """Take the place from an execution that ended.

        Returns
        -------
        Place or None
            The holder that stands, for it was running later than that.
        """
        values = {":ended_at": {"S": ended_at}}
        return self._freed(name, "attribute_exists(place) AND alive_at < :ended_at", values)[1]

    def take_back(self, holder: Place) -> bool:
        """Take the place from a holder that is known to have ended, if it is as it was read."""
        values = {":seen": {"S": holder.alive_at}}
        return self._freed(holder.name, "alive_at = :seen", values)[0]

    def leave(self, waiter: Place) -> None:
        """Take an execution out of the line, if it is as it was read."""
        self._at.alone("DeleteItem", Key=waiter.key, **as_seen(waiter))

    def waiter(self, name: str, started_at: str) -> Place | None:
        """Find an execution in line; consistent."""
        item = self._at.item(key_of(WAITING, f"{started_at}#{name}"))
        return place_of(item) if item else None

    # ---- how it is asked ---------------------------------------------------------------------

    def _freed(
        self, name: str, condition: str, values: dict[str, Any]
    ) -> tuple[bool, Place | None]:
        """Delete a holder and count it out; give whether that was done, and who stands if not."""
        gone = {
            "Delete": {
                "Key": key_of(HOLDING, name),
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }
        reasons = self._at.settled(self._counted(-1, name), gone)
        if not reasons:
            return True, None
        stands = reasons[1][1]
        return False, place_of(stands) if stands else None

    def _counted(
        self, by: int, name: str = "", condition: str = "", more: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Count a place, and note or forget that its holder is untold."""
        values = {":by": {"N": str(by)}} | ({":name": {"SS": [name]}} if name else {})
        both = "ADD holding :by, untold :name" if by > 0 else "ADD holding :by DELETE untold :name"
        return {
            "Update": {
                "Key": _COUNT_KEY,
                "UpdateExpression": both if name else "ADD holding :by",
                "ExpressionAttributeValues": values | ((more or {}) if condition else {}),
                **({"ConditionExpression": condition} if condition else {}),
            }
        }
