"""Run the same input again, under a new name that is linked to the run before."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from landrun.clock import utc_now
from landrun.errors import AlreadyStarted, ConfigurationError
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.models.run_record import RunRecord
from landrun_ops.stack.stack import Stack

STOPPED = "ABORTED"
"""The status of a run that somebody has stopped."""

REPAIRED, UNDER_WAY, LEFT_STOPPED = (
    "ran again and succeeded",
    "run again now",
    "stopped by somebody (--aborted includes them)",
)
"""Why a run that failed is not run again."""

_NAMESPACE = uuid.UUID("8c1f6f0e-5a0f-4f0b-9a54-6f0f0c2b7d13")
_CLOCK_SKEW = timedelta(seconds=5)


def start(
    stack: Stack, run: RunRecord, input_message: str, started_by: str, *, once: bool = False
) -> dict[str, str]:
    """Start a run over the input of another, with an output folder of its own; return its names.

    With ``once``, this failure runs again only once, however often that is asked: the name is made
    from it, like that of a landing's run. Otherwise it is random. Raises AlreadyStarted when it
    ran again before; ServiceError when Step Functions refuses the call or cannot be reached.
    """
    failure = uuid.uuid5(_NAMESPACE, f"{run.name}/{run.redrive_count}") if once else None
    name = manual_run_name(stack.output("JobNamePrefix"), failure)
    asked_at = utc_now()
    started = stack.executions().start(
        ExecutionInput(
            PreprocessingJobName=name,
            InputMessage=input_message,
            OutputProcessedMessage=f"{stack.processed}{name}/",
            Trigger=ManualTrigger(StartedBy=started_by, RerunOf=run.name),
        )
    )
    if once and started.started_at < asked_at - _CLOCK_SKEW:
        raise AlreadyStarted(name)
    return {"name": name, "rerun_of": run.name, "execution_arn": started.arn}


def check(runs: Iterable[RunRecord]) -> None:
    """Refuse runs that still run, as their objects would be processed twice at once.

    Raises ConfigurationError when one does, or the runs table does not say what one read.
    """
    for run in runs:
        if not run.finished:
            raise ConfigurationError(
                f"{run.name} is still {run.status}: wait for its end (landrun logs {run.name}"
                " --follow) or stop it with landrun stop"
            )
        if not run.input_message:
            raise ConfigurationError(
                f"the runs table does not say what {run.name} read: use landrun start"
            )


def choose(
    runs: Iterable[RunRecord], *, aborted: bool = False
) -> tuple[list[RunRecord], Counter[str]]:
    """Choose what to run again among all runs of a time, given the newest first.

    A run, its reruns and theirs are one piece of work. It is left out if one of them succeeded or
    is running, or if somebody stopped the newest, unless ``aborted``; otherwise the newest is run
    again. Returns those, the oldest first, and how many others are left out, by reason.
    """
    by_name = {run.name: run for run in runs}
    families: dict[str, list[RunRecord]] = {}
    for run in by_name.values():
        families.setdefault(_first(run, by_name), []).append(run)
    again: list[RunRecord] = []
    left_out: Counter[str] = Counter()
    for family in families.values():
        failed = [run for run in family if run.finished and not run.succeeded]
        if not failed:
            continue
        if any(run.succeeded for run in family):
            left_out[REPAIRED] += 1
        elif any(not run.finished for run in family):
            left_out[UNDER_WAY] += 1
        elif failed[0].status == STOPPED and not aborted:
            left_out[LEFT_STOPPED] += 1
        else:
            again.append(failed[0])
    return again[::-1], left_out


def _first(run: RunRecord, by_name: dict[str, RunRecord]) -> str:
    """Return the run that a run goes back to through what it repeats, even in a circle."""
    name, passed = run.name, {run.name}
    while name in by_name:
        before = by_name[name].rerun_of
        if not before or before in passed:
            return name
        passed.add(before)
        name = before
    return name
