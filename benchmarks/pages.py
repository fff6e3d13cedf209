"""The parts of a page that a module of this package makes, between markers that name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Parts = Mapping[str, Callable[[], str]]


def filled(text: str, maker: str, parts: Parts) -> str:
    """Give a page with each part of a maker made anew.

    A part stands between ``<!-- maker: part -->`` and ``<!-- end of maker -->``.

    >>> filled("<!-- m: a -->x<!-- end of m -->", "m", {"a": lambda: "y"}).split()
    ['<!--', 'm:', 'a', '-->', 'y', '<!--', 'end', 'of', 'm', '-->']
    """
    wanted = re.compile(rf"<!-- {maker}: (?P<part>\S+) -->.*?<!-- end of {maker} -->", re.DOTALL)

    def made(found: re.Match[str]) -> str:
        part = found["part"]
        return f"<!-- {maker}: {part} -->\n\n{parts[part]()}\n\n<!-- end of {maker} -->"

    return wanted.sub(made, text)


def parts_of(text: str, maker: str) -> list[str]:
    """Name the parts of a maker that a page has."""
    return re.findall(rf"<!-- {maker}: (\S+) -->", text)


def rewrite(page: Path, maker: str, parts: Parts, *, check: bool) -> int:
    """Write a page anew, or say by 1 that it is not as it would be written."""
    text = page.read_text(encoding="utf-8")
    anew = filled(text, maker, parts)
    if check:
        return int(anew != text)
    page.write_text(anew, encoding="utf-8")
    return 0


def table(head: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    """Spell a table in Markdown; ``sides`` has an l or an r for each column.

    >>> print(table(("what", "how many"), [("a", "1")], "lr"))
    | what | how many |
    | --- | --: |
    | a | 1 |
    """
    line = ["--:" if side == "r" else "---" for _, side in zip(head, sides, strict=True)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, line, *rows))
