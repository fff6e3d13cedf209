"""``landrun rerun``: the same input again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from landrun.errors import AlreadyStarted, ConfigurationError, ServiceError
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, note, say, show_json, typed
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.actions.rerun import Choice, Missing, Started
    from landrun_ops.stack.stack import Stack

A_DAY = "1d"
NAMED = 20
"""Runs that are named before they are started; of more, how many they are."""

NAMED_KEYS = 3
AT_ONCE = 4
"""Runs whose objects are looked for at a time."""


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
) -> int:
    """Run the same inputs again, each under a new name and with an output of its own.

    The new run's trigger names the old one (rerun_of). More than one asks first. --failed looks
    back a day, or to --since, and leaves out what somebody stopped, and what ran again since and
    succeeded or still runs; it says how many.

    Example: landrun rerun --failed --since 12h --yes
    """
    if bool(runs) == failed:
        remedy = "give one of both" if failed else "landrun runs --status failed lists some"
        raise ConfigurationError(
            f"name runs, or give --failed for those that failed in the last day: {remedy}"
        )
    if (since or aborted) and not failed:
        option = "--since" if since else "--aborted"
        raise ConfigurationError(f"{option} is about --failed: give both, or the names alone")
    now = datetime.now(UTC)
    stack = target.find()
    if failed:
        chosen = _failed(stack, since or A_DAY, now, aborted=aborted)
    else:
        chosen = _named(stack, runs or [], now)
    if chosen:
        _warn(stack, chosen)
        _ask(chosen, yes=yes)
    started = _start(stack, chosen, once=failed, quiet=json) if chosen else []
    if json:
        show_json([asdict(one) for one in started])
    elif len(started) == 1:
        say(f"follow it: {typed(target, 'logs', started[0].name, '--follow')}")
    elif started:
        say(f"follow them: {typed(target, 'watch')}")
    return 0


def _named(stack: Stack, names: Sequence[str], now: datetime) -> list[RunRecord]:
    """Find the runs named, each once."""
    # Late, here and below: boto3 takes longer to import than --help may take.
    from landrun_ops.actions.rerun import check  # noqa: PLC0415

    ledger = stack.ledger()
    found = {run.name: run for run in (ledger.named(name, now) for name in names)}
    check(list(found.values()))
    return list(found.values())


def _failed(stack: Stack, since: str, now: datetime, *, aborted: bool) -> list[RunRecord]:
    """Choose among the runs since then, and say what was left out."""
    from landrun_ops.actions.rerun import check, choose  # noqa: PLC0415
    from landrun_ops.units import since as beginning  # noqa: PLC0415

    begin = beginning(since, now)
    chosen = choose(stack.ledger().newest(now, 1000, since=begin), aborted=aborted)
    note(choice_text(chosen, begin))
    check(chosen.runs)
    return list(chosen.runs)


def choice_text(chosen: Choice, begin: datetime) -> str:
    """Say how many of the runs since ``begin`` are to run again, and why others are not."""
    left = {
        "ran again and succeeded": chosen.repaired,
        "run again now": chosen.under_way,
        "stopped by somebody (--aborted includes them)": chosen.stopped,
    }
    others = ", ".join(f"{count} {words}" for words, count in left.items() if count)
    since = f"since {begin:%Y-%m-%d %H:%M} UTC"
    if not chosen.runs and not others:
        return f"nothing to run again: no run failed {since}"
    what = _runs(len(chosen.runs)) if chosen.runs else "none"
    text = f"to run again: {what} of those that failed {since}"
    return f"{text}; left out: {others}" if others else text


def _warn(stack: Stack, chosen: Sequence[RunRecord]) -> None:
    """Say which runs will not find what they read."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from landrun_ops.actions.rerun import missing  # noqa: PLC0415
    from landrun_ops.stack.inputs import Inputs  # noqa: PLC0415

    inputs = Inputs(stack.client("s3"), stack.manifests_folder)

    def look(run: RunRecord) -> str:
        try:
            return missing_text(run, missing(run, inputs))
        except ServiceError as error:
            return f"could not look for what {run.name} read: {error}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for warning in filter(None, pool.map(look, chosen)):
            complain(warning)


def missing_text(run: RunRecord, found: Missing) -> str:
    """Say what a run will not find; nothing when it will find all that was looked for."""
    if found.everything:
        uri = run.input_message
        return f"{run.name} will fail when it runs again: what it read, {uri}, is gone"
    if not found.objects:
        return ""
    named, others = ", ".join(found.objects[:NAMED_KEYS]), len(found.objects) - NAMED_KEYS
    return (
        f"what {run.name} reads is no longer all there, and it may fail: {len(found.objects)} of"
        f" {found.of} objects gone: {named}{f' and {others} more' if others > 0 else ''}"
    )


def _ask(chosen: Sequence[RunRecord], *, yes: bool) -> None:
    """Name the runs that would be started and ask, if there are several."""
    from landrun_ops.cli.tables import short_name, trigger_text  # noqa: PLC0415

    if len(chosen) == 1 or yes:
        return
    for run in chosen[:NAMED]:
        note(f"  {short_name(run.name)}  {run.status:9}  {trigger_text(run)}")
    if len(chosen) > NAMED:
        note(f"  and {len(chosen) - NAMED} more")
    ask(f"start {_runs(len(chosen))} again?", yes=yes)


def _start(stack: Stack, chosen: Sequence[RunRecord], *, once: bool, quiet: bool) -> list[Started]:
    """Start the runs; when one cannot be, say how far it came.

    Raises
    ------
    ServiceError
        When Step Functions refuses a call.
    """
    from landrun_ops.actions.manual_input import who  # noqa: PLC0415
    from landrun_ops.actions.rerun import Rerunner, input_message_of  # noqa: PLC0415
    from landrun_ops.actions.start import input_message_today  # noqa: PLC0415

    rerunner = Rerunner(
        stack.executions(),
        stack.processed,
        stack.output("JobNamePrefix"),
        who(stack.client("sts")),
    )
    # All of them first: when one is refused, none is started.
    messages = [input_message_today(stack, run.name, input_message_of(run)) for run in chosen]
    started: list[Started] = []
    for run, message in zip(chosen, messages, strict=True):
        try:
            started.append(rerunner.start(run, message, once=once))
        except AlreadyStarted as error:
            note(f"{run.name} has been run again already, as {error.name}")
            continue
        except ServiceError:
            complain(
                f"{len(started)} of {len(chosen)} were started, the others from {run.name} on not"
            )
            raise
        if not quiet:
            say(f"started {started[-1].name}, which repeats {run.name}")
    return started


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"
