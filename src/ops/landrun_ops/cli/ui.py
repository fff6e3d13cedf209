"""``landrun ui``: a stack's page, which stays up to date."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun_ops.cli import options
from landrun_ops.cli.console import say, stack_options, stoppable
from landrun_ops.cli.report import ignored, laptop_logs, open_in_browser
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

SPAN = timedelta(days=30)
"""How far back runs are shown, unless --since says otherwise."""

LOG_LINES = 40
"""Lines of a job's log that the page of a run shows."""

LAPTOP_INTERVAL, AWS_INTERVAL = 1.0, 5.0
"""Seconds between two looks at the same thing."""


@on_stack
def ui(
    target: Target,
    *,
    since: options.SinceOption = "30d",
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Where to listen; 0 takes a free one. Default: 8765 or, if taken, the next.",
            show_default=False,
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Serve a page of the runs, which stays up to date: on this machine, until Ctrl-C.

    The page only reads. Open the whole address that is printed: the token in it is required. AWS
    is asked only while the page is open; what it refuses is a note on the page.

    Example: landrun ui --stack landrun --open
    """
    from landrun.sanitize import plain_json  # noqa: PLC0415  (start-up time, here and below)
    from landrun_ops.units import since as beginning  # noqa: PLC0415

    now = datetime.now(UTC)
    span = now - beginning(since, now)
    stack = target.find()
    logs = laptop_logs(target) if stack.laptop else None
    with (
        contextlib.suppress(KeyboardInterrupt),
        stoppable(),
        live_page(stack, stack_options(target), logs=logs, span=span, port=port) as address,
    ):
        say(plain_json({"address": address}) if json else f"live page: {address}")
        sys.stdout.flush()
        if open_:
            open_in_browser(address)
        while True:
            time.sleep(1)


@contextmanager
def live_page(
    stack: Stack,
    where: str,
    *,
    logs: Path | None,
    span: timedelta = SPAN,
    port: int | None = None,
) -> Iterator[str]:
    """Serve the live page of a stack for the block; yield its address.

    Parameters
    ----------
    stack : Stack
        Which.
    where : str
        The options by which commands find the stack, with a space before.
    logs : Path or None
        The logs of the laptop's functions, for a stack there.
    span : timedelta
        How far back runs are shown.
    port : int, optional
        Where to listen; see `landrun_ops.web.server.served`.

    Raises
    ------
    ConfigurationError
        When the port is taken, or the stack is not one of landrun.
    """
    # Late: Flask and boto3 take longer to import than --help may take.
    from landrun_ops.web.live import LiveStack  # noqa: PLC0415
    from landrun_ops.web.server import HOST, application, new_token, served  # noqa: PLC0415

    def count_ignored() -> Any:
        now = datetime.now(UTC)
        return ignored(stack, logs, now - span, now)

    interval = LAPTOP_INTERVAL if stack.laptop else AWS_INTERVAL
    live, token = LiveStack(stack, span, count_ignored, interval), new_token()
    app = application(live, token, lambda name: describe(stack, name, where))
    with live.kept_up_to_date(), served(app, port) as number:
        yield f"http://{HOST}:{number}/?token={token}"


def describe(stack: Stack, name: str, where: str) -> dict[str, Any]:
    """Give all that is known of a run: as ``landrun show --json``, its log's end, and commands.

    Raises
    ------
    ConfigurationError
        When there is no such run.
    ServiceError
        When DynamoDB refuses a call or cannot be reached.
    """
    from landrun.errors import ServiceError  # noqa: PLC0415
    from landrun_ops.cli.show import as_json, commands  # noqa: PLC0415
    from landrun_ops.stack.job_logs import JobLogs  # noqa: PLC0415
    from landrun_ops.stack.run_details import find, gather, newest_job  # noqa: PLC0415

    now = datetime.now(UTC)
    row, recorded = find(stack, name, now)
    found = gather(stack, row, now, recorded=recorded)
    job, log = newest_job(row, found.events or ()), list[str]()
    try:
        log = JobLogs(stack.client("logs")).tail(job, LOG_LINES) if job else []
    except ServiceError as error:
        found.not_seen.append(f"could not see its log: {error}")
    shown = {"page": f"landrun show {row.name}{where}"}
    return {
        **as_json(found),
        "log": log,
        "manifest": found.input.manifest if found.input else "",
        "commands": shown | commands(found, now, where, laptop=stack.laptop),
    }
