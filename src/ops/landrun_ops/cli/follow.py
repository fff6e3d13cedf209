"""A run that was started by hand, followed to its end on the screen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from landrun_ops.cli.terminal import complain, say, show_json
from landrun_ops.durations import spelled

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.run_progress import Standing, Watcher
    from landrun_ops.workflow import Outcome

STILL_SECONDS = 60.0
"""How often a line says that a run still does the same, where no display moves."""

COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
"""What the default job's summary counts."""


def follow(execution: Any, inputs: Mapping[str, Any], *, wait: bool, json: bool) -> int:
    """Show a run that was started by hand, to its end where asked.

    Parameters
    ----------
    execution : stepfunctions.workflow.Execution
        The SDK's.
    inputs : Mapping
        What it was started with.

    Returns
    -------
    int
        The exit code: 1 when it ended other than well, 130 when waiting was interrupted.

    Raises
    ------
    ServiceError
        When Step Functions refuses a call or cannot be reached.
    """
    # Late: pydantic and boto3 take longer to import than --help may take.
    from landrun_ops.workflow import outcome  # noqa: PLC0415

    name = inputs["PreprocessingJobName"]
    if not json:
        say(f"started {name}, reading {inputs['InputMessage']}")
    try:
        with _progress(name, shown=wait):
            ended = outcome(execution, wait=wait)
    except KeyboardInterrupt:
        complain(f"no longer waiting; the run goes on: {execution.execution_arn}")
        return 130
    if json:
        show_json(_report(execution.execution_arn, inputs, ended))
    elif wait:
        say(_ending(inputs, ended))
    return 1 if ended.status not in ("SUCCEEDED", "RUNNING") else 0


def wait_for(watcher: Watcher, name: str) -> tuple[Standing, RunRecord | None]:
    """Show how a run stands until it has ended; give its end, and its row of the ledger.

    The row is None when the ledger does not have the end within some seconds.

    Raises
    ------
    ServiceError
        When AWS refuses to say how it stands, or cannot be reached for five minutes.
    """
    # Late, here and below: boto3 and rich take longer to import than --help may take.
    from landrun_ops.stack.run_progress import follow as standings  # noqa: PLC0415
    from landrun_ops.stack.run_progress import recorded  # noqa: PLC0415

    with _shown() as show:
        for now in standings(watcher.look, clock=time.monotonic, sleep=time.sleep):
            show(now)
        return now, recorded(watcher, name, clock=time.monotonic, sleep=time.sleep)


def ending(end: Standing, row: RunRecord | None) -> str:
    """Say in a line how a run ended."""
    if end.status != "SUCCEEDED":
        return f"{end.status} after {spelled(end.seconds or 0)}: {end.reason}"
    return outcome(row) if row else f"SUCCEEDED in {spelled(end.seconds or 0)}"


def outcome(row: RunRecord) -> str:
    """Say in a line how a run of the ledger ended well, with its counts where it has some."""
    named = ((name.removeprefix("rows_"), row.count(name)) for name in COUNTS)
    counts = ", ".join(f"{count:,} {name}" for name, count in named if count is not None)
    took = f"{row.status} in {spelled(row.duration_seconds or 0)}"
    return f"{took}: rows {counts}" if counts else took


class Waiting:
    """What a run does, and for how long, as a display that moves."""

    def __init__(self) -> None:
        self.standing: Standing | None = None
        self._began = time.monotonic()

    def __rich__(self) -> RenderableType:
        """Draw the present."""
        from rich.spinner import Spinner  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        if self.standing is None:
            return Spinner("dots", Text("looking"))
        line, note = standing_text(self.standing, datetime.now(UTC))
        text = Text(f"{line}, {spelled(time.monotonic() - self._began)} in all", overflow="fold")
        if note:
            text.append(f"\n  {note}", style="yellow")
        return Spinner("dots", text)


def standing_text(standing: Standing, now: datetime) -> tuple[str, str]:
    """Say what a run does, and what is to be known of it; the latter may be empty."""
    from landrun.sanitize import printable  # noqa: PLC0415

    lasts = max(0.0, (now - standing.since).total_seconds())
    attempt = f" (job {standing.attempt})" if standing.attempt else ""
    line = f"{standing.phase.value} for {spelled(lasts)}{attempt}"
    return line, printable(standing.trouble or standing.note)


@contextmanager
def _shown() -> Iterator[Callable[[Standing], None]]:
    """Give what shows a standing on stderr: a display that moves, or a line for each change."""
    from landrun_ops.cli.screen import Screen  # noqa: PLC0415

    screen = Screen(stderr=True, highlight=False, markup=False, emoji=False)
    if not moves(screen):
        yield _lines()
        return
    from rich.live import Live  # noqa: PLC0415

    display = Waiting()
    with Live(display, console=screen, transient=True, refresh_per_second=8):
        yield lambda standing: setattr(display, "standing", standing)


def moves(screen: Console) -> bool:
    """Whether a display that moves makes sense: on a terminal that is not a build's log."""
    return screen.is_terminal and not os.environ.get("CI") and not screen.is_dumb_terminal


def _lines() -> Callable[[Standing], None]:
    """Give what writes a line on stderr when a run does something else, and now and then."""
    import typer  # noqa: PLC0415

    from landrun_ops.stack.run_progress import Phase  # noqa: PLC0415

    began = time.monotonic()
    last: dict[str, Any] = {"what": None, "at": began}

    def show(standing: Standing) -> None:
        what = (standing.phase, standing.attempt, standing.note, bool(standing.trouble))
        now = time.monotonic()
        still = what == last["what"] and now - last["at"] < STILL_SECONDS
        if still or standing.phase is Phase.ENDED:  # its end is told by whoever asked
            return
        last.update(what=what, at=now)
        line, note = standing_text(standing, datetime.now(UTC))
        text = f"{line}: {note}" if note else line
        typer.echo(f"{now - began:6.1f} s  {text}", err=True)

    return show


def _ending(inputs: Mapping[str, Any], ended: Outcome) -> str:
    seconds = f"{ended.seconds or 0:.0f} s"
    if ended.status == "SUCCEEDED":
        return f"{ended.status} in {seconds}: {inputs['OutputProcessedMessage']}"
    return f"{ended.status} after {seconds}: {ended.reason}"


def _report(arn: str, inputs: Mapping[str, Any], ended: Outcome) -> dict[str, Any]:
    return {
        "ExecutionArn": arn,
        **inputs,
        "Status": ended.status,
        "Seconds": ended.seconds,
        "Output": ended.output,
        "Error": ended.error,
        "Cause": ended.cause,
    }


@contextmanager
def _progress(name: str, *, shown: bool) -> Iterator[None]:
    """Show on a terminal that the run is running, and for how long."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    screen = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    hidden = not (shown and screen.is_terminal)
    with Progress(*columns, console=screen, transient=True, disable=hidden) as progress:
        progress.add_task(f"running {name}", total=None)
        yield
