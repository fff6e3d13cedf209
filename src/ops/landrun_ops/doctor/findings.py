"""What a check comes to: a grade, what was seen, and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PUT_BACK: Final = (
    "undo by hand what was changed by hand, or with a drift-aware change set of CloudFormation"
    " (REVERT_DRIFT): sam deploy alone sees no change"
)
"""The remedy for what is not as it was deployed: CloudFormation compares templates, not resources
(CloudFormation user guide, "Using drift-aware change sets")."""


class Grade(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to.

    Attributes
    ----------
    grade : Grade
        How it ended; what could not be seen is skipped, never taken for well.
    says : str
        What was seen.
    remedy : str
        What to do about it; empty where there is nothing to do.
    """

    grade: Grade
    says: str
    remedy: str = ""


def ok(says: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(Grade.OK, says)


def warn(says: str, remedy: str) -> Finding:
    """Say that something works, but is not as it should be."""
    return Finding(Grade.WARN, says, remedy)


def fail(says: str, remedy: str) -> Finding:
    """Say that something does not work, or will not."""
    return Finding(Grade.FAIL, says, remedy)


def skip(says: str, remedy: str = "") -> Finding:
    """Say that something was not looked at, or could not be seen."""
    return Finding(Grade.SKIP, says, remedy)


def listed(names: list[str], most: int = 3) -> str:
    """Name a few of many.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
