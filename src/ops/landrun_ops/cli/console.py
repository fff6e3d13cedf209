"""Output shared by the commands: lines, JSON, progress and questions.

Texts from outside (keys, causes, summaries) cannot control the terminal: `printable` escapes
control characters.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich import progress
from rich.console import Console

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json, printable
from landrun_ops.shell import quoted

if TYPE_CHECKING:
    from landrun_ops.cli.target import Target

PIPED_WIDTH = 200
"""Width when the output is not a terminal and COLUMNS is not set."""

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, kill, and the closing of the terminal."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the block as Ctrl-C does, with its clean-up."""
    before = {name: signal.signal(name, signal.default_int_handler) for name in STOPPING}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def complain(message: str) -> None:
    """Write an error to stderr, as one line."""
    typer.echo(f"landrun: {printable(' '.join(message.split()))}", err=True)


def note(line: str) -> None:
    """Write a note to stderr, as one line."""
    typer.echo(printable(line), err=True)


def say(line: str) -> None:
    """Write a line to stdout."""
    typer.echo(printable(line))


def show_json(content: Any) -> None:
    """Write ``content`` to stdout as JSON; control characters are escaped."""
    typer.echo(plain_json(content, indent=2))


def typed(target: Target, *words: str) -> str:
    """Return a landrun command for the same stack, to be copied and run."""
    return f"landrun {' '.join(map(quoted, words))}{stack_options(target)}"


def stack_options(target: Target) -> str:
    """Return the options that name the same stack, with a leading space."""
    words, variables = "", {"stack": "LANDRUN_STACK", "state_dir": "LANDRUN_STATE_DIR"}
    for name, value in asdict(target).items():
        if value and str(value) != os.environ.get(variables.get(name, "")):
            words += f" --{name.replace('_', '-')} {shlex.quote(str(value))}"
    return words


class Screen(Console):
    """rich's console, without the escape sequences that rich lets through to the terminal."""

    def print(self, *objects: Any, **style: Any) -> None:
        """Print objects; strings are made printable."""
        shown = (printable(one) if isinstance(one, str) else one for one in objects)
        super().print(*shown, **style)


def console(*, stderr: bool = False, **how: Any) -> Screen:
    """Return a console that prints texts literally, without markup."""
    screen = Screen(highlight=False, markup=False, emoji=False, stderr=stderr, **how)
    if not (screen.is_terminal or "COLUMNS" in os.environ or "width" in how):
        screen.width = PIPED_WIDTH
    return screen


def is_live(*, stderr: bool = False) -> bool:
    """Return True if progress may be animated: on a terminal, and not in CI."""
    stream = sys.stderr if stderr else sys.stdout
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def moving(*columns: progress.ProgressColumn) -> progress.Progress:
    """Return a progress display on stderr; it shows nothing where it cannot be animated."""
    live = is_live(stderr=True)
    return progress.Progress(
        *columns, console=console(stderr=True), transient=True, disable=not live
    )


@contextmanager
def counted(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a count on stderr while the block runs; yield the function that updates it."""
    text = f"{what}: {{task.completed:,.0f}}{f' of {total:,}' if total else ''}"
    columns = (progress.SpinnerColumn(), progress.TextColumn(text), progress.TimeRemainingColumn())
    with moving(*columns) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.update(task, completed=count)


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
