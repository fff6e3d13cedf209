"""What the checks found, as people and as programs read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from landrun.sanitize import one_line

if TYPE_CHECKING:
    from landrun_ops.doctor.checks import CheckResult
    from landrun_ops.doctor.findings import Finding
    from landrun_ops.stack.stack import Stack

STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
SUMMARY: Final = {
    "fail": ("failure", "failures"),
    "warn": ("warning", "warnings"),
    "ok": ("ok", "ok"),
    "skip": ("not checked", "not checked"),
}
"""One and several of a grade, what matters most first."""

RESTART: Final = "On the laptop, landrun local up, started again, restores what was deployed."

LONGEST: Final = 400
"""The most characters of a finding or a remedy that are shown."""


def report(
    stack: Stack | None, results: Sequence[CheckResult], *, quiet: bool = False
) -> RenderableType:
    """Draw findings by area, with their remedies.

    Parameters
    ----------
    quiet : bool
        Whether to leave out findings that need nothing done.
    """
    seen = [one for one in results if not quiet or one.finding.remedy or one.grade == "fail"]
    parts: list[RenderableType] = []
    for area, of_area in groupby(seen, key=lambda one: one.area):
        title = area
        if area == "stack" and stack:
            title = f"stack {stack.name}, {'on the laptop' if stack.laptop else stack.region}"
        parts += [findings_table(title, list(of_area), width(seen)), Text()]
    if stack and stack.laptop and any(one.finding.remedy for one in seen):
        parts.append(Text(RESTART, style="dim"))
    return Group(*parts, summary(results))


def width(results: Sequence[CheckResult]) -> int:
    """Return the width of the longest name."""
    return max((len(one.name) for one in results), default=0)


def findings_table(title: str, results: Sequence[CheckResult], names: int) -> Table:
    """Draw the findings of an area; ``names`` is the width of the column of names."""
    table = Table(
        title=Text(one_line(title), style="bold"),
        title_justify="left",
        show_header=False,
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column(width=max(map(len, STYLES)))
    table.add_column(width=names, overflow="fold")
    table.add_column(overflow="fold")
    for name, findings in groupby(results, key=lambda one: one.name):
        for number, one in enumerate(findings):
            grade = Text(one.grade, style=STYLES[one.grade])
            table.add_row(grade, "" if number else name, _finding(one.finding))
    return table


def _finding(finding: Finding) -> Text:
    text = Text(one_line(finding.says, LONGEST), style="dim" if finding.grade == "skip" else "")
    if finding.remedy:
        text.append(f"\n→ {one_line(finding.remedy, LONGEST)}", style="cyan")
    return text


def summary(results: Sequence[CheckResult]) -> Text:
    """Count findings by grade."""
    counts = Counter(str(one.grade) for one in results)
    parts = [
        Text(f"{counts[grade]} {one if counts[grade] == 1 else several}", style=STYLES[grade])
        for grade, (one, several) in SUMMARY.items()
        if counts[grade] or grade in ("fail", "ok")
    ]
    return Text(", ").join(parts)


def as_json(stack: Stack | None, results: Sequence[CheckResult]) -> dict[str, Any]:
    """Return findings as JSON holds them."""
    counts = Counter(str(one.grade) for one in results)
    about = stack and {"name": stack.name, "region": stack.region, "laptop": stack.laptop}
    return {
        "stack": about,
        "counts": {grade: counts[grade] for grade in STYLES},
        "checks": [entry(one) for one in results],
    }


def entry(result: CheckResult) -> dict[str, str]:
    """Return a finding as JSON holds it."""
    return {
        "area": result.area,
        "check": result.name,
        "status": str(result.grade),
        "says": result.finding.says,
        "remedy": result.finding.remedy,
    }
