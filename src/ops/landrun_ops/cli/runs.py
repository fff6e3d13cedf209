"""``landrun runs``: list the runs table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from landrun.clock import utc_now
from landrun.errors import ServiceError
from landrun.models.run_record import UNFINISHED, RunRecord
from landrun.sanitize import plain_json
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, console, say, typed
from landrun_ops.cli.tables import digits, failures, runs_table
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.run_filter import ANY, LOOKED_AT, RunFilter, SearchLimit
from landrun_ops.stack.runs_table import RunsReader
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import max_concurrent_runs, slots_of
from landrun_ops.units import since as beginning

FIRST_NAMES = 5
"""Runs that are named beside a reason that many failed for."""

RERUNS_DEEP = 5
"""How many reruns of reruns to go back for the object that the first run read."""

Status = StrEnum("Status", ["succeeded", "failed", "timed-out", "aborted", "running"])
Kind = StrEnum("Kind", ["object-created", "schedule", "manual", "outside"])


@on_stack
def runs(
    target: Target,
    *,
    status: Annotated[
        list[Status] | None,
        typer.Option(
            metavar="WORD",
            help="Show only these (repeatable): succeeded, running, failed (in any way), timed-out,"
            " aborted.",
            case_sensitive=False,
        ),
    ] = None,
    since: options.SinceOption = "",
    trigger: Annotated[
        Kind | None,
        typer.Option(
            metavar="KIND",
            help="Show only runs of this trigger: object-created, schedule, manual, or outside.",
            case_sensitive=False,
        ),
    ] = None,
    contains: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help="Show only runs started by an object whose key contains this.",
            show_default=False,
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many runs to show.")] = 20,
    json: options.JsonOption = False,
) -> None:
    """List runs, newest first.

    A run that waits for a concurrency slot is WAITING. landrun explain finds the runs of one
    object, also those by schedule. Without --since, a search looks at the newest 100,000 runs.
    --json writes the rows of the runs table.

    Example: landrun runs --status failed --since 2d
    """
    now = utc_now()
    start = beginning(since, now) if since else None
    only = RunFilter(statuses(status or ()), trigger or "", contains)
    search_limit = SearchLimit(max(LOOKED_AT, limit)) if only != ANY and not start else None
    stack = target.find()
    reader, page = stack.runs_reader(), min(limit + 1, 1000)
    found = reader.newest(now, page, since=start, only=only, limit=search_limit)
    shown = islice(found, limit)
    if json:
        _write(shown)
    elif listed := list(shown):
        waiting, repeated = _waiting(stack, listed), rerun_runs(reader, listed)
        console().print(runs_table(listed, now, waiting=waiting, repeated=repeated))
        _print_notes(listed, target, limit, more=next(found, None) is not None)
    else:
        say("no run matches" if only != ANY or start else "no runs yet")
    if search_limit and search_limit.back_to:
        complain(f"runs before {search_limit.back_to} were not searched: go further with --since")


def statuses(words: Sequence[str]) -> frozenset[str]:
    """Return what Step Functions calls the statuses of the option."""
    several = {"failed": {"FAILED", "TIMED_OUT", "ABORTED"}, "running": UNFINISHED}
    found = (several.get(word, {word.upper().replace("-", "_")}) for word in words)
    return frozenset().union(*found)


def _write(found: Iterator[RunRecord]) -> None:
    """Write a JSON list, row by row: it may be longer than memory."""
    head = "["
    for run in found:
        row = plain_json(run.attributes(), indent=2).replace("\n", "\n  ")
        typer.echo(f"{head}\n  {row}", nl=False)
        head = ","
    typer.echo("[]" if head == "[" else "\n]")


def _print_notes(listed: Sequence[RunRecord], target: Target, limit: int, *, more: bool) -> None:
    screen = console()
    for why, names in failures(listed).items():
        which = ", ".join(names[:FIRST_NAMES]) + (" …" if names[FIRST_NAMES:] else "")
        screen.print(f"✗ {which}: {why}", style="red")
    failed = [run for run in listed if run.finished and not run.succeeded]
    what, run = ("the failure", failed[0]) if failed else ("a run", listed[0])
    command = typed(target, "show", digits(run.name))
    screen.print(f"more about {what}: {command}", style="dim", soft_wrap=True)
    if more:
        screen.print(f"more runs: the same with --limit {2 * limit}", style="dim", soft_wrap=True)


def _waiting(stack: Stack, runs: Sequence[RunRecord]) -> Collection[str]:
    """Return which runs wait for a concurrency slot."""
    slots = slots_of(stack) if max_concurrent_runs(stack) else None
    if slots is None or all(run.finished for run in runs):
        return ()
    try:
        return slots.usage().positions
    except ServiceError as error:
        complain(f"could not see which runs wait for a concurrency slot: {error}")
        return ()


def rerun_runs(reader: RunsReader, runs: Sequence[RunRecord]) -> dict[str, RunRecord]:
    """Return the runs that reruns among ``runs`` repeat, and those that they repeat, by name."""
    known = {run.name: run for run in runs}
    with suppress(ServiceError):
        for _ in range(RERUNS_DEEP):
            names = {run.rerun_of for run in known.values() if run.rerun_of} - known.keys()
            rows = reader.batch(sorted(names)[:100])[0] if names else []
            if not rows:
                break
            known |= {run.name: run for run in rows}
    return known
