"""What every command shows, and how."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from landrun.sanitize import plain_json, printable

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 200
"""Columns when the output is not a terminal and COLUMNS does not say: nothing is cut off."""

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, kill, and the closing of the terminal."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let kill and a closed terminal end the block as Ctrl-C does, so that it tidies up."""
    before = {name: signal.signal(name, signal.default_int_handler) for name in STOPPING}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def complain(message: str) -> None:
    """Write one line to stderr, whatever line breaks and control characters the message has."""
    typer.echo(f"landrun: {printable(' '.join(message.split()))}", err=True)


def say(line: str) -> None:
    """Write one line to stdout; what could move the cursor is shown, not obeyed."""
    typer.echo(printable(line))


def show_json(content: Any) -> None:
    """Write ``content`` to stdout as JSON, safe to look at: what is not printable is escaped."""
    typer.echo(plain_json(content, indent=2))


def console(*, stderr: bool = False) -> Console:
    """Give a console on stdout, or stderr, that shows texts as they are, and obeys none."""
    from landrun_ops.cli.screen import Screen  # noqa: PLC0415  (start-up time)

    screen = Screen(highlight=False, markup=False, emoji=False, stderr=stderr)
    if not screen.is_terminal and "COLUMNS" not in os.environ:
        screen.width = PIPED_WIDTH
    return screen


def is_live() -> bool:
    """Whether a display that moves makes sense: on a terminal that is not a build's log."""
    return sys.stdout.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
