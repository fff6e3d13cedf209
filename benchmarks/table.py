"""Figures as a table: in a terminal, and between the README's markers.

python -m benchmarks.table README.md [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.facts import RESULTS
from benchmarks.measuring import Row

BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"
Suites = Mapping[str, Mapping[str, Any]]


def number(value: float) -> str:
    """Spell a figure with three digits that count.

    >>> number(0.01234), number(1.0), number(12345.6), number(98.76)
    ('0.0123', '1', '12,346', '98.8')
    """
    if value == round(value) or abs(value) >= 1000:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"  # noqa: PLR2004


def figure(row: Row) -> str:
    """Spell a row's value with its unit and spread."""
    said = f"{number(row.value)} {row.unit}".strip()
    if row.low is None or row.high is None or row.repetitions == 1:
        return said
    return f"{said} ({number(row.low)} to {number(row.high)})"


def outcome(row: Row) -> str:
    """Say whether the aim was met, with the aim."""
    if row.aim is None:
        return ""
    return f"{row.aim}: {'met' if row.aim.met(row.value) else 'not met'}"


def show(suites: Suites, console: Console) -> None:
    """Print one table of all suites."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("case, figure", overflow="fold", ratio=1)
    table.add_column("median (spread)", justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    for suite in suites.values():
        table.add_section()
        table.add_row(f"[bold]{suite['title']}")
        for row in map(Row.from_json, suite["rows"]):
            table.add_row(f"{row.case}: {row.figure}", figure(row), outcome(row))
    console.print(table)


def markdown(results: Mapping[str, Any]) -> str:
    """Write the key figures as the README shows them."""
    lines = ["| what | figure | measured (spread) | aim |", "|---|---|---|---|"]
    for suite in results["suites"].values():
        rows = [row for row in map(Row.from_json, suite["rows"]) if row.key and row.aim]
        lines += [f"| {r.case} | {r.figure} | {figure(r)} | {outcome(r)} |" for r in rows]
    machines = "; ".join(dict.fromkeys(suite["machine"] for suite in results["suites"].values()))
    return "\n".join([*lines, "", f"Measured on {machines}."])


def between_markers(text: str, table: str) -> str:
    """Put the table between the markers of a page."""
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END, 1)[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table into a page, or check that it is there."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.table",
        description="Put the key figures of results.json between a page's markers.",
        epilog="Example: python -m benchmarks.table README.md",
    )
    parser.add_argument("page", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it is not there")
    given = parser.parse_args(arguments)
    text = given.page.read_text(encoding="utf-8")
    now = between_markers(text, markdown(json.loads(RESULTS.read_text(encoding="utf-8"))))
    if given.check:
        if now != text:
            print(f"{given.page} differs from {RESULTS.name}: python -m benchmarks.table README.md")
        return int(now != text)
    given.page.write_text(now, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
