"""``landrun verify``: one file through a deployed stack, from landing to record."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

import typer

from landrun_ops.cli import places
from landrun_ops.cli.terminal import complain, show_json, stoppable

SAMPLE = Path("samples", "orders.jsonl")


def verify(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="What to land; else a sample of the project.", show_default=False
        ),
    ] = None,
    *,
    stack: Annotated[
        str,
        typer.Option(
            envvar="LANDRUN_STACK", metavar="NAME", help="A deployed stack; else the laptop's."
        ),
    ] = "",
    patience: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="Give up when nothing happens for this long."),
    ] = 900,
    project: places.ProjectOption = None,
    state_dir: places.StateOption = None,
    json: Annotated[bool, typer.Option("--json", help="Write the run's row as JSON.")] = False,
) -> int:
    """Land a file, follow its run, and say whether the stack works.

    The file gets a key of its own, landrun-verify-<uuid>, and stays, as its output does. With
    StartOn=schedule a tick is fired, which also starts the run of whatever waits. Exits with 1 when
    the run failed.

    Example: landrun verify --stack landrun
    """
    file = source or places.project_folder(project, Path.cwd()) / SAMPLE
    client, outputs = places.stack(stack, state_dir, project)
    # Late: what it needs takes longer to import than --help may take.
    from landrun_ops.cli.verify_run import run_verify  # noqa: PLC0415

    with stoppable():
        journey = run_verify(file, client, outputs, name=uuid.uuid4().hex, patience=patience)
    if json and journey.run:
        show_json(dict(journey.run.attributes))
    if journey.failure:
        complain(journey.failure)
    return 1 if journey.failure else 0
