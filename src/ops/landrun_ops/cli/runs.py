"""``landrun runs``: the ledger."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.terminal import console, say

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.run_filter import Looking
    from landrun_ops.stack.run_search import Search
    from landrun_ops.stack.stack import Stack

SCREENFUL = 500
"""Runs that are laid out together; what comes after them has a heading of its own."""


class Status(StrEnum):
    """What became of a run, in the words of the option."""

    succeeded = "succeeded"
    failed = "failed"
    timed_out = "timed-out"
    aborted = "aborted"
    running = "running"


class Kind(StrEnum):
    """What started a run."""

    landing = "object-created"
    tick = "schedule"
    hand = "manual"
    outside = "outside"


STATUSES = {
    Status.succeeded: {"SUCCEEDED"},
    Status.failed: {"FAILED", "TIMED_OUT", "ABORTED"},
    Status.timed_out: {"TIMED_OUT"},
    Status.aborted: {"ABORTED"},
    Status.running: {"RUNNING", "PENDING_REDRIVE"},
}


@places.on_stack
def runs(
    target: places.Target,
    *,
    status: Annotated[
        list[Status] | None,
        typer.Option(
            metavar="WORD",
            help="Only these, repeatable: succeeded, running, failed (in any way), timed-out,"
            " aborted.",
            show_default=False,
            case_sensitive=False,
        ),
    ] = None,
    since: options.SinceOption = "",
    trigger: Annotated[
        Kind | None,
        typer.Option(
            metavar="KIND",
            help="Only those started so: object-created, schedule, manual, or outside of landrun.",
            show_default=False,
            case_sensitive=False,
        ),
    ] = None,
    contains: Annotated[
        str,
        typer.Option(
            metavar="KEY", help="Only those that read a key with this in it.", show_default=False
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many to show.")] = 20,
    json: options.JsonOption = False,
) -> None:
    """Show the ledger, newest run first.

    --contains looks at what landed and, for runs by schedule or by hand, into the newest 500
    manifests; landrun explain finds the runs of one whole key faster. What is looked for among
    more than 100,000 runs is looked for among the newest of them, unless --since says how far
    back. --json writes the rows with all that is known.

    Example: landrun runs --status failed --since 2d
    """
    # Late, here and below: boto3 and rich take longer to import than --help may take.
    from landrun_ops.durations import since as beginning  # noqa: PLC0415
    from landrun_ops.stack.run_filter import LOOKED_AT, Looking, Only  # noqa: PLC0415

    now = datetime.now(UTC)
    start = beginning(since, now) if since else None
    only = Only(
        status=frozenset().union(*(STATUSES[one] for one in status or ())),
        kind=trigger.value if trigger else "",
        contains=contains if trigger is Kind.landing else "",
    )
    stack = target.find()
    search = _search(stack, contains) if contains and not only.contains else None
    page = 1000 if search else min(limit + 1, 1000)
    filtered = bool(status or trigger or contains)
    looking = Looking(max(LOOKED_AT, limit)) if filtered and not start else None
    found = stack.ledger().newest(now, page, since=start, only=only, looking=looking)
    if search:
        found = _searched(search, found, limit + 1)
    shown = islice(found, limit)
    if json:
        _write(shown)
    else:
        _print(shown, found, limit, now, filtered=filtered or bool(since))
    _say_what_was_left(search, looking)


def _say_what_was_left(search: Search | None, looking: Looking | None) -> None:
    from landrun_ops.cli.terminal import complain  # noqa: PLC0415

    if looking and looking.back_to:
        complain(
            f"runs before {looking.back_to} were not looked at, for there are many: look back"
            " further with --since, as in --since 52w"
        )
    if search and search.left:
        complain(
            f"{search.left} older runs by schedule or by hand were not looked into, after"
            f" {search.manifests} manifests: narrow it down with --since or --trigger"
        )


def _search(stack: Stack, text: str) -> Search:
    from landrun_ops.stack.inputs import Inputs  # noqa: PLC0415
    from landrun_ops.stack.run_search import Search  # noqa: PLC0415

    return Search(text, Inputs(stack.client("s3"), stack.manifests_folder).of_run)


def _searched(search: Search, runs: Iterator[RunRecord], most: int) -> Iterator[RunRecord]:
    """Find runs, and be done with the display of it before they are shown."""
    with closing(_counted(runs)) as counted, closing(search.among(counted)) as found:
        return iter(list(islice(found, most)))


def _counted(runs: Iterator[RunRecord]) -> Generator[RunRecord, None, None]:
    """Show on a terminal how many runs have been looked through: it may take a while."""
    if not sys.stderr.isatty():
        yield from runs
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status("looking through runs") as status:
        for count, run in enumerate(runs, start=1):
            status.update(f"looking through runs: {count:,}")
            yield run


def _write(found: Iterator[RunRecord]) -> None:
    """Write a JSON list, row by row: it may be longer than memory."""
    from landrun.sanitize import plain_json  # noqa: PLC0415

    head = "["
    for run in found:
        row = plain_json(run.attributes(), indent=2).replace("\n", "\n  ")
        typer.echo(f"{head}\n  {row}", nl=False)
        head = ","
    typer.echo("[]" if head == "[" else "\n]")


def _print(
    shown: Iterator[RunRecord],
    rest: Iterator[RunRecord],
    limit: int,
    now: datetime,
    *,
    filtered: bool,
) -> None:
    from landrun_ops.cli.tables import runs_table, shows_output  # noqa: PLC0415

    screen = console()
    count, why = 0, False
    while screenful := list(islice(shown, SCREENFUL)):
        table = runs_table(screenful, screen.width, now)
        screen.print(table)
        count += len(screenful)
        why |= not shows_output(table) and any(
            run.finished and not run.succeeded for run in screenful
        )
    if not count:
        say("no run matches" if filtered else "no runs yet")
        return
    notes = ["why one failed: landrun show RUN"] if why else []
    if next(rest, None):
        notes.insert(0, f"the newest {count}; more with --limit {2 * limit}")
    if notes:
        screen.print("; ".join(notes), style="dim")
