"""``landrun land``: files into S3, where they start runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich import progress

from landrun_ops.actions import land as landing
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, console, is_live, say, show_json, stoppable, typed
from landrun_ops.cli.follow import Followed, follow
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.stack import Stack


@on_stack
def land(
    target: Target,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Files, or folders of files.", show_default=False),
    ],
    *,
    prefix: Annotated[
        str,
        typer.Option(
            metavar="FOLDER", help="A folder below the landing prefix.", show_default=False
        ),
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the runs have ended, and say how.")
    ] = False,
    json: options.JsonOption = False,
) -> int:
    """Put files under the landing prefix, where each starts a run or waits for the next tick.

    A folder's files keep their paths inside it. A file that would start no run is refused before
    anything lands. Large files are uploaded in parts; the bucket's default encryption applies. With
    --wait, exits with 1 when a run did not succeed; Ctrl-C ends the waiting, not the runs.

    Example: landrun land samples/orders.jsonl --wait
    """
    stack = target.find()
    uploads = landing.plan(stack, files, prefix)
    landed: list[landing.Landed] = []
    followed: list[Followed] = []
    try:
        with stoppable():
            _upload(stack, uploads, landed, quiet=json)
            for one in landed:
                label = one.uri.key.removeprefix(stack.landing.key)
                followed.append(Followed(label, partial(landing.run_of, stack, one)))
            if wait:
                follow(stack, followed, target, quiet=json)
    finally:
        if json:
            ended = {one.name: one.run.attributes() for one in followed if one.run and one.ended}
            show_json({"landed": [one.facts() for one in landed], "ended": [*ended.values()]})
    if wait:
        return 0 if all(one.succeeded for one in followed) else 1
    if not json:
        if stack.output("StartOn") == "schedule":
            say("the next tick takes what has landed")
        say(f"what becomes of it: {typed(target, 'explain', str(landed[0].uri))}")
        say(f"all runs: {typed(target, 'runs')}")
    return 0


def _upload(
    stack: Stack, uploads: list[landing.Upload], landed: list[landing.Landed], *, quiet: bool
) -> None:
    """Upload files one by one; on a terminal, a bar shows how fast and how long it will take."""
    bar = progress.Progress(
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        disable=not is_live(stderr=True),
    )
    task = bar.add_task("", total=sum(one.size for one in uploads))
    try:
        with bar:
            for upload in uploads:
                one = landing.land(stack, upload, partial(bar.advance, task))
                landed.append(one)
    finally:  # not before: a line would end up in the bar
        for one in () if quiet else landed:
            say(f"landed {one.uri}")
        if len(landed) < len(uploads):
            complain(f"{len(landed)} of {len(uploads)} landed; their runs go on: landrun runs")
