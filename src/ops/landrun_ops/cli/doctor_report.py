"""What the preflight found, as people and as programs read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from landrun.sanitize import one_line

if TYPE_CHECKING:
    from landrun_ops.doctor.examining import Line
    from landrun_ops.stack.stack import Stack

STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
SUMMED: Final = {
    "ok": ("ok", "ok"),
    "warn": ("warning", "warnings"),
    "fail": ("failure", "failures"),
    "skip": ("not checked", "not checked"),
}
"""How to say one, and several, of a grade."""

GRADES: Final = 4
"""Columns of the longest grade."""

AGAIN: Final = "(on the laptop: landrun local up, started again, has all as deployed)"

LONGEST: Final = 400
"""Characters of what a check says that are shown."""


def shown(stack: Stack | None, lines: Sequence[Line], *, quiet: bool = False) -> RenderableType:
    """Draw findings by area, each failure and warning with its remedy below.

    Parameters
    ----------
    quiet : bool
        Whether to leave out what needs nothing to be done.
    """
    seen = [line for line in lines if not quiet or line.finding.remedy or line.grade == "fail"]
    named = max((len(line.name) for line in seen), default=0)
    parts: list[RenderableType] = []
    for area, of_area in groupby(seen, key=lambda line: line.area):
        parts += [_title(area, stack), *_rows(list(of_area), named), Text()]
    if stack and stack.laptop and any(line.finding.remedy for line in seen):
        parts.append(Text(AGAIN, style="dim"))
    return Group(*parts, summary(lines))


def _title(area: str, stack: Stack | None) -> Text:
    if area != "stack" or stack is None:
        return Text(area, style="bold")
    where = "on the laptop" if stack.laptop else f"in {stack.region}"
    return Text(one_line(f"stack {stack.name}, {where}"), style="bold")


def _rows(lines: Sequence[Line], named: int) -> Iterator[RenderableType]:
    before = ""
    for line in lines:
        yield Padding(_row(line, named, first=line.name != before), (0, 0, 0, 2), expand=False)
        if line.finding.remedy:
            # Not in the row: a command is easier to copy from fewer lines.
            remedy = Text(f"→ {one_line(line.finding.remedy, LONGEST)}", style="cyan")
            yield Padding(remedy, (0, 0, 0, 2 + GRADES + 2), expand=False)
        before = line.name


def _row(line: Line, named: int, *, first: bool) -> Table:
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_column(width=GRADES)
    row.add_column(width=named)
    row.add_column(overflow="fold")
    dim = "dim" if line.grade == "skip" else ""
    says = Text(one_line(line.finding.says, LONGEST), style=dim)
    row.add_row(Text(line.grade, style=STYLES[line.grade]), line.name if first else "", says)
    return row


def summary(lines: Sequence[Line]) -> Text:
    """Count findings by grade, what matters most first."""
    counts = Counter(str(line.grade) for line in lines)
    text = Text()
    for grade in ("fail", "warn", "ok", "skip"):
        if counts[grade] or grade in ("fail", "ok"):
            one, several = SUMMED[grade]
            words = f"{counts[grade] or 'no'} {one if counts[grade] == 1 else several}"
            style = STYLES[grade] if counts[grade] else "dim"
            text.append(", " if text else "").append(words, style=style)
    return text


def as_json(stack: Stack | None, lines: Sequence[Line]) -> dict[str, Any]:
    """Give findings as JSON would hold them."""
    counts = Counter(str(line.grade) for line in lines)
    return {
        "stack": {"name": stack.name, "region": stack.region, "laptop": stack.laptop}
        if stack
        else None,
        "counts": {grade: counts[grade] for grade in STYLES},
        "checks": [*_entries(lines)],
    }


def _entries(lines: Sequence[Line]) -> Iterator[dict[str, str]]:
    for line in lines:
        yield {
            "area": line.area,
            "check": line.name,
            "status": str(line.grade),
            "says": line.finding.says,
            "remedy": line.finding.remedy,
        }
