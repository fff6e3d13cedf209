"""``landrun verify``: one file through a deployed stack, from landing to record."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer

from landrun_ops.cli import target as places
from landrun_ops.cli.terminal import complain, say, show_json, stoppable

SAMPLE = Path("samples", "orders.jsonl")


@places.on_stack
def verify(
    target: places.Target,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="What to land; else a sample of the project.", show_default=False
        ),
    ] = None,
    *,
    patience: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="Give up when nothing happens for this long."),
    ] = 900,
    json: Annotated[bool, typer.Option("--json", help="Write the run's row as JSON.")] = False,
) -> int:
    """Land a file, follow its run, and say whether the stack works.

    The file gets a key of its own, landrun-verify-<uuid>, and stays, as its output does. With
    StartOn=schedule a tick is fired, which also starts the run of whatever waits. Exits with 1 when
    the run failed, or its job says that it read nothing.

    Example: landrun verify --stack landrun
    """
    file = source or places.project_folder(target.project, Path.cwd()) / SAMPLE
    stack = target.find()
    # Late: what it needs takes longer to import than --help may take.
    from landrun_ops.cli.verify_run import nothing_read, run_verify, verdict  # noqa: PLC0415

    with stoppable():
        journey = run_verify(file, stack, name=uuid.uuid4().hex, patience=patience)
    failure = journey.failure or (nothing_read(journey.run) if journey.run else "")
    if json:
        row = journey.run.attributes() if journey.run else {"status": None, "cause": failure}
        show_json(dict(row))
    elif journey.run and not failure:
        say(verdict(journey.run))
    if failure:
        complain(failure)
    return 1 if failure else 0
