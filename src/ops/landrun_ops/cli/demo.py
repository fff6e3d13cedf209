"""``landrun demo``: the whole main job on files of one's own, on the laptop's AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.console import complain, stoppable
from landrun_ops.cli.image import IMAGE

SAMPLES = "samples"


def demo(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[INPUT]",
            help="A file or folder of messages; else the project's samples.",
            show_default=False,
        ),
    ] = None,
    *,
    arguments: Annotated[
        str, typer.Option(metavar="TEXT", help="Appended to the job's arguments.")
    ] = "",
    patience: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="Give up when nothing happens for this long."),
    ] = 120,
    docker: Annotated[
        bool, typer.Option("--docker", help="Run the jobs in their container, as SageMaker does.")
    ] = False,
    image: Annotated[
        str, typer.Option(metavar="IMAGE", help="The container's image, with --docker.")
    ] = IMAGE,
    project: places.ProjectOption = None,
    json: options.JsonOption = False,
) -> int:
    """Land files in S3 on the laptop's AWS and show what becomes of them.

    Starts AWS on the laptop, deploys template.yaml, lands each file, follows its run, and leaves
    the outputs in .landrun/demo. Exits with 1 when a run failed.

    Example: landrun demo messages.csv --arguments "--text-column v2"
    """
    folder = places.project_folder(project, Path.cwd())
    # Late: what it needs takes longer to import than --help may take.
    from landrun_ops.cli.demo_run import run_demo  # noqa: PLC0415

    with stoppable():
        failures = run_demo(
            folder,
            source or folder / SAMPLES,
            arguments=arguments,
            patience=patience,
            image=image if docker else "",
            json=json,
        )
    for failure in failures:
        complain(failure)
    return 1 if failures else 0
