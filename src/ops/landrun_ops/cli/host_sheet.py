"""What each of a job's hosts did, laid out for the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from landrun.models.job_summary import in_order
from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line
from landrun_ops.cli.fact_sheet import Sheet
from landrun_ops.durations import spelled
from landrun_ops.sizes import size_text
from landrun_ops.stack.runs_table import mapping
from landrun_ops.web.facts import number

FIRST_HOSTS = 10
"""Hosts that are named; --json has all of them."""

NAME = 40


def show_hosts(page: Sheet, run: RunRecord) -> None:
    """Say how a run's work was shared, and what is wrong with it; nothing of a run of one host."""
    summary = run.summary
    shards = mapping(summary.get("shards"))
    page.fact("hosts", *list(_lines(shards))[:FIRST_HOSTS])
    if len(shards) > FIRST_HOSTS:
        page.more(f"and {len(shards) - FIRST_HOSTS} more", 0)
    if summary.get("duplicates_within") == "shard":
        page.more("duplicates are those within a host's own files", 0)
    page.fact("", one_line(str(summary.get("problem") or "")), style="yellow")


def _lines(shards: Mapping[str, Any]) -> Iterator[str]:
    for host in in_order(shards):
        shard = mapping(shards[host])
        yield f"{one_line(host, NAME)}: {', '.join(_facts(shard)) or 'said nothing'}"


def _facts(shard: Mapping[str, Any]) -> Iterator[str]:
    files, size, seconds = (number(shard.get(name)) for name in ("files", "bytes", "seconds"))
    if files == 0:
        yield "got no file"
        return
    if files is not None:
        yield f"{files:,.0f} file{'' if files == 1 else 's'}"
    if size is not None:
        yield size_text(size)
    for name, words in (("rows_in", "in"), ("rows_out", "out")):
        if (count := number(shard.get(name))) is not None:
            yield f"{count:,.0f} {words}"
    if seconds is not None:
        yield spelled(seconds)
