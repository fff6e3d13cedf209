"""What the commands share to write on a terminal: lines, JSON, counts, questions.

Texts of others (keys, causes, summaries) are shown, never obeyed: `printable` escapes what could
move the cursor.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json, printable
from landrun_ops.shell import quoted

if TYPE_CHECKING:
    from landrun_ops.cli.target import Target

PIPED_WIDTH = 200
"""Columns when the output is not a terminal and COLUMNS does not say."""

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, kill, and the closing of the terminal."""

SECONDS_BETWEEN_LINES = 10.0
"""How often a count is written where no display moves."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let kill and a closed terminal end the block as Ctrl-C does, so that it tidies up."""
    before = {name: signal.signal(name, signal.default_int_handler) for name in STOPPING}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


# ---- Lines and JSON


def complain(message: str) -> None:
    """Write an error to stderr, as one line."""
    typer.echo(f"landrun: {printable(' '.join(message.split()))}", err=True)


def note(line: str) -> None:
    """Write a line to stderr that is no error."""
    typer.echo(printable(line), err=True)


def say(line: str) -> None:
    """Write a line to stdout."""
    typer.echo(printable(line))


def show_json(content: Any) -> None:
    """Write ``content`` to stdout as JSON; what is not printable is escaped."""
    typer.echo(plain_json(content, indent=2))


def typed(target: Target, *words: str) -> str:
    """Return a command about the same stack, as it is to be typed."""
    return f"landrun {' '.join(map(quoted, words))}{stack_options(target)}"


def stack_options(target: Target) -> str:
    """Return the options by which the next command finds the same stack, after a space."""
    given = {
        "--stack": _unless_known(target.stack, "LANDRUN_STACK"),
        "--profile": target.profile,
        "--region": target.region,
        "--project": str(target.project or ""),
        "--state-dir": _unless_known(str(target.state_dir or ""), "LANDRUN_STATE_DIR"),
    }
    return "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value)


def _unless_known(value: str, variable: str) -> str:
    return "" if value == os.environ.get(variable) else value


# ---- The screen


class Screen(Console):
    """rich's console, without the escape sequences that rich lets through to the terminal."""

    def print(self, *objects: Any, **style: Any) -> None:
        """Print objects; strings are made printable."""
        super().print(*map(_plain, objects), **style)


def console(*, stderr: bool = False, **how: Any) -> Screen:
    """Return a console that shows texts as they are, without markup."""
    screen = Screen(highlight=False, markup=False, emoji=False, stderr=stderr, **how)
    if not (screen.is_terminal or "COLUMNS" in os.environ or "width" in how):
        screen.width = PIPED_WIDTH
    return screen


def _plain(one: Any) -> Any:
    return "\n".join(map(printable, one.split("\n"))) if isinstance(one, str) else one


def is_live(*, stderr: bool = False) -> bool:
    """Return True if a display may move: on a terminal that is not a build's log."""
    stream = sys.stderr if stderr else sys.stdout
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


# ---- Counts and questions


@contextmanager
def counted(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far a count has come while the block runs, a bar or a line now and then.

    Gives what takes the count.
    """
    if not is_live(stderr=True):
        yield _lines(what, total, time.monotonic)
        return
    from rich import progress  # noqa: PLC0415  (few commands need it)

    number = progress.TextColumn("{task.completed:,.0f}" + ("/{task.total:,.0f}" if total else ""))
    parts = [progress.BarColumn(20), number, progress.TimeRemainingColumn()] if total else [number]
    columns = [progress.SpinnerColumn(), progress.TextColumn("{task.description}"), *parts]
    with progress.Progress(*columns, console=console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.update(task, completed=count)


def _lines(what: str, total: int | None, clock: Callable[[], float]) -> Callable[[int], None]:
    last = clock()

    def show(count: int) -> None:
        nonlocal last
        if clock() - last >= SECONDS_BETWEEN_LINES:
            last = clock()
            typer.echo(f"{what}: {count:,}{f' of {total:,}' if total else ''}", err=True)

    return show


def ask(question: str, *, yes: bool) -> None:
    """Ask whether to go on, unless ``--yes`` was given.

    Raises ConfigurationError when nobody is at a terminal to answer; typer.Exit when the answer is
    no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError(f"{question} Nobody is here to answer: say --yes")
    if not typer.confirm(printable(question), err=True):
        typer.echo("nothing was done", err=True)
        raise typer.Exit
