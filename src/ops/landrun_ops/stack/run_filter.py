"""Which runs to search the runs table for, and how far back to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from landrun.models.run_record import UNFINISHED

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

LOOKED_AT = 100_000
"""Rows that a search without a start time reads: that costs a cent and takes half a minute."""


@dataclass(slots=True)
class SearchLimit:
    """How many rows a search may still read: each costs, whether it matches or not.

    Attributes
    ----------
    left : int
        The number of rows. A page that has been read is searched to its end.
    back_to : str
        The ``started_at`` where the search stopped at this limit; empty if it did not.
    """

    left: int = LOOKED_AT
    back_to: str = ""

    def stops(self, month: str, page: QueryOutputTypeDef) -> bool:
        """Count the rows of a page, and return True if it has to be the last one."""
        self.left -= page["ScannedCount"]
        if self.left > 0:
            return False
        started_at = page.get("LastEvaluatedKey", {}).get("started_at")
        self.back_to = str(started_at["S"]) if started_at else month
        return True


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a query returns; DynamoDB leaves the others out before it answers.

    Attributes
    ----------
    status : frozenset of str
        Statuses as Step Functions writes them; empty for any.
    kind : str
        The trigger's ``Kind``; empty for any.
    contains : str
        A part of the trigger's ``Key``; empty for any.
    rerun_of : str
        The run that they repeat; empty for any.
    named : str
        The beginning of the name, or of the digits after its last dash; empty for any.
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
        statuses = {f":status{n}": one for n, one in enumerate(sorted(self.status))}
        conditions: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
            (f"#status IN ({', '.join(statuses)})", {"#status": "status"}, statuses),
            ("#trigger.Kind = :kind", {"#trigger": "trigger"}, {":kind": self.kind}),
            (
                "contains(#trigger.#key, :contains)",
                {"#trigger": "trigger", "#key": "Key"},
                {":contains": self.contains},
            ),
            ("rerun_of = :rerun_of", {}, {":rerun_of": self.rerun_of}),
            (
                "(begins_with(#name, :named) OR contains(#name, :digits))",
                {"#name": "name"},
                {":named": self.named, ":digits": self.named and f"-{self.named}"},
            ),
        )
        used = [one for one in conditions if any(one[2].values())]
        names = {alias: name for _, aliases, _ in used for alias, name in aliases.items()}
        values = {alias: value for _, _, given in used for alias, value in given.items()}
        return " AND ".join(text for text, _, _ in used), names, values


ANY = RunFilter()
"""All runs."""
