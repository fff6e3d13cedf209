"""The result of a check: a level, the facts, and the remedy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

RESTORE: Final = (
    "undo the manual change, or deploy with a drift-aware change set of CloudFormation"
    " (REVERT_DRIFT): sam deploy alone sees no change"
)
"""The remedy for a resource that differs from the template: CloudFormation compares templates, not
resources (CloudFormation user guide, "Using drift-aware change sets")."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check. Facts that cannot be read are skipped, never ok."""

    level: Literal["ok", "warn", "fail", "skip"]
    what: str
    remedy: str = ""
    check: str = ""


def listed(names: Sequence[str], most: int = 3) -> str:
    """Name the first few of many.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
