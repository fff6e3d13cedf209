"""``landrun land``: files into S3, where they start runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ServiceError
from landrun_ops.cli import options
from landrun_ops.cli.console import (
    complain,
    console,
    counted,
    is_live,
    note,
    say,
    show_json,
    stoppable,
    typed,
)
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.actions.land import Landed
    from landrun_ops.stack.stack import Stack

QUIET_SECONDS = 60.0
"""After so long, a line says how to find out what is waited for."""


@on_stack
def land(
    target: Target,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Files, or folders of files.", show_default=False),
    ],
    *,
    prefix: Annotated[
        str,
        typer.Option(
            metavar="FOLDER", help="A folder below the landing prefix.", show_default=False
        ),
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the runs have ended, and say how.")
    ] = False,
    json: options.JsonOption = False,
) -> int:
    """Put files under the landing prefix, where each starts a run or waits for the next tick.

    A folder's files keep their paths inside it. A file that would start no run is refused before
    anything lands. Large files are uploaded in parts; the bucket's default encryption applies. With
    --wait, exits with 1 when a run did not succeed; Ctrl-C ends the waiting, not the runs.

    Example: landrun land samples/orders.jsonl --wait
    """
    stack = target.find()
    # Late: boto3 takes longer to import than --help may take.
    from landrun_ops.actions.land import plan  # noqa: PLC0415

    uploads = plan(stack, files, prefix)
    landed: list[Landed] = []
    ended: list[RunRecord] = []
    code = 0
    try:
        with stoppable():
            _upload(stack, uploads, landed, quiet=json)
            if wait:
                _wait(stack, landed, ended, target, quiet=json)
        code = 0 if all(run.succeeded for run in ended) else 1
    except (KeyboardInterrupt, ServiceError) as error:
        complain(f"{len(landed)} of {len(uploads)} landed; their runs go on: landrun runs")
        if isinstance(error, ServiceError):
            raise
        code = 130
    finally:
        if json:
            show_json(described(landed, ended))
    if not (wait or json):
        _say_what_next(stack, landed, target)
    return code


def _upload(stack: Stack, uploads: list[Any], landed: list[Landed], *, quiet: bool) -> None:
    from landrun_ops.actions.land import land  # noqa: PLC0415

    try:
        with _transfer(sum(one.size for one in uploads)) as moved:
            for upload in uploads:
                landed.append(land(stack, upload, moved))  # noqa: PERF401  (one may fail)
    finally:  # not before: a line would end up in the bar
        if not quiet:
            for one in landed:
                say(f"landed {one.uri}")


def _wait(
    stack: Stack,
    landed: list[Landed],
    ended: list[RunRecord],
    target: Target,
    *,
    quiet: bool,
) -> None:
    """Wait for the runs, and say of each how it ended."""
    from landrun_ops.actions.land import follow, run_of  # noqa: PLC0415

    began, late = time.monotonic(), list["Landed"]()
    try:
        with counted("runs ended", len(landed)) as count:
            for pending, runs in follow(stack, landed, time.sleep):
                ended += runs
                count(len(landed) - len(pending))
                if pending and not late and time.monotonic() - began > QUIET_SECONDS:
                    late = [one for one in pending if run_of(stack, one) is None] or pending
                    note(f"still waiting: {typed(target, 'explain', str(late[0].uri))} says why")
    finally:
        for run in ended:
            if not quiet:
                say(f"{run.name}  {end_text(run)}")
            if not run.succeeded:
                complain(f"why: {typed(target, 'show', run.name)}")


def end_text(run: RunRecord) -> str:
    """Say in a line how a run ended."""
    from landrun_ops.cli.follow import outcome  # noqa: PLC0415
    from landrun_ops.units import spelled  # noqa: PLC0415

    if run.succeeded:
        return outcome(run)
    why = run.reason or "the run gave no reason"
    return f"{run.status} after {spelled(run.duration_seconds or 0)}: {why}"


def _say_what_next(stack: Stack, landed: list[Landed], target: Target) -> None:
    if stack.output("StartOn") == "schedule":
        say("the next tick takes what has landed")
    say(f"what becomes of it: {typed(target, 'explain', str(landed[0].uri))}")
    say(f"all runs: {typed(target, 'runs')}")


def described(landed: list[Landed], ended: list[RunRecord]) -> dict[str, Any]:
    """Return as JSON what landed, and how its runs ended."""
    return {
        "landed": [
            {
                "file": str(one.upload.path),
                "uri": str(one.uri),
                "bytes": one.upload.size,
                "version_id": one.version_id or None,
                "run": one.run or None,
            }
            for one in landed
        ],
        "ended": [
            {
                "name": run.name,
                "status": run.status,
                "seconds": run.duration_seconds,
                "reason": None if run.succeeded else run.reason,
                "summary": dict(run.summary) or None,
            }
            for run in ended
        ],
    }


@contextmanager
def _transfer(total: int) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how many bytes have been sent, how fast, and how long it will take."""
    if not is_live(stderr=True):
        yield lambda _: None
        return
    from rich import progress  # noqa: PLC0415

    columns = (
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda count: shown.advance(task, count)
