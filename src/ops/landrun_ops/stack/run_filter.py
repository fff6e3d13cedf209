"""Which runs to search the runs table for, and how far back to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from landrun.models.run_record import UNFINISHED

LOOKED_AT = 100_000
"""Rows that a search without a start time reads: that costs a cent and takes half a minute."""


@dataclass(slots=True)
class SearchLimit:
    """How many rows a search may still read: each costs, whether it matches or not.

    ``back_to`` is the time where the search stopped at this limit; empty if it did not.
    """

    left: int = LOOKED_AT
    back_to: str = ""

    def stops(self, month: str, page: Any) -> bool:
        """Count the rows of a page, and return True if it has to be the last one."""
        self.left -= page["ScannedCount"]
        if self.left > 0:
            return False
        self.back_to = page.get("LastEvaluatedKey", {}).get("started_at", {}).get("S", month)
        return True


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a query returns; an empty field stands for any.

    ``kind`` is the trigger's ``Kind``, ``contains`` a part of its ``Key``, ``rerun_of`` the run
    that is repeated, ``named`` the beginning of the name or of the digits after its last dash.
    """

    status: frozenset[str] = frozenset()
    kind: str = ""
    contains: str = ""
    rerun_of: str = ""
    named: str = ""

    @property
    def unfinished_only(self) -> bool:
        """Return True if no run matches that has ended: the index by-unfinished has the others."""
        return bool(self.status) and self.status <= UNFINISHED

    def expression(self) -> tuple[str, dict[str, str], dict[str, str]]:
        """Return DynamoDB's filter expression, and the names and the values (strings) in it."""
        values = {f":status{n}": one for n, one in enumerate(sorted(self.status))}
        conditions = [f"#status IN ({', '.join(values)})"] if values else []
        if self.kind:
            conditions.append("#trigger.Kind = :kind")
            values[":kind"] = self.kind
        if self.contains:
            conditions.append("contains(#trigger.#key, :contains)")
            values[":contains"] = self.contains
        if self.rerun_of:
            conditions.append("rerun_of = :rerun_of")
            values[":rerun_of"] = self.rerun_of
        if self.named:
            conditions.append("(begins_with(#name, :named) OR contains(#name, :digits))")
            values |= {":named": self.named, ":digits": f"-{self.named}"}
        text = " AND ".join(conditions)
        names = {f"#{name.lower()}": name for name in ("status", "trigger", "Key", "name")}
        return text, {alias: name for alias, name in names.items() if alias in text}, values


ANY = RunFilter()
"""All runs."""
