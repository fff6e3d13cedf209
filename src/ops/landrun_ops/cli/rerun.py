"""``landrun rerun``: the same input again."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from landrun.errors import AlreadyStarted, ConfigurationError, ServiceError
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.models.run_record import RunRecord
from landrun_ops.actions.start import input_message_today, who
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, note, say, show_json, typed
from landrun_ops.cli.tables import short_name, trigger_text
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.stack import Stack
from landrun_ops.units import count
from landrun_ops.units import since as beginning

REPAIRED, UNDER_WAY = "ran again and succeeded", "run again now"
LEFT_STOPPED = "stopped by somebody (--aborted includes them)"
"""Why a run that failed is not run again."""

_NAMESPACE = uuid.UUID("8c1f6f0e-5a0f-4f0b-9a54-6f0f0c2b7d13")
_CLOCK_SKEW = timedelta(seconds=5)

NAMED = 20
"""Runs that are named before they are started; of more, how many they are."""


@on_stack
def rerun(
    target: Target,
    runs: options.RunsArgument = None,
    *,
    failed: Annotated[
        bool,
        typer.Option("--failed", help="All that failed and that nobody has run again since."),
    ] = False,
    aborted: Annotated[
        bool, typer.Option("--aborted", help="With --failed: also those that somebody stopped.")
    ] = False,
    since: options.SinceOption = "",
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Run the same inputs again, each under a new name and with an output of its own.

    The new run's trigger names the old one (rerun_of). More than one asks first. --failed looks
    back a day, or to --since, and leaves out what somebody stopped, and what ran again since and
    succeeded or still runs; it says how many.

    Example: landrun rerun --failed --since 12h --yes
    """
    if bool(runs) == failed or ((since or aborted) and not failed):
        raise ConfigurationError(
            "name runs, or give --failed (with --since and --aborted) for those that failed in the"
            " last day: landrun runs --status failed lists some"
        )
    now = datetime.now(UTC)
    stack = target.find()
    if failed:
        chosen = _failed(stack, beginning(since or "1d", now), now, aborted=aborted)
    else:
        named = (stack.runs_reader().named(name, now) for name in runs or ())
        chosen = list({run.name: run for run in named}.values())
    check(chosen)
    if len(chosen) > 1 and not yes:
        for run in chosen[:NAMED]:
            note(f"  {short_name(run.name)}  {run.status:9}  {trigger_text(run)}")
        ask(f"start {count(len(chosen), 'run')} again?", yes=yes)
    started: list[dict[str, str]] = []
    try:
        _start(stack, chosen, started, once=failed, quiet=json)
    finally:
        if json:
            show_json(started)
    if started and not json:
        follow = ("watch",) if len(started) > 1 else ("logs", started[0]["name"], "--follow")
        say(f"follow: {typed(target, *follow)}")


def _failed(stack: Stack, begin: datetime, now: datetime, *, aborted: bool) -> list[RunRecord]:
    """Choose among the runs since then, and say how many are left out."""
    found = stack.runs_reader().newest(now, 1000, since=begin)
    chosen, left_out = choose(found, aborted=aborted)
    text = f"to run again: {count(len(chosen), 'failure')} since {begin:%Y-%m-%d %H:%M} UTC"
    others = ", ".join(f"{number:,} {why}" for why, number in left_out.items())
    note(f"{text}; left out: {others}" if others else text)
    return chosen


def _start(
    stack: Stack,
    chosen: list[RunRecord],
    started: list[dict[str, str]],
    *,
    once: bool,
    quiet: bool,
) -> None:
    """Start the runs; when one cannot be, say which others were."""
    # All of them first: when one is refused, none is started.
    messages = [input_message_today(stack, run.name, str(run.input_message)) for run in chosen]
    person = who(stack.client("sts")) if chosen else ""
    for run, message in zip(chosen, messages, strict=True):
        try:
            started.append(start_again(stack, run, message, person, once=once))
        except AlreadyStarted as error:
            note(f"{run.name} has been run again already, as {error.name}")
            continue
        except ServiceError:
            complain(f"started {len(started)} of {len(chosen)}; not those from {run.name} on")
            raise
        if not quiet:
            say(f"started {started[-1]['name']}, which repeats {run.name}")


def start_again(
    stack: Stack, run: RunRecord, input_message: str, started_by: str, *, once: bool = False
) -> dict[str, str]:
    """Start a run over the input of another, with an output folder of its own; return its names.

    With ``once``, this failure runs again only once, however often that is asked: the name is made
    from it, like that of a landing's run. Otherwise it is random. Raises AlreadyStarted when it
    ran again before; ServiceError when Step Functions refuses the call or cannot be reached.
    """
    failure = uuid.uuid5(_NAMESPACE, f"{run.name}/{run.redrive_count}") if once else None
    name = manual_run_name(stack.output("JobNamePrefix"), failure)
    asked_at = datetime.now(UTC)
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
        elif failed[0].status == "ABORTED" and not aborted:
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
