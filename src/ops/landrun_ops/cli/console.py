"""What the commands share to write on a terminal: lines, JSON, fact sheets, counts, questions.

Texts of others (keys, causes, summaries) are shown, never obeyed: `printable` escapes what could
move the cursor. rich is imported late: it takes longer to import than ``--help`` may take.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json, printable
from landrun_ops.shell import quoted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

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


def console(*, stderr: bool = False, **how: Any) -> Console:
    """Return rich's console; it shows texts as they are, without markup or escape sequences."""
    from rich.console import Console as RichConsole  # noqa: PLC0415

    class Screen(RichConsole):
        """rich itself lets escape sequences in a text through to the terminal."""

        def print(self, *objects: Any, **style: Any) -> None:
            super().print(*map(_plain, objects), **style)

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


def show_lines(lines: Iterable[str]) -> None:
    """Write lines to stdout; what does not fit continues below the line's first word."""
    from rich.text import Text  # noqa: PLC0415

    screen = console()
    for line in lines:
        words = line.lstrip(" 0123456789,") if line.startswith(" ") else line
        indent = len(line) - len(words)
        for number, part in enumerate(
            Text(printable(words)).wrap(screen, max(20, screen.width - indent))
        ):
            before = " " * indent if number else line[:indent]
            screen.print(before + part.plain, soft_wrap=True)


class Sheet:
    """Collects facts beside their labels, as lines of at most ``width`` columns.

    Attributes
    ----------
    lines : list of Text
        What is to be printed, a line each.
    """

    LABEL = 10
    """Columns of the labels on the left."""

    def __init__(self, width: int) -> None:
        self._room = max(30, width) - self.LABEL
        self._console = console(width=width)
        self.lines: list[Text] = []

    def title(self, text: str, verdict: str, style: str) -> None:
        """Write what the sheet is about, and how it stands."""
        self._add((printable(text), "bold"), "  ", (printable(verdict), style))

    def gap(self) -> None:
        """Leave a line empty."""
        self._add()

    def heading(self, text: str) -> None:
        """Write what the lines below are about."""
        self._add((text, "dim"))

    def fact(self, label: str, *texts: str, style: str = "") -> None:
        """Write texts beside and below a label; empty ones are left out."""
        for text in filter(None, texts):
            self._write(label, text, style=style)
            label = ""

    def more(self, text: str, indent: int, style: str = "dim") -> None:
        """Write what belongs to the fact above, ``indent`` columns further to the right."""
        self._write("", text, style=style, indent=indent)

    def as_is(self, label: str, text: str, style: str = "") -> None:
        """Write a command or an address in one line of any length: people copy it whole."""
        self._add((f"{label:<{self.LABEL}}", "dim"), (printable(text), style))

    def _write(self, label: str, text: str, *, style: str, indent: int = 0) -> None:
        from rich.text import Text  # noqa: PLC0415

        for part in Text(printable(text)).wrap(self._console, self._room - indent):
            shown = " " * indent + part.plain
            self._add((f"{label:<{self.LABEL}}", "dim"), (shown, style))
            label = ""

    def _add(self, *parts: str | tuple[str, str]) -> None:
        from rich.text import Text  # noqa: PLC0415

        self.lines.append(Text.assemble(*parts))


# ---- Counts and questions


@contextmanager
def counted(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far a count has come while the block runs, a bar or a line now and then.

    Gives what takes the count.
    """
    if not is_live(stderr=True):
        yield _lines(what, total, time.monotonic)
        return
    from rich import progress  # noqa: PLC0415

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
