"""Which runs of the ledger to look for, and how far to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landrun.models.run_record import UNFINISHED

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

LOOKED_AT = 100_000
"""Rows that a search looks at where nobody said how far back: at most a cent, and half a minute."""


@dataclass(slots=True)
class Looking:
    """How many rows a search may still look at: each costs, whether it is found or not.

    Attributes
    ----------
    left : int
        Rows; the page at hand is looked at to its end.
    back_to : str
        Where it stopped because of that, as ``started_at`` spells it; empty when it did not.
    """

    left: int = LOOKED_AT
    back_to: str = ""

    def stops(self, month: str, page: QueryOutputTypeDef) -> bool:
        """Count a page; say whether it was the last one to be looked at."""
        self.left -= page["ScannedCount"]
        if self.left > 0:
            return False
        last: Mapping[str, Any] = page.get("LastEvaluatedKey", {})
        self.back_to = last.get("started_at", {}).get("S", month)
        return True


@dataclass(frozen=True, slots=True)
class Only:
    """Which runs to give; DynamoDB leaves the others out, so that they need not be sent.

    Attributes
    ----------
    status : frozenset of str
        Statuses as Step Functions writes them; empty for any.
    kind : str
        The trigger's ``Kind``; empty for any.
    contains : str
        What the trigger's ``Key`` has in it; empty for any.
    rerun_of : str
        The run that they repeat; empty for any.
    named : str
        What the name begins with, or the digits after its last dash; empty for any.
    """

    status: frozenset[str] = frozenset()
    kind: str = ""
    contains: str = ""
    rerun_of: str = ""
    named: str = ""

    @property
    def runs_on(self) -> bool:
        """Whether all of them are runs that have not ended: an index of its own holds those."""
        return bool(self.status) and self.status <= UNFINISHED

    def asked(self) -> tuple[str, dict[str, str], dict[str, str]]:
        """Spell it as a filter expression, with the names and the values (texts) in it."""
        parts: list[str] = []
        names: dict[str, str] = {}
        values: dict[str, str] = {}
        if self.status:
            values |= {f":status{n}": one for n, one in enumerate(sorted(self.status))}
            parts.append(f"#status IN ({', '.join(values)})")
            names["#status"] = "status"
        if self.kind:
            parts.append("#trigger.Kind = :kind")
            names["#trigger"], values[":kind"] = "trigger", self.kind
        if self.contains:
            parts.append("contains(#trigger.#key, :contains)")
            names |= {"#trigger": "trigger", "#key": "Key"}
            values[":contains"] = self.contains
        if self.rerun_of:
            parts.append("rerun_of = :rerun_of")
            values[":rerun_of"] = self.rerun_of
        if self.named:
            parts.append("(begins_with(#name, :named) OR contains(#name, :digits))")
            names["#name"] = "name"
            values |= {":named": self.named, ":digits": f"-{self.named}"}
        return " AND ".join(parts), names, values


ANY = Only()
"""All runs."""
