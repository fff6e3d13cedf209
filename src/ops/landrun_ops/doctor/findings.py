"""What a check found: a grade, the facts, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

RESTORE: Final = (
    "undo the manual change, or deploy with a drift-aware change set of CloudFormation"
    " (REVERT_DRIFT): sam deploy alone sees no change"
)
"""The remedy for a resource that differs from the template: CloudFormation compares templates, not
resources (CloudFormation user guide, "Using drift-aware change sets")."""


class Grade(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    grade : Grade
        How it ended. What could not be read is skipped, never ok.
    says : str
        The facts. If empty, the claim of the check.
    remedy : str
        What to do about it, or an empty string.
    """

    grade: Grade
    says: str = ""
    remedy: str = ""


def ok(says: str = "") -> Finding:
    """Return a finding for something that is as it should be."""
    return Finding(Grade.OK, says)


def warn(says: str, remedy: str) -> Finding:
    """Return a finding for something that works, but not as it should."""
    return Finding(Grade.WARN, says, remedy)


def fail(says: str, remedy: str) -> Finding:
    """Return a finding for something that does not work, or soon will not."""
    return Finding(Grade.FAIL, says, remedy)


def skip(says: str, remedy: str = "") -> Finding:
    """Return a finding for something that was not checked."""
    return Finding(Grade.SKIP, says, remedy)


def problems(findings: Iterable[Finding], otherwise: str = "") -> list[Finding]:
    """Return the findings that are not ok; one that is ok, with these facts, if all are."""
    return [one for one in findings if one.grade is not Grade.OK] or [ok(otherwise)]


def listed(names: list[str], most: int = 3) -> str:
    """Name the first few of many.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
