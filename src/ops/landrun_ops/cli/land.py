"""``landrun land``: upload files to the landing prefix, where they start runs."""

from functools import partial
from pathlib import Path
from typing import Annotated

from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

from landrun_ops.actions import land as landing
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, moving, say, show_json, stoppable, typed
from landrun_ops.cli.follow import Followed, follow
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.stack import Stack


@on_stack
def land(
    target: Target,
    files: Annotated[list[Path], options.argument("FILE", "Files, or folders of files.")],
    *,
    prefix: Annotated[str, options.option("FOLDER", "A folder below the landing prefix.")] = "",
    wait: options.WaitOption = False,
    json: options.JsonOption = False,
) -> int:
    """Put files under the landing prefix, where each starts a run or waits for the next tick.

    Files of a folder keep their paths inside it. A file that would start no run is refused before
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
    """Upload files one by one; on a terminal, with a progress bar."""
    bar = moving(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    task = bar.add_task("", total=sum(one.size for one in uploads))
    try:
        with bar:
            for upload in uploads:
                one = landing.land(stack, upload, partial(bar.advance, task))
                landed.append(one)
    finally:  # only now: before, the line would disturb the progress bar
        for one in () if quiet else landed:
            say(f"landed {one.uri}")
        if len(landed) < len(uploads):
            complain(f"{len(landed)} of {len(uploads)} landed; their runs go on: landrun runs")
