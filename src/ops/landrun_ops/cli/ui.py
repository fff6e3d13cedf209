"""``landrun ui``: a stack's page, which stays up to date."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.clock import utc_now
from landrun.errors import ServiceError
from landrun.sanitize import plain_json
from landrun_ops.cli import options
from landrun_ops.cli.console import say, stack_options, stoppable
from landrun_ops.cli.report import laptop_logs, open_in_browser
from landrun_ops.cli.show import as_json, commands
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.job_logs import JobLogs
from landrun_ops.stack.run_details import find, gather, newest_job
from landrun_ops.units import since as beginning
from landrun_ops.web.ignored import count_ignored
from landrun_ops.web.live import LiveStack

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

SPAN = timedelta(days=30)
"""How far back runs are shown, unless --since says otherwise."""

LOG_LINES = 40
"""Lines of a job's log that the page of a run shows."""


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
            help="Where to listen; 0 takes a free one. Default: 8765 or, if taken, a free one.",
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
    now = utc_now()
    span = now - beginning(since, now)
    stack, where, logs = target.find(), stack_options(target), laptop_logs(target)
    with (
        contextlib.suppress(KeyboardInterrupt),
        stoppable(),
        live_page(stack, where, logs=logs, span=span, port=port) as address,
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

    ``where`` holds the options by which commands find the stack, after a space, and ``logs`` is
    the folder of the laptop's functions' logs. Raises ConfigurationError when the port is taken.
    """
    from landrun_ops.web.server import HOST, application, new_token, served  # noqa: PLC0415  (flask)

    def ignored() -> Any:
        now = utc_now()
        return count_ignored(stack, logs, now - span, now)

    token = new_token()
    app = application(
        LiveStack(stack, span, ignored), token, lambda name: describe(stack, name, where)
    )
    with served(app, port) as number:
        yield f"http://{HOST}:{number}/?token={token}"


def describe(stack: Stack, name: str, where: str) -> dict[str, Any]:
    """Return a run as ``landrun show --json`` has it, the end of its log, and commands.

    Raises ConfigurationError when there is no such run.
    """
    now = utc_now()
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
