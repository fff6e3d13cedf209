"""What a demo came to: the runs, where their outputs are, and the first rows of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from landrun.sanitize import printable
from landrun_ops.actions.demo import Journey
from landrun_ops.cli.tables import GAP, outcome_table, shows_output

if TYPE_CHECKING:
    import polars as pl

FIRST_ROWS = 5
TEXT = "text"
TEXT_ROOM = 32
"""Columns of the screen that a message's text gets before other columns do."""

NARROW_CELL = 20
"""Columns of the screen that any other value may take."""


def show_results(console: Console, journeys: Sequence[Journey], folder: Path) -> None:
    """Show the runs of files, their outputs in ``folder``, and the first rows of the first."""
    ended = [(journey, journey.run) for journey in journeys if journey.run]
    console.print()
    table = outcome_table([run for _, run in ended], console.width)
    console.print(table)
    console.print()
    if not shows_output(table):
        for journey, run in ended:
            console.print(
                f"{printable(journey.name)}: {run.output_processed_message}", soft_wrap=True
            )
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


def rows_table(rows: pl.DataFrame, width: int) -> tuple[Table, int]:
    """Lay out rows in at most ``width`` columns of the screen.

    Returns
    -------
    tuple of Table and int
        The table, and how many of the data's columns there was no room for.
    """
    cells = {column: [_cell(value) for value in rows[column]] for column in rows.columns}
    widths = column_widths(
        {name: max(cell.cell_len for cell in (Text(name), *cells[name])) for name in cells}, width
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name, room in widths.items():
        table.add_column(Text(printable(name)), no_wrap=True, max_width=room)
    for row in zip(*(cells[name] for name in widths), strict=True):
        table.add_row(*row)
    return table, len(cells) - len(widths)


def column_widths(wanted: Mapping[str, int], width: int) -> dict[str, int]:
    """Share a screen out: other columns as long as there is room, the rest to the text."""
    text = min(wanted.get(TEXT, 0), TEXT_ROOM)
    widths, left = {}, width - text
    for name, natural in wanted.items():
        needed = 0 if name == TEXT else min(natural, NARROW_CELL) + GAP
        if needed <= left:
            widths[name] = needed - GAP
            left -= needed
    return widths | ({TEXT: text + left} if TEXT in wanted else {})


def _show_first_rows(console: Console, name: str, folder: Path) -> None:
    rows = first_rows(folder, FIRST_ROWS)
    if rows is None:
        console.print(f"{printable(name)}: the job left no Parquet files", soft_wrap=True)
        return
    table, hidden = rows_table(rows, console.width)
    more = f" ({hidden} more columns)" if hidden else ""
    console.print(f"first rows of {printable(name)}{more}:", soft_wrap=True)
    console.print(table)
    console.print()


def _cell(value: Any) -> Text:
    return Text("-", style="dim") if value is None else Text(printable(str(value)))


def _short(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
