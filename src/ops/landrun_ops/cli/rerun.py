"""``landrun rerun``: run the same input again."""

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from landrun.errors import AlreadyStarted, ConfigurationError, ServiceError
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.models.run_record import RunRecord
from landrun_ops.actions.start import input_message_today, who
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, note, say, show_json, typed
from landrun_ops.cli.tables import digits, first_run, trigger_text
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.stack import Stack
from landrun_ops.units import count
from landrun_ops.units import since as beginning

REPAIRED, UNDER_WAY = "ran again and succeeded", "run again now"
LEFT_STOPPED = "stopped by somebody (--aborted includes them)"
"""Why a run that failed is not run again."""

_NAMESPACE = uuid.UUID("8c1f6f0e-5a0f-4f0b-9a54-6f0f0c2b7d13")


@on_stack
def rerun(
    target: Target,
    runs: options.RunsArgument = None,
    *,
    failed: Annotated[
        bool, options.flag("All failed runs that have not been run again.", "--failed")
    ] = False,
    aborted: Annotated[
        bool, options.flag("With --failed: also runs that somebody stopped.", "--aborted")
    ] = False,
    since: options.SinceOption = "",
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Run the same inputs again, each under a new name and with an output of its own.

    The new run's trigger names the old one (rerun_of). Asks for confirmation if there are several.
    --failed looks back a day, or to --since. It leaves out runs that somebody stopped, and runs
    whose rerun succeeded or still runs, and reports how many.

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
        begin = beginning(since or "1d", now)
        runs_since = stack.runs_reader().newest(now, 1000, since=begin)
        chosen, left_out = choose(runs_since, aborted=aborted)
        others = "".join(f"; {number:,} {why}" for why, number in left_out.items())
        note(f"{count(len(chosen), 'failure')} to run again, since {begin:%Y-%m-%d %H:%M}{others}")
    else:
        named = (stack.runs_reader().named(name, now) for name in runs or ())
        chosen = list({run.name: run for run in named}.values())
    check(chosen)
    if len(chosen) > 1 and not yes:
        for run in chosen:
            note(f"  {digits(run.name)}  {run.status:9}  {trigger_text(run)}")
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


def choose(
    runs: Iterable[RunRecord], *, aborted: bool = False
) -> tuple[list[RunRecord], Counter[str]]:
    """Choose the runs to repeat among all runs of a period, given newest first.

    A run and all its reruns form one chain. A chain is left out if one of its runs succeeded or is
    running, or if somebody stopped the newest (unless ``aborted``); otherwise the newest is
    repeated. Returns these runs, oldest first, and how many are left out, by reason.
    """
    by_name = {run.name: run for run in runs}
    families: dict[str, list[RunRecord]] = {}
    for run in by_name.values():
        first = first_run(run, by_name)
        families.setdefault(first.rerun_of or first.name, []).append(run)
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


def check(runs: Iterable[RunRecord]) -> None:
    """Raise ConfigurationError if a run cannot be repeated, for example while it runs."""
    for run in runs:
        if not run.finished:  # its objects would be processed twice at once
            raise ConfigurationError(
                f"{run.name} is still {run.status}: wait for its end (landrun logs {run.name}"
                " --follow) or stop it with landrun stop"
            )
        if not run.input_message:
            raise ConfigurationError(
                f"the runs table does not say what {run.name} read: use landrun start"
            )


def _start(
    stack: Stack,
    chosen: list[RunRecord],
    started: list[dict[str, str]],
    *,
    once: bool,
    quiet: bool,
) -> None:
    """Start the runs; if one fails to start, report which were started."""
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
    """Start a run over another run's input, with its own output folder; return its name and ARN.

    With ``once``, its name is derived from the failed run, so that a failure is repeated only
    once. Raises AlreadyStarted when it has been repeated before, and ServiceError when Step
    Functions refuses.
    """
    failure = uuid.uuid5(_NAMESPACE, f"{run.name}/{run.redrive_count}") if once else None
    name = manual_run_name(stack.output("JobNamePrefix"), failure)
    execution_input = ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=input_message,
        OutputProcessedMessage=f"{stack.processed}{name}/",
        Trigger=ManualTrigger(StartedBy=started_by, RerunOf=run.name),
    )
    arn = stack.executions().start(execution_input).arn
    return {"name": name, "rerun_of": run.name, "execution_arn": arn}
