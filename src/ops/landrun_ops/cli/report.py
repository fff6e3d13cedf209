"""``landrun report``: the ledger as a page to look at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from landrun.errors import ConfigurationError
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, counted, say, show_json
from landrun_ops.cli.target import Target, on_stack, state_folder

if TYPE_CHECKING:
    from datetime import datetime

    from landrun_ops.stack.stack import Stack
    from landrun_ops.web.ignored import Ignored
    from landrun_ops.web.reading import Report

DEFAULT = Path("report.html")

PAGE = 1000
"""Rows asked for at a time; DynamoDB gives a megabyte at most."""


@on_stack
def report(
    target: Target,
    *,
    since: options.SinceOption = "30d",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write it; else report.html, here."),
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
    # Late: boto3 takes longer to import than --help may take.
    from datetime import UTC, datetime  # noqa: PLC0415

    from landrun_ops.units import since as since_when  # noqa: PLC0415

    now = datetime.now(UTC)
    begin = since_when(since, now)
    file = out or (None if json and not open_ else DEFAULT)
    if file:
        _check(file)
    found = _read(target, begin, now, limit)
    if file:
        _write(found, file, quiet=json)
        if open_:
            open_in_browser(file.absolute().as_uri())
    if json:
        show_json(found.as_json())


def summed_up(found: Report) -> str:
    """Say in a line what the report is about, as ``12 runs: 10 succeeded, 2 failed``."""
    many = Counter(str(run["status"]).lower().replace("_", " ") for run in found.runs)
    runs = f"{len(found.runs):,} run{'' if len(found.runs) == 1 else 's'}"
    if not many:
        return f"no runs since {found.since:%Y-%m-%d %H:%M} UTC"
    parts = ", ".join(f"{count:,} {status}" for status, count in many.most_common())
    older = "; older ones were left out, --limit takes more" if found.more else ""
    return f"{runs}: {parts}{older}"


def open_in_browser(address: str) -> None:
    """Open an address in the user's browser; say so where there is none."""
    import webbrowser  # noqa: PLC0415  (reads the environment and looks for browsers)

    if not webbrowser.open(address):
        complain(f"found no browser: open {address}")


def _check(file: Path) -> None:
    """Find out before the ledger is read whether the file can be there."""
    if file.is_dir():
        raise ConfigurationError(f"{file} is a folder: name a file with --out")
    if not file.absolute().parent.is_dir():
        raise ConfigurationError(f"there is no folder {file.parent}: make it, or name another file")


def _read(target: Target, begin: datetime, now: datetime, limit: int) -> Report:
    from landrun_ops.web.reading import Report, read  # noqa: PLC0415

    stack = target.find()
    with counted("runs read") as told:
        newest = stack.ledger().newest(now, min(limit + 1, PAGE), since=begin)
        runs, more = read(newest, limit, told, consoles=not stack.laptop)
    return Report(
        stack=stack.name,
        region=stack.region,
        made_at=now,
        since=begin,
        runs=runs,
        more=more,
        ignored=ignored(stack, laptop_logs(target) if stack.laptop else None, begin, now),
        laptop=stack.laptop,
    )


def ignored(stack: Stack, logs: Path | None, begin: datetime, now: datetime) -> Ignored:
    """Count what landed and started no run, from the laptop's logs or from CloudWatch."""
    from landrun_ops.web.ignored import from_logs, from_metrics  # noqa: PLC0415

    if stack.laptop:
        return from_logs(logs, begin)
    return from_metrics(stack.client("cloudwatch"), stack.name, begin, now)


def laptop_logs(target: Target) -> Path | None:
    """Find the logs of the laptop's functions, where its state is known."""
    from landrun_ops.local.errors import LocalAwsError  # noqa: PLC0415
    from landrun_ops.local.state import read  # noqa: PLC0415

    try:
        return Path(read(state_folder(target.state_dir, target.project))["logs"])
    except (ConfigurationError, LocalAwsError, KeyError):
        return None


def _write(found: Report, file: Path, *, quiet: bool) -> None:
    from landrun_ops.web.library import chart_library  # noqa: PLC0415
    from landrun_ops.web.page import render  # noqa: PLC0415

    page = render(found, chart_library()).encode()
    try:
        file.write_bytes(page)
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
    if not quiet:
        say(summed_up(found))
        say(f"wrote {file} ({len(page) / 1e6:.1f} MB): open it in a browser")
