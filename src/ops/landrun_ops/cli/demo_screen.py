"""What `landrun demo` shows: how far each file is, what its run did, and what to do next."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from landrun.sanitize import printable
from landrun_ops.actions.demo import Journey, Stage
from landrun_ops.cli.tables import COUNTS, STYLES, count_text, plain_table
from landrun_ops.units import spelled

if TYPE_CHECKING:
    import polars as pl

WORDS = {
    Stage.LANDED: "landed",
    Stage.STARTED: "run started",
    Stage.PROCESSING: "processing",
    Stage.RECORDED: "recorded",
}

FIRST_ROWS, MOST_COLUMNS, VALUE_WIDTH = 5, 6, 40
"""Rows and columns of an output that are shown, and the columns of the screen for a value."""

NEXT = """\
what next:
  your own files     landrun demo FOLDER
  your own script    docs/bring-your-own.md: landrun demo --parameter JobEntrypoint=…
  a stack to keep    landrun local up
  a stack on AWS     docs/deploy.md"""


class PlainProgress:
    """A line for each change, with the seconds since the beginning."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def doing(self, what: str) -> None:
        """Write what is going on as a whole."""
        self.trouble(what)

    def moved(self, journey: Journey, stage: Stage | None) -> None:
        """Write a file's new stage, and why there is no output once that is known."""
        ended = stage is Stage.RECORDED or journey.refusal
        news = WORDS[stage] if stage and not journey.refusal else ""
        failure = journey.failure if ended else ""
        self.trouble(f"{printable(journey.name)}: {', '.join(filter(None, (news, failure)))}")

    def trouble(self, line: str) -> None:
        """Write a line."""
        self._console.print(f"{time.monotonic() - self._began:6.1f} s  {line}", soft_wrap=True)


class LiveProgress:
    """A row for each file, as many as the screen holds; those that failed or move come first."""

    def __init__(self, console: Console, journeys: Sequence[Journey]) -> None:
        self._console = console
        self._journeys = journeys
        self._what = ""
        self._spinner = Spinner("dots")

    def doing(self, what: str) -> None:
        """Show what is going on as a whole."""
        self._what = what
        self._spinner.update(text=Text(what))

    def moved(self, journey: Journey, stage: Stage | None) -> None:
        """Do nothing: the display reads the journeys when it redraws."""

    def trouble(self, line: str) -> None:
        """Write what went wrong above the display."""
        self._console.print(line, style="yellow", soft_wrap=True)

    def __rich__(self) -> RenderableType:
        """Draw the present."""
        room = max(1, self._console.height - 4)
        urgent = sorted(self._journeys, key=_urgency)[:room]
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(overflow="fold")
        table.add_column(no_wrap=True)
        for journey in (one for one in self._journeys if one in urgent):
            table.add_row(Text(printable(journey.name)), stages_text(journey))
        ended = sum(journey.ended for journey in self._journeys)
        failed = sum(bool(journey.failure) for journey in self._journeys)
        below = f"{ended} of {len(self._journeys)} ended{f', {failed} failed' if failed else ''}"
        return Group(table, Text(below, style="dim"), *([self._spinner] if self._what else []))


Progress = PlainProgress | LiveProgress


@contextmanager
def shown(console: Console, journeys: Sequence[Journey], *, live: bool) -> Iterator[Progress]:
    """Show progress while the block runs."""
    if not live:
        yield PlainProgress(console)
        return
    progress = LiveProgress(console, journeys)
    with Live(progress, console=console, refresh_per_second=8):
        yield progress
        progress.doing("")


def _urgency(journey: Journey) -> int:
    if journey.failure:
        return 0
    return 1 + Stage.RECORDED - (journey.stage or 0) if not journey.ended else 9


def stages_text(journey: Journey) -> Text:
    """Mark each stage as done, failed, or to come; the marks say so without their colours."""
    line = Text()
    for stage, word in WORDS.items():
        mark, style = _mark(journey, stage)
        line.append(f"{mark} {word}  ", style=style)
    return line


def _mark(journey: Journey, stage: Stage) -> tuple[str, str]:
    """Return the mark of a stage: a run that failed is recorded, it is processing that failed."""
    failed_at = Stage.STARTED if journey.refusal else Stage.PROCESSING
    if journey.failure and stage is failed_at:
        return "✗", "bold red"
    if stage > (journey.stage or 0):
        return "·", "dim"
    return "✓", "cyan" if stage is journey.stage and not journey.ended else "green"


# ---- Results


def show_results(console: Console, journeys: Sequence[Journey], folder: Path) -> None:
    """Show the runs of files, their outputs in ``folder``, first rows, and what to do next."""
    console.print()
    console.print(outcome_table(journeys))
    console.print()
    good = next((one for one in journeys if one.run and one.run.succeeded), None)
    if good:
        _show_first_rows(console, good.name, folder / good.name)
    console.print("outputs, and the logs of jobs that failed:", style="dim")
    for journey in journeys:
        log = "job.log" if journey.failure else ""
        path = _short(folder / journey.name)
        if (folder / journey.name).exists():
            console.print(f"  {path}/{log}", soft_wrap=True)
    console.print()
    console.print(NEXT, soft_wrap=True)
    console.print()


def outcome_table(journeys: Sequence[Journey]) -> Table:
    """Return a table of files, with the status and every count of their runs."""
    table = plain_table()
    table.add_column("file", overflow="fold", ratio=1)
    table.add_column("status", no_wrap=True)
    for heading in ("took", "in", "out", "dup", "empty", "rej"):
        table.add_column(heading, justify="right", no_wrap=True)
    for journey in journeys:
        run = journey.run
        status = run.status if run else "REFUSED" if journey.refusal else "-"
        took = spelled(run.duration_seconds) if run and run.duration_seconds is not None else "-"
        counts = [count_text(run, name) if run else "-" for name in COUNTS]
        style = STYLES.get(status, "red")
        name = Text(printable(journey.name))
        table.add_row(name, Text(printable(status), style=style), took, *counts)
    return table


def first_rows(folder: Path, count: int) -> pl.DataFrame | None:
    """Read the first rows of the Parquet files in a folder; None when it has none."""
    import polars as pl  # noqa: PLC0415  (start-up time)

    parts = sorted(folder.rglob("*.parquet"))
    return pl.scan_parquet(parts, glob=False).head(count).collect() if parts else None


def rows_table(rows: pl.DataFrame) -> Table:
    """Return a table of rows, each in one line; values are cut off where the screen ends."""
    table = plain_table()
    chosen = rows.columns[:MOST_COLUMNS]
    for name in chosen:
        width = None if name == "text" else VALUE_WIDTH
        heading = Text(printable(name))
        table.add_column(heading, max_width=width)
    for row in rows.select(chosen).rows():
        texts = ("-" if one is None else printable(str(one)) for one in row)
        table.add_row(*(Text(text, no_wrap=True, overflow="ellipsis") for text in texts))
    return table


def _show_first_rows(console: Console, name: str, folder: Path) -> None:
    rows = first_rows(folder, FIRST_ROWS)
    if rows is None:
        console.print(f"{printable(name)}: the job left no Parquet files", soft_wrap=True)
        return
    hidden = len(rows.columns) - MOST_COLUMNS
    more = f" ({hidden} more columns)" if hidden > 0 else ""
    console.print(f"first rows of {printable(name)}{more}:", soft_wrap=True)
    console.print(rows_table(rows))
    console.print()


def _short(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
