"""Facts with their labels, laid out so that no word is cut in two."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.text import Text

from landrun.sanitize import printable

LABEL = 10
"""Columns of the labels on the left, a space after them included."""

_PARTS = re.compile(r"(?:s3://)?[^/]*/|[^/]+")


class Sheet:
    """Collects lines of at most ``width`` columns.

    Attributes
    ----------
    lines : list of Text
        What is to be printed, a line each.
    """

    def __init__(self, width: int) -> None:
        self._room = max(30, width) - LABEL
        self.lines: list[Text] = []

    def title(self, text: str, verdict: str, style: str) -> None:
        """Write what the sheet is about, and what is to be said first."""
        self.lines.append(
            Text.assemble((printable(text), "bold"), "  ", (printable(verdict), style))
        )

    def gap(self) -> None:
        """Leave a line empty."""
        self.lines.append(Text())

    def heading(self, text: str) -> None:
        """Write what the lines below are about."""
        self.lines.append(Text(text, "dim"))

    def fact(self, label: str, *texts: str, style: str = "") -> None:
        """Write a fact beside its label, and what else there is to it below; nothing of nothing."""
        for text in filter(None, texts):
            self._write(label, text, style=style)
            label = ""

    def more(self, text: str, indent: int, style: str = "dim") -> None:
        """Write what belongs to the fact above, further to the right."""
        self._write("", text, style=style, indent=indent)

    def as_is(self, label: str, text: str, style: str = "") -> None:
        """Write a command or an address in one line of any length: it is to be copied whole."""
        self.lines.append(self._line(label, printable(text), style))

    def _write(self, label: str, text: str, *, style: str, indent: int = 0) -> None:
        for line in folded(printable(text), self._room - indent):
            self.lines.append(self._line(label, " " * indent + line, style))
            label = ""

    def _line(self, label: str, text: str, style: str) -> Text:
        return Text.assemble((f"{label:<{LABEL}}", "dim"), (text, style))


def folded(text: str, width: int) -> list[str]:
    """Break a text between words, a word longer than a line after a slash, and only else within.

    >>> folded("it reads s3://bucket/folder/a.csv", 15)
    ['it reads', 's3://bucket/', 'folder/a.csv']
    """
    lines = [""]
    for word in text.split(" "):
        space = " " if lines[-1] else ""
        if cell_len(lines[-1] + space + word) <= width:
            lines[-1] += space + word
        elif cell_len(word) <= width:
            lines.append(word)
        else:
            lines[-1] += space
            _pour(word, lines, width)
    return [line.rstrip() for line in lines if line.strip()]


def _pour(word: str, lines: list[str], width: int) -> None:
    """Fill lines with the parts of a word that is longer than one."""
    for part in _cut(word, width):
        if cell_len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part


def _cut(word: str, width: int) -> Iterator[str]:
    for part in _PARTS.findall(word):
        yield from chop_cells(part, width)
