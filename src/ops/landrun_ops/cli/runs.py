"""``landrun runs``: list the runs table."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from landrun.errors import ServiceError
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, console, counted, say, typed
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from collections.abc import Collection

    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.run_filter import SearchLimit
    from landrun_ops.stack.run_search import Search
    from landrun_ops.stack.runs_table import RunsReader
    from landrun_ops.stack.stack import Stack

SCREENFUL = 500
"""Runs in one table; the next ones have a heading of their own."""

FIRST_NAMES = 5
"""Runs that are named beside a reason that many failed for."""

RERUNS_DEEP = 5
"""How many reruns of reruns to go back for the object that the first run read."""

MOST_LOOKED_UP = 100
"""Runs that are not in the list themselves, but that reruns in it repeat."""


class Status(StrEnum):
    """The state of a run, in the words of the option."""

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


@on_stack
def runs(
    target: Target,
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
            help="Only runs started by: object-created, schedule, manual, or outside of landrun.",
            show_default=False,
            case_sensitive=False,
        ),
    ] = None,
    contains: Annotated[
        str,
        typer.Option(
            metavar="KEY", help="Only runs that read a key with this in it.", show_default=False
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many to show.")] = 20,
    json: options.JsonOption = False,
) -> None:
    """List runs, newest first.

    A run that waits for a concurrency slot is WAITING. --contains looks at what landed and, for
    runs by schedule or by hand, into the newest 500 manifests; landrun explain finds the runs of
    one whole key faster. Without --since, a search looks at the newest 100,000 runs. --json writes
    the rows of the runs table.

    Example: landrun runs --status failed --since 2d
    """
    # Late, here and below: boto3 and rich take longer to import than --help may take.
    from landrun_ops.stack.run_filter import LOOKED_AT, RunFilter, SearchLimit  # noqa: PLC0415
    from landrun_ops.units import since as beginning  # noqa: PLC0415

    now = datetime.now(UTC)
    start = beginning(since, now) if since else None
    only = RunFilter(
        status=frozenset().union(*(STATUSES[one] for one in status or ())),
        kind=trigger.value if trigger else "",
        contains=contains if trigger is Kind.landing else "",
    )
    stack = target.find()
    search = _search(stack, contains) if contains and not only.contains else None
    page = 1000 if search else min(limit + 1, 1000)
    filtered = bool(status or trigger or contains)
    search_limit = SearchLimit(max(LOOKED_AT, limit)) if filtered and not start else None
    ledger = stack.ledger()
    found = ledger.newest(now, page, since=start, only=only, limit=search_limit)
    if search:
        found = _searched(search, found, limit + 1)
    shown = islice(found, limit)
    if json:
        _write(shown)
    elif not (listed := _print(shown, stack, ledger, now)):
        say("no run matches" if filtered or since else "no runs yet")
    else:
        _print_notes(listed, target, limit, more=next(found, None) is not None)
    _say_what_was_left(search, search_limit)


def _say_what_was_left(search: Search | None, search_limit: SearchLimit | None) -> None:
    if search_limit and search_limit.back_to:
        complain(
            f"runs before {search_limit.back_to} were not looked at, for there are many: look back"
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
    """Find runs, and end the display of the search before they are shown."""
    with closing(_counted(runs)) as looked, closing(search.among(looked)) as found:
        return iter(list(islice(found, most)))


def _counted(runs: Iterator[RunRecord]) -> Generator[RunRecord, None, None]:
    """Show how many runs have been looked through: it may take a while."""
    with counted("runs looked through") as count:
        for number, run in enumerate(runs, start=1):
            count(number)
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
    shown: Iterator[RunRecord], stack: Stack, ledger: RunsReader, now: datetime
) -> list[RunRecord]:
    """Print tables of runs, and why some failed; return the first of each status."""
    from landrun_ops.cli.tables import failures, runs_table  # noqa: PLC0415

    screen = console()
    first: dict[str, RunRecord] = {}
    while listed := list(islice(shown, SCREENFUL)):
        waiting = _waiting(stack, listed)
        table = runs_table(listed, now, waiting=waiting, rerun_runs=repeated(ledger, listed))
        screen.print(table)
        for why, names in failures(listed).items():
            which = ", ".join(names[:FIRST_NAMES]) + (" …" if names[FIRST_NAMES:] else "")
            screen.print(f"✗ {which}: {why}", style="red")
        first = {run.status: run for run in reversed(listed)} | first
    return list(first.values())


def _print_notes(listed: list[RunRecord], target: Target, limit: int, *, more: bool) -> None:
    from landrun_ops.cli.tables import digits  # noqa: PLC0415

    failed = [run for run in listed if run.finished and not run.succeeded]
    name = digits((failed or listed)[0].name)
    what = "more about the failure" if failed else "more about a run"
    console().print(f"{what}: {typed(target, 'show', name)}", style="dim", soft_wrap=True)
    if more:
        again = f"more runs: the same with --limit {2 * limit}"
        console().print(again, style="dim", soft_wrap=True)


def _waiting(stack: Stack, runs: Iterable[RunRecord]) -> Collection[str]:
    """Return which runs wait for a concurrency slot."""
    from landrun_ops.stack.waiting_executions import max_concurrent_runs, slots_of  # noqa: PLC0415

    if not max_concurrent_runs(stack) or all(run.finished for run in runs):
        return ()
    try:
        slots = slots_of(stack)
        return slots.usage().positions if slots else ()
    except ServiceError as error:
        complain(f"could not see which runs wait for a concurrency slot: {error}")
        return ()


def repeated(ledger: RunsReader, runs: Iterable[RunRecord]) -> dict[str, RunRecord]:
    """Return the runs that reruns among ``runs`` repeat, and those that they repeat, by name."""
    known = {run.name: run for run in runs}
    with ThreadPoolExecutor(8) as pool, suppress(ServiceError):
        for _ in range(RERUNS_DEEP):
            names = {run.rerun_of for run in known.values() if run.rerun_of} - known.keys()
            if not names:
                break
            found = pool.map(ledger.get, sorted(names)[:MOST_LOOKED_UP])
            rows = {run.name: run for run in found if run}
            if not rows:
                break
            known |= rows
    return known
