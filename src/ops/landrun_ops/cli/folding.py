"""Lines of text on the screen, folded so that what does not fit stands under their beginnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from landrun.sanitize import printable
from landrun_ops.cli.fact_sheet import folded
from landrun_ops.cli.terminal import console

NARROWEST = 20
"""Columns of text, at the least, beside what a line begins with."""


def show_lines(lines: Iterable[str]) -> None:
    """Write lines to stdout; what could move the cursor is shown, not obeyed."""
    screen = console()
    for line in lines:
        for part in hanging(line, screen.width):
            screen.print(part, soft_wrap=True)


def hanging(line: str, width: int) -> Iterator[str]:
    """Break a line; the parts stand under its first word, a count before that apart.

    >>> list(hanging("    12 left out: have no data", 22))
    ['    12 left out: have no', '       data']
    """
    words = line.lstrip(" 0123456789,") if line.startswith(" ") else line
    begin = line[: len(line) - len(words)]
    for part in folded(printable(words), max(NARROWEST, width - len(begin))):
        yield begin + part
        begin = " " * len(begin)
