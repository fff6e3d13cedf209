"""``landrun report``: the runs table as a page to look at."""

from __future__ import annotations

import webbrowser
from collections import Counter
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from landrun.clock import utc_now
from landrun.errors import ConfigurationError
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, counted, say, show_json
from landrun_ops.cli.target import Target, on_stack, state_folder
from landrun_ops.local.errors import LocalAwsError
from landrun_ops.local.state import read as read_state
from landrun_ops.units import count
from landrun_ops.units import since as beginning
from landrun_ops.web.facts import facts
from landrun_ops.web.ignored import count_ignored
from landrun_ops.web.page import Report, chart_library, render

PAGE = 1000
"""Rows asked for at a time; DynamoDB gives a megabyte at most."""


@on_stack
def report(
    target: Target,
    *,
    since: options.SinceOption = "30d",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it. Default: report.html, here."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most runs, the newest first.")] = 10_000,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Write a report of the last 30 days as one HTML file, with charts and tables to filter.

    It opens in any browser, from disk, and needs no network. With --json, what is in it is written
    to stdout instead; and to --out as well, where that is given.

    Example: landrun report --since 7d --open
    """
    now = utc_now()
    begin = beginning(since, now)
    file = out or (None if json and not open_ else Path("report.html"))
    if file and not file.absolute().parent.is_dir():  # before much is read
        raise ConfigurationError(f"there is no folder {file.parent}: make it, or name another file")
    found = _read(target, begin, now, limit)
    if file:
        page = render(found, chart_library()).encode()
        try:
            file.write_bytes(page)
        except OSError as error:
            raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
        if not json:
            say(summary(found))
            say(f"wrote {file} ({len(page) / 1e6:.1f} MB): open it in a browser")
        if open_:
            open_in_browser(file.absolute().as_uri())
    if json:
        show_json(found.model_dump(mode="json", exclude_none=True))


def _read(target: Target, begin: datetime, now: datetime, limit: int) -> Report:
    stack, runs = target.find(), []
    newest = stack.runs_reader().newest(now, min(limit + 1, PAGE), since=begin)
    with counted("runs read") as show:
        for number, run in enumerate(islice(newest, limit), start=1):
            runs.append(facts(run, laptop=stack.laptop))
            show(number)
    return Report(
        stack=stack.name,
        region=stack.region,
        laptop=stack.laptop,
        made_at=now,
        since=begin,
        more=next(newest, None) is not None,
        ignored=count_ignored(stack, laptop_logs(target), begin, now),
        runs=runs,
    )


def summary(found: Report) -> str:
    """Say in a line what the report is about, such as ``12 runs: 10 succeeded, 2 failed``."""
    many = Counter(run.status.lower().replace("_", " ") for run in found.runs)
    parts = ", ".join(f"{number:,} {status}" for status, number in many.most_common())
    older = "; older ones were left out, --limit takes more" if found.more else ""
    return f"{count(len(found.runs), 'run')}: {parts}{older}" if parts else "no runs"


def open_in_browser(address: str) -> None:
    """Open an address in the user's browser; say so if there is none."""
    if not webbrowser.open(address):
        complain(f"found no browser: open {address}")


def laptop_logs(target: Target) -> Path | None:
    """Return the folder of the logs of the laptop's functions; None where none is known."""
    try:
        return Path(read_state(state_folder(target.state_dir, target.project))["logs"])
    except (ConfigurationError, LocalAwsError, KeyError):
        return None
