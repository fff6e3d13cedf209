"""``landrun backfill``: objects whose events never came, through the normal path."""

from __future__ import annotations

from typing import Annotated

import typer

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.console import stoppable


@places.on_stack
def backfill(
    target: places.Target,
    uri: Annotated[
        str,
        typer.Argument(
            metavar="URI", help="What to look at, as s3://bucket/prefix.", show_default=False
        ),
    ],
    *,
    missing: Annotated[
        bool, typer.Option("--missing", help="Leave out what has a run, or waits for one.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and send nothing.")] = False,
    rate: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Objects a second, at most.")
    ] = 50,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew where an earlier one was cut off.")
    ] = False,
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Process objects that landed before the stack, or whose events were lost.

    Sends, for the current version of each object, the event that S3 would have sent. A version that
    has a run finds it and gets no second one, unless that ran over 90 days ago: --missing leaves it
    out. Cut off, the same command goes on where it was.

    Example: landrun backfill s3://bucket/incoming/2026/ --missing --dry-run
    """
    stack = target.find()
    # Late, like all that takes longer to import than --help may take.
    from landrun_ops.cli.backfill_run import Asked, run_backfill  # noqa: PLC0415

    asked = Asked(uri, missing=missing, dry_run=dry_run, rate=rate, yes=yes, json=json)
    with stoppable():
        run_backfill(stack, asked, restart=restart)
