"""``landrun runs``: list the runs table."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from landrun.clock import utc_now
from landrun.errors import ServiceError
from landrun.models.run_record import UNFINISHED, RunRecord
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, console, say, show_json, typed
from landrun_ops.cli.tables import digits, failure_lines, runs_table
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.runs_table import ANY, SEARCHED, RunFilter, RunsReader
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import max_concurrent_runs, slot_usage
from landrun_ops.units import since as beginning

Status = StrEnum("Status", ["succeeded", "failed", "timed-out", "aborted", "running"])
Kind = StrEnum("Kind", ["object-created", "schedule", "manual", "outside"])


@on_stack
def runs(
    target: Target,
    *,
    status: Annotated[
        list[Status] | None,
        options.option(
            "WORD",
            "Show only runs with this status; repeatable: succeeded, running, failed (in any way),"
            " timed-out, aborted.",
            case_sensitive=False,
        ),
    ] = None,
    since: options.SinceOption = "",
    trigger: Annotated[
        Kind | None,
        options.option(
            "KIND",
            "Show only runs of this trigger: object-created, schedule, manual, or outside.",
            case_sensitive=False,
        ),
    ] = None,
    contains: Annotated[
        str,
        options.option("KEY", "Show only runs started by an object whose key contains this."),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many runs to show.")] = 20,
    json: options.JsonOption = False,
) -> None:
    """List runs, newest first.

    A run that waits for a concurrency slot is WAITING. landrun explain finds the runs that read one
    object, including scheduled ones. Without --since, a search looks at the last 90 days.
    --json writes the rows of the runs table.

    Example: landrun runs --status failed --since 2d
    """
    now = utc_now()
    only = RunFilter(statuses(status or ()), trigger or "", contains)
    is_limited = only != ANY and not since
    start = beginning(since or f"{SEARCHED.days}d", now) if since or is_limited else None
    stack = target.find()
    reader, page = stack.runs_reader(), min(limit + 1, 1000)
    found = reader.newest(now, page, since=start, only=only)
    listed = list(islice(found, limit))
    if json:
        show_json([run.attributes() for run in listed])
    elif listed:
        waiting, repeated = _waiting(stack, listed), rerun_runs(reader, listed)
        console().print(runs_table(listed, now, waiting=waiting, repeated=repeated))
        _print_notes(listed, target, limit, more=next(found, None) is not None)
    else:
        say("no run matches" if start else "no runs yet")
    if is_limited and start and next(found, None) is None:
        complain(f"runs before {start:%Y-%m-%d} were not searched: go further with --since")


def statuses(words: Sequence[str]) -> frozenset[str]:
    """Return Step Functions' names of the statuses that the option names."""
    several = {"failed": {"FAILED", "TIMED_OUT", "ABORTED"}, "running": UNFINISHED}
    found = (several.get(word, {word.upper().replace("-", "_")}) for word in words)
    return frozenset().union(*found)


def _print_notes(listed: Sequence[RunRecord], target: Target, limit: int, *, more: bool) -> None:
    screen = console()
    for line in failure_lines(listed):
        screen.print(line, style="red")
    failed = [run for run in listed if run.finished and not run.succeeded]
    what, run = ("the failure", failed[0]) if failed else ("a run", listed[0])
    command = typed(target, "show", digits(run.name))
    screen.print(f"more about {what}: {command}", style="dim", soft_wrap=True)
    if more:
        screen.print(f"more runs: the same with --limit {2 * limit}", style="dim", soft_wrap=True)


def _waiting(stack: Stack, runs: Sequence[RunRecord]) -> Collection[str]:
    """Return which runs wait for a concurrency slot."""
    if not max_concurrent_runs(stack) or all(run.finished for run in runs):
        return ()
    try:
        return [one.name for one in slot_usage(stack).waiting]
    except ServiceError as error:
        complain(f"could not see which runs wait for a concurrency slot: {error}")
        return ()


def rerun_runs(reader: RunsReader, runs: Sequence[RunRecord]) -> dict[str, RunRecord]:
    """Return runs by name, with those that reruns among them repeat."""
    known = {run.name: run for run in runs}
    names = {run.rerun_of for run in runs if run.rerun_of} - known.keys()
    with suppress(ServiceError):
        rows = reader.batch(sorted(names)[:100])[0] if names else []
        known |= {run.name: run for run in rows}
    return known
