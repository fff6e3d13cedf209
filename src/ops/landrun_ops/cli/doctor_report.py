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

from landrun.outside import one_line

if TYPE_CHECKING:
    from landrun_ops.doctor.examining import Line
    from landrun_ops.stack import Stack

STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
SUMMED: Final = {
    "ok": ("ok", "ok"),
    "warn": ("warning", "warnings"),
    "fail": ("failure", "failures"),
    "skip": ("not checked", "not checked"),
}
"""How to say one, and several, of a grade."""

LONGEST: Final = 400
"""Characters of what a check says that are shown."""


def shown(stack: Stack | None, lines: Sequence[Line], *, quiet: bool = False) -> RenderableType:
    """Draw findings by area, each failure and warning with its remedy below.

    Parameters
    ----------
    quiet : bool
        Whether to leave out what is ok.
    """
    seen = [line for line in lines if not (quiet and line.grade in ("ok", "skip"))]
    named = max((len(line.name) for line in seen), default=0)
    parts: list[RenderableType] = []
    for area, of_area in groupby(seen, key=lambda line: line.area):
        parts += [_title(area, stack), _table(list(of_area), named), Text()]
    return Group(*parts, summary(lines))


def _title(area: str, stack: Stack | None) -> Text:
    if area != "stack" or stack is None:
        return Text(area, style="bold")
    where = "on the laptop" if stack.laptop else f"in {stack.region}"
    return Text(one_line(f"stack {stack.name}, {where}"), style="bold")


def _table(lines: Sequence[Line], named: int) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=4)
    table.add_column(width=named)
    table.add_column(overflow="fold")
    before = ""
    for line in lines:
        style = STYLES[line.grade]
        says = Text(
            one_line(line.finding.says, LONGEST), style="" if line.grade != "skip" else "dim"
        )
        name = Text(line.name if line.name != before else "")
        table.add_row(Text(line.grade, style=style), name, says)
        if line.finding.remedy:
            table.add_row("", "", Text(f"→ {one_line(line.finding.remedy, LONGEST)}", style="cyan"))
        before = line.name
    return Padding(table, (0, 0, 0, 2), expand=False)


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
