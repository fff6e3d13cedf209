"""``landrun ui``: serve a live page of a stack's runs."""

import contextlib
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

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
from landrun_ops.stack.stack import Stack
from landrun_ops.units import since as beginning
from landrun_ops.web.ignored import count_ignored
from landrun_ops.web.live import LiveStack

LOG_LINES = 40
"""How many lines of a job's log the page of a run shows."""


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
        ),
    ] = None,
    open_: options.OpenOption = False,
    json: options.JsonOption = False,
) -> None:
    """Serve a live page of the runs on this machine, until Ctrl-C.

    The page changes nothing. Open the whole address that is printed: its token is required. AWS is
    called only while the page is open; refused calls are noted on the page.

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
    span: timedelta = timedelta(days=30),
    port: int | None = None,
) -> Iterator[str]:
    """Serve the live page of a stack for the block; yield its address.

    ``where`` holds the options that name the stack, ``logs`` is the folder of the laptop's
    functions' logs. Raises ConfigurationError when the port is taken.
    """
    from landrun_ops.web.server import HOST, application, served  # noqa: PLC0415  (flask)

    def ignored() -> Any:
        now = utc_now()
        return count_ignored(stack, logs, now - span, now)

    token = secrets.token_urlsafe(24)
    app = application(
        LiveStack(stack, span, ignored), token, lambda name: describe(stack, name, where)
    )
    with served(app, port) as number:
        yield f"http://{HOST}:{number}/?token={token}"


def describe(stack: Stack, name: str, where: str) -> dict[str, Any]:
    """Return a run as ``landrun show --json`` does, with the end of its log and the next commands.

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
