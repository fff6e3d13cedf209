"""``landrun runs``: the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from landrun_ops.cli import places
from landrun_ops.cli.terminal import console, show_json


def runs(
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    project: places.ProjectOption = None,
    state_dir: places.StateOption = None,
    json: Annotated[
        bool, typer.Option("--json", help="Write JSON, with all that is known.")
    ] = False,
) -> None:
    """Show the ledger, newest run first.

    Reads the table that LANDRUN_RUNS_TABLE names, or that of the laptop's AWS.

    Example: landrun runs --limit 50
    """
    table = places.ledger(state_dir, project)
    # Late: boto3 and rich take longer to import than --help may take.
    from landrun_ops.cli.tables import runs_table  # noqa: PLC0415
    from landrun_ops.runs import Runs  # noqa: PLC0415

    found = list(islice(Runs(*table).newest(datetime.now(UTC), page_size=min(limit, 100)), limit))
    if json:
        show_json([dict(run.attributes) for run in found])
    elif found:
        screen = console()
        screen.print(runs_table(found, screen.width))
    else:
        typer.echo("no runs yet")
