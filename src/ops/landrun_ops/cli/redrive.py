"""``landrun redrive``: dead letters, why they are there, and back to their source."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.console import stoppable


class Queue(StrEnum):
    """Whose dead letters, as they are named on the command line."""

    LANDINGS = "landings"
    SCHEDULE = "schedule"
    STATUSES = "statuses"


@places.on_stack
def redrive(
    target: places.Target,
    *,
    queue: Annotated[
        list[Queue] | None,
        typer.Option("--queue", help="Only this one's dead letters; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is there and why; move nothing.")
    ] = False,
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> int:
    """Say what lies in the dead-letter queues and why, and send it back.

    Mend the cause first. Landings and changes of status go back to their queues; ticks that failed
    are fired again. What was refused comes back, for no retry mends that. Exits with 1 when
    something could not be sent back, or failed again.

    Example: landrun redrive --dry-run
    """
    stack = target.find()
    # Late, like all that takes longer to import than --help may take.
    from landrun_ops.cli.redrive_run import run_redrive  # noqa: PLC0415

    wanted = [one.value for one in queue or Queue]
    with stoppable():
        return run_redrive(stack, wanted, dry_run=dry_run, yes=yes, json=json)
