"""Places in the lines for turns, as values and as items of DynamoDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WAITING, HOLDING, COUNT = "waiting", "holding", "count"

_AS_SEEN = "alive_at = :seen AND tokens = :tokens"


@dataclass(frozen=True, slots=True)
class Place:
    """An execution in one of the lines.

    Attributes
    ----------
    line, place : str
        Its key: in ``waiting`` its start and its name, in ``holding`` its name.
    execution_arn : str
        The execution.
    tokens : frozenset of str
        What its machine may be told by; the last attempt's is among them.
    asked_at, alive_at : str
        When it first asked, and when it was last taken to be running; ISO 8601 in UTC.
    lease_until : str
        When a holder is due to be looked at.
    """

    line: str
    place: str
    execution_arn: str
    tokens: frozenset[str]
    asked_at: str
    alive_at: str
    lease_until: str = ""

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.place.rpartition("#")[2]

    @property
    def key(self) -> dict[str, Any]:
        """The item's key, as DynamoDB's API has it."""
        return key_of(self.line, self.place)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many places are held, and whose machines may not have been told."""

    holding: int
    untold: frozenset[str]


def key_of(line: str, place: str) -> dict[str, Any]:
    """Spell an item's key."""
    return {"line": {"S": line}, "place": {"S": place}}


def asking(token: str, now: str) -> dict[str, Any]:
    """Spell what an update needs of an execution that asks."""
    return {":tokens": {"SS": [token]}, ":token": {"S": token}, ":now": {"S": now}}


def as_seen(waiter: Place) -> dict[str, Any]:
    """Give the condition that nobody has asked anew since a waiter was read."""
    values = {":seen": {"S": waiter.alive_at}, ":tokens": {"SS": sorted(waiter.tokens)}}
    return {"ConditionExpression": _AS_SEEN, "ExpressionAttributeValues": values}


def item_of(place: Place) -> dict[str, Any]:
    """Spell what a place carries from the line to where it is held."""
    text = {"execution_arn": place.execution_arn}
    text |= {"asked_at": place.asked_at, "alive_at": place.alive_at}
    return {"tokens": {"SS": sorted(place.tokens)}} | {n: {"S": value} for n, value in text.items()}


def place_of(item: dict[str, Any]) -> Place:
    """Read a place from an item."""
    text = {name: value["S"] for name, value in item.items() if "S" in value}
    return Place(
        line=text["line"],
        place=text["place"],
        execution_arn=text["execution_arn"],
        tokens=frozenset(item.get("tokens", {}).get("SS", ())),
        asked_at=text["asked_at"],
        alive_at=text["alive_at"],
        lease_until=text.get("lease_until", ""),
    )
