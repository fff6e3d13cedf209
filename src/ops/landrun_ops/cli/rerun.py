"""``landrun rerun``: the same input again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from landrun.errors import AlreadyStarted, ConfigurationError, ServiceError
from landrun.models.run_record import RunRecord
from landrun_ops.actions import rerun as rerunning
from landrun_ops.actions.start import input_message_today, who
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, note, say, show_json, typed
from landrun_ops.cli.tables import short_name, trigger_text
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.stack import Stack
from landrun_ops.units import count
from landrun_ops.units import since as beginning

A_DAY = "1d"
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
        chosen = _failed(stack, beginning(since or A_DAY, now), now, aborted=aborted)
    else:
        named = (stack.ledger().named(name, now) for name in runs or ())
        chosen = list({run.name: run for run in named}.values())
    rerunning.check(chosen)
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
    found = stack.ledger().newest(now, 1000, since=begin)
    chosen, left_out = rerunning.choose(found, aborted=aborted)
    text = f"to run again: {count(len(chosen), 'run')} that failed since {begin:%Y-%m-%d %H:%M} UTC"
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
            started.append(rerunning.start(stack, run, message, person, once=once))
        except AlreadyStarted as error:
            note(f"{run.name} has been run again already, as {error.name}")
            continue
        except ServiceError:
            complain(f"started {len(started)} of {len(chosen)}; not those from {run.name} on")
            raise
        if not quiet:
            say(f"started {started[-1]['name']}, which repeats {run.name}")
