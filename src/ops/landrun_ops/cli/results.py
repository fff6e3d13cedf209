"""What a demo came to: the runs, where their outputs are, and the first rows of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from landrun_ops.cli.tables import outcome_table, printable, shows_output
from landrun_ops.demo import Journey

if TYPE_CHECKING:
    import polars as pl

FIRST_ROWS = 5
MOST_COLUMNS = 6
NARROW_CELL = 20
"""Columns that a value other than a message's text may take."""


def show_results(console: Console, journeys: Sequence[Journey], folder: Path) -> None:
    """Show the runs of files, their outputs in ``folder``, and the first rows of the first."""
    ended = [(journey, journey.run) for journey in journeys if journey.run]
    console.print()
    table = outcome_table([run for _, run in ended], console.width)
    console.print(table)
    console.print()
    if not shows_output(table):
        for journey, run in ended:
            console.print(f"{printable(journey.name)}: {run.output_uri}", soft_wrap=True)
        console.print()
    good = next((journey for journey, run in ended if run.succeeded), None)
    if good:
        _show_first_rows(console, good.name, folder / good.name)
    console.print(f"outputs, and the logs of jobs that failed: {_short(folder)}/", soft_wrap=True)


def first_rows(folder: Path, count: int) -> pl.DataFrame | None:
    """Read the first rows of the Parquet files in a folder; None when it has none."""
    import polars as pl  # noqa: PLC0415  (start-up time)

    parts = sorted(folder.rglob("*.parquet"))
    return pl.scan_parquet(parts, glob=False).head(count).collect() if parts else None


def _show_first_rows(console: Console, name: str, folder: Path) -> None:
    rows = first_rows(folder, FIRST_ROWS)
    if rows is None:
        console.print(f"{printable(name)}: the job left no Parquet files", soft_wrap=True)
        return
    console.print(f"first rows of {printable(name)}:", soft_wrap=True)
    console.print(_rows_table(rows))
    console.print()


def _rows_table(rows: pl.DataFrame) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    shown = rows.columns[:MOST_COLUMNS]
    for column in shown:
        wide = column == "text"
        table.add_column(
            Text(column),
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if wide else None,
            max_width=None if wide else NARROW_CELL,
        )
    for row in rows.select(shown).rows():
        table.add_row(*map(_cell, row))
    return table


def _cell(value: Any) -> Text:
    return Text("-", style="dim") if value is None else Text(printable(str(value)))


def _short(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
