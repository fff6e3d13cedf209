"""``landrun show``: one run whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.hints import stack_options
from landrun_ops.cli.terminal import console, show_json

if TYPE_CHECKING:
    from landrun_ops.stack.run_details import OneRun


@places.on_stack
def show(
    target: places.Target, run: options.RunArgument, *, json: options.JsonOption = False
) -> int:
    """Show one run whole: what started it, what it read, did, waited for and wrote, and what next.

    Exits with 1 when the run failed.

    Example: landrun show 3f5d8f02
    """
    # Late, here and below: boto3 and rich take longer to import than --help may take.
    from landrun_ops.stack import run_details as onerun  # noqa: PLC0415

    now = datetime.now(UTC)
    stack = target.find()
    row, recorded = onerun.find(stack, run, now)
    found = onerun.gather(stack, row, now, recorded=recorded)
    if json:
        from landrun_ops.cli.run_sheet import as_json  # noqa: PLC0415

        show_json(as_json(found))
    else:
        _print(found, target, now, laptop=stack.laptop)
    return 1 if _failed(found) else 0


def _print(found: OneRun, target: places.Target, now: datetime, *, laptop: bool) -> None:
    from landrun_ops.cli.run_sheet import sheet  # noqa: PLC0415

    screen = console()
    for line in sheet(found, screen.width, now, stack_options(target), laptop=laptop).lines:
        screen.print(line, soft_wrap=True)


def _failed(found: OneRun) -> bool:
    status = found.ended_as or found.run.status
    return status in ("FAILED", "TIMED_OUT", "ABORTED")
