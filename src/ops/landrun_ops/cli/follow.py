"""A run that was started by hand, followed to its end on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from landrun_ops.cli.console import console, is_live
from landrun_ops.units import spelled

if TYPE_CHECKING:
    from rich.console import RenderableType

    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.run_progress import RunProgress, Watcher

STILL_SECONDS = 60.0
"""How often a line says that a run still does the same, where no display moves."""


def wait_for(watcher: Watcher, name: str) -> tuple[RunProgress, RunRecord | None]:
    """Show how far a run is until it has ended; return its end, and its row of the runs table.

    The row is None when the table does not have the end within some seconds.

    Raises
    ------
    ServiceError
        When AWS refuses a call, or cannot be reached for five minutes.
    """
    # Late, here and below: boto3 and rich take longer to import than --help may take.
    from landrun_ops.stack.run_progress import follow as looks  # noqa: PLC0415
    from landrun_ops.stack.run_progress import recorded  # noqa: PLC0415

    with _shown() as show:
        for now in looks(watcher.look, clock=time.monotonic, sleep=time.sleep):
            show(now)
        return now, recorded(watcher, name, clock=time.monotonic, sleep=time.sleep)


def ending(end: RunProgress, row: RunRecord | None) -> str:
    """Say in a line how a run ended."""
    if end.status != "SUCCEEDED":
        return f"{end.status} after {spelled(end.seconds or 0)}: {end.reason}"
    return outcome(row) if row else f"SUCCEEDED in {spelled(end.seconds or 0)}"


def outcome(row: RunRecord) -> str:
    """Say in a line how a run ended well, with its counts where it has some."""
    from landrun_ops.cli.tables import counts_text  # noqa: PLC0415

    took, counts = f"{row.status} in {spelled(row.duration_seconds or 0)}", counts_text(row)
    return f"{took}: rows {counts}" if counts else took


class Waiting:
    """What a run does, and for how long, as a display that moves."""

    def __init__(self) -> None:
        self.progress: RunProgress | None = None
        self._began = time.monotonic()

    def __rich__(self) -> RenderableType:
        """Draw the present."""
        from rich.spinner import Spinner  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        if self.progress is None:
            return Spinner("dots", Text("looking"))
        line, note = progress_text(self.progress, datetime.now(UTC))
        text = Text(f"{line}, {spelled(time.monotonic() - self._began)} in all", overflow="fold")
        if note:
            text.append(f"\n  {note}", style="yellow")
        return Spinner("dots", text)


def progress_text(progress: RunProgress, now: datetime) -> tuple[str, str]:
    """Say what a run does, and why it waits or failed last; the latter may be empty."""
    from landrun.sanitize import printable  # noqa: PLC0415

    lasts = max(0.0, (now - progress.since).total_seconds())
    attempt = f" (job {progress.attempt})" if progress.attempt else ""
    line = f"{progress.phase.value} for {spelled(lasts)}{attempt}"
    return line, printable(progress.trouble or progress.note)


@contextmanager
def _shown() -> Iterator[Callable[[RunProgress], None]]:
    """Give what shows progress on stderr: a display that moves, or a line for each change."""
    if not is_live(stderr=True):
        yield _lines()
        return
    from rich.live import Live  # noqa: PLC0415

    display = Waiting()
    with Live(display, console=console(stderr=True), transient=True, refresh_per_second=8):
        yield lambda progress: setattr(display, "progress", progress)


def _lines() -> Callable[[RunProgress], None]:
    """Return what writes a line on stderr when a run does something else, and now and then."""
    import typer  # noqa: PLC0415

    from landrun_ops.stack.run_progress import Phase  # noqa: PLC0415

    began = time.monotonic()
    last: dict[str, Any] = {"what": None, "at": began}

    def show(progress: RunProgress) -> None:
        what = (progress.phase, progress.attempt, progress.note, bool(progress.trouble))
        now = time.monotonic()
        still = what == last["what"] and now - last["at"] < STILL_SECONDS
        if still or progress.phase is Phase.ENDED:  # the caller says how it ended
            return
        last.update(what=what, at=now)
        line, note = progress_text(progress, datetime.now(UTC))
        text = f"{line}: {note}" if note else line
        typer.echo(f"{now - began:6.1f} s  {text}", err=True)

    return show
