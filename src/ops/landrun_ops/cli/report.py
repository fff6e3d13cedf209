"""``landrun report``: write the runs of the last weeks as an HTML page."""

import webbrowser
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


@on_stack
def report(
    target: Target,
    *,
    since: options.SinceOption = "30d",
    out: Annotated[
        Path | None,
        options.option("FILE", "The file to write. Default: report.html in this folder."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="How many runs at most; the newest are kept.")
    ] = 10_000,
    open_: options.OpenOption = False,
    json: options.JsonOption = False,
) -> None:
    """Write a report of the last 30 days as one HTML file, with charts and tables to filter.

    The file opens in any browser and needs no network. With --json, its data is written to stdout
    instead of the page; with --out as well, both are written.

    Example: landrun report --since 7d --open
    """
    now = utc_now()
    begin = beginning(since, now)
    file = out or (None if json and not open_ else Path("report.html"))
    found = _read(target, begin, now, limit)
    if file:
        try:
            file.write_bytes(render(found, chart_library()).encode())
        except OSError as error:
            raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
        older = "; older ones were left out, --limit takes more" if found.more else ""
        if not json:
            say(f"wrote {file}, with {count(len(found.runs), 'run')}{older}: open it in a browser")
        if open_:
            open_in_browser(file.absolute().as_uri())
    if json:
        show_json(found.model_dump(mode="json", exclude_none=True))


def _read(target: Target, begin: datetime, now: datetime, limit: int) -> Report:
    stack, runs = target.find(), []
    newest = stack.runs_reader().newest(now, min(limit + 1, 1000), since=begin)
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


def open_in_browser(address: str) -> None:
    """Open an address in the user's browser; report if there is none."""
    if not webbrowser.open(address):
        complain(f"found no browser: open {address}")


def laptop_logs(target: Target) -> Path | None:
    """Return the folder of the function logs of the laptop's AWS, or None."""
    try:
        return Path(read_state(state_folder(target.state_dir, target.project))["logs"])
    except (ConfigurationError, LocalAwsError, KeyError):
        return None
