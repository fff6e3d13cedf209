"""``landrun verify``: one file through a stack, from landing to record."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ConfigurationError, LandrunError
from landrun_ops.cli import options
from landrun_ops.cli.console import (
    complain,
    console,
    is_live,
    note,
    say,
    show_json,
    stoppable,
    typed,
)
from landrun_ops.cli.target import Target, on_stack, project_folder

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.stack import Stack

SAMPLE = Path("samples", "orders.jsonl")

SILENCE_SECONDS = 30.0
"""How long nothing may happen before `landrun doctor` is named."""


@on_stack
def verify(
    target: Target,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="What to land; else a sample of the project.", show_default=False
        ),
    ] = None,
    *,
    patience: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="Give up when no run starts for this long."),
    ] = 900,
    json: options.JsonOption = False,
) -> int:
    """Land a file, follow its run, and say whether the stack works.

    The file gets a key of its own, landrun-verify-<uuid>, and stays, as its output does. With
    StartOn=schedule a tick is fired, which also starts the run of whatever waits. --json writes the
    run's row. Exits with 1 when the run failed, or its job says that it read nothing.

    Example: landrun verify --stack landrun my-messages.csv
    """
    file = source or project_folder(target.project, Path.cwd()) / SAMPLE
    stack = target.find()
    with stoppable():
        name = _started(file, stack, target, patience)
        note(f"run {name}: {typed(target, 'show', name)}")
        run, failure = _followed(stack, name)
    failure = failure or (nothing_read(run) if run else "")
    if json:
        show_json(run.attributes() if run else {"name": name, "status": None, "cause": failure})
    elif run and not failure:
        say(verdict(run))
    if failure:
        complain(failure)
    logs, show = typed(target, "logs", name), typed(target, "show", name)
    note(f"why: {show}, and {logs}" if failure else f"what it read and wrote: {show}")
    return 1 if failure else 0


def _started(file: Path, stack: Stack, target: Target, patience: float) -> str:
    """Land a file and return the name of its run."""
    uri, find = _land(file, stack)
    note(f"landed {uri}")

    def hint() -> None:
        note(
            f"nothing has happened for {SILENCE_SECONDS:.0f} s: {typed(target, 'doctor')} looks"
            f" for the reason, and so does {typed(target, 'explain', uri)}"
        )

    waiting = "waiting for its run"
    with console(stderr=True).status(waiting) if is_live(stderr=True) else nullcontext():
        return wait_for_run(find, hint, patience=patience, clock=time.monotonic, sleep=time.sleep)


def wait_for_run(
    find: Callable[[], str],
    hint: Callable[[], None],
    *,
    patience: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> str:
    """Wait until a run has started and return its name.

    Parameters
    ----------
    find : callable
        Returns the run's name; an empty text as long as there is none.
    hint : callable
        Called once, after `SILENCE_SECONDS`.
    patience : float
        Seconds after which to give up.
    clock, sleep : callable
        A monotonic clock in seconds, and a wait of so many.

    Raises
    ------
    LandrunError
        When no run has started in time.
    """
    began, hinted = clock(), False
    while not (name := find()):
        waited = clock() - began
        if waited >= SILENCE_SECONDS and not hinted:
            hinted = True
            hint()
        if waited > patience:
            raise LandrunError(
                f"no run has started within {patience:.0f} s: look for the reason with landrun"
                " doctor, or wait longer with --patience"
            )
        sleep(1)
    return name


def _land(file: Path, stack: Stack) -> tuple[str, Callable[[], str]]:
    """Put a file under the landing prefix; return its URI, and what finds its run's name."""
    from landrun_ops.actions.land import Upload, land, run_of, why_refused  # noqa: PLC0415

    if not file.is_file() or not file.stat().st_size:
        raise ConfigurationError(f"{file} is no file with data: give a file of messages")
    name = f"landrun-verify-{uuid.uuid4().hex}{''.join(file.suffixes)}"
    upload = Upload(file, f"{stack.landing.key}{name}", file.stat().st_size)
    if why := why_refused(stack, upload):
        raise ConfigurationError(f"{file} would start no run: {why}")
    landed = land(stack, upload, lambda _: None)

    def find() -> str:
        run = run_of(stack, landed)
        return run.name if run else ""

    scheduled = stack.output("StartOn") == "schedule"
    return str(landed.uri), (lambda: _tick(stack)) if scheduled else find


def _tick(stack: Stack) -> str:
    """Fire a tick; return its run's name, or an empty text while the landing is not recorded."""
    from landrun_ops.actions.invoke import invoke, patient_config  # noqa: PLC0415

    due = datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    event = {"ScheduleArn": stack.output("ScheduleArn"), "ScheduledTime": due}
    client = stack.client("lambda", patient_config())
    done = invoke(client, "ScheduleFunction", stack.output("ScheduleFunction"), event)
    runs: list[dict[str, Any]] = done.get("Runs", [done])
    return next((one["PreprocessingJobName"] for one in runs if one.get("Objects")), "")


def _followed(stack: Stack, name: str) -> tuple[RunRecord | None, str]:
    """Follow a run to its end; return its row, and why it does not show that the stack works."""
    from landrun_ops.cli.follow import ending, wait_for  # noqa: PLC0415
    from landrun_ops.stack.run_progress import Watcher  # noqa: PLC0415

    end, run = wait_for(Watcher(stack, stack.executions().arn(name)), name)
    if end.status != "SUCCEEDED":
        return run, f"{name} {ending(end, run)}"
    return run, "" if run else f"{name} SUCCEEDED, but the runs table does not have its end"


def verdict(run: RunRecord) -> str:
    """Say whether a stack works, by a run that succeeded: only a job's summary says what it read.

    >>> print(verdict(RunRecord({"name": "r", "status": "SUCCEEDED", "summary": {"rows_in": 3}})))
    it works: r SUCCEEDED in 0.0 s: rows 3 in
    """
    from landrun_ops.cli.follow import outcome  # noqa: PLC0415

    if run.count("rows_in") is None:
        return (
            f"the run succeeded; what it read is unknown: {run.name} {outcome(run)}, and its job"
            " left no summary.json with rows_in"
        )
    return f"it works: {run.name} {outcome(run)}"


def nothing_read(run: RunRecord) -> str:
    """Say that a run succeeded without reading anything; empty when it read something."""
    if not run.succeeded or run.count("rows_in") != 0:
        return ""
    from landrun_ops.cli.follow import outcome  # noqa: PLC0415

    return (
        f"the run succeeded, but read nothing: {run.name} {outcome(run)}; see landrun doctor, and"
        f" landrun show {run.name}"
    )
