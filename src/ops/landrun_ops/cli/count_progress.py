"""How far a count has come, on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import printable

SECONDS_BETWEEN_LINES = 10.0

Counted = Callable[[int], None]
"""Takes how many there are by now."""


@contextmanager
def counted(what: str, total: int | None = None) -> Iterator[Counted]:
    """Show how many there are by now, of how many if that is known, while the block runs."""
    if not is_watched():
        yield _Lines(what, total, time.monotonic)
        return
    # Late: rich takes longer to import than --help may take.
    from rich import progress  # noqa: PLC0415

    from landrun_ops.cli.screen import Screen  # noqa: PLC0415

    number = progress.TextColumn("{task.completed:,.0f}" + ("/{task.total:,.0f}" if total else ""))
    parts = [progress.BarColumn(20), number, progress.TimeRemainingColumn()] if total else [number]
    columns = [progress.SpinnerColumn(), progress.TextColumn("{task.description}"), *parts]
    screen = Screen(stderr=True, highlight=False, markup=False, emoji=False)
    with progress.Progress(*columns, console=screen, transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.update(task, completed=count)


def ask(question: str, *, yes: bool) -> None:
    """Ask whether to go on; who cannot be asked has to have said ``--yes``.

    Raises
    ------
    ConfigurationError
        When nobody is at a terminal to answer.
    typer.Exit
        When the answer is no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError(f"{question} Nobody is here to answer: say --yes")
    if not typer.confirm(printable(question), err=True):
        typer.echo("nothing was done", err=True)
        raise typer.Exit


def is_watched() -> bool:
    """Whether somebody sees stderr move: it is a terminal, and not a build's log."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


class _Lines:
    """A line every so many seconds."""

    def __init__(self, what: str, total: int | None, clock: Callable[[], float]) -> None:
        self._what = what
        self._of = f" of {total:,}" if total else ""
        self._clock = clock
        self._last = clock()

    def __call__(self, count: int) -> None:
        if self._clock() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = self._clock()
            typer.echo(f"{self._what}: {count:,}{self._of}", err=True)
