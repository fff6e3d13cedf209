"""``landrun demo``: the whole way of the user's own files, on the laptop's AWS."""

from __future__ import annotations

import json as json_module
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.sanitize import printable
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, console, is_live, show_json, stoppable
from landrun_ops.cli.image import IMAGE
from landrun_ops.cli.target import ProjectOption, project_folder

if TYPE_CHECKING:
    from landrun_ops.actions.demo import Journey, Stack
    from landrun_ops.actions.docker import Docker
    from landrun_ops.cli.demo_screen import Progress

SAMPLES = "samples"
OUTPUT_FOLDER = Path(".landrun", "demo")
STATE_FOLDER = Path(".landrun", "demo-aws")
"""Apart from the state of `landrun local up`, which may be up at the same time."""

JOB_LOG = "job.log"
"""What the job of a run that failed wrote."""


def demo(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="INPUT",
            help="A file or folder of messages; else the project's samples.",
            show_default=False,
        ),
    ] = None,
    *,
    arguments: Annotated[
        str, typer.Option(metavar="TEXT", help="Appended to the job's arguments.")
    ] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter of the template; repeatable."),
    ] = None,
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
    project: ProjectOption = None,
    json: options.JsonOption = False,
) -> int:
    """Land files in S3 on the laptop's AWS and show what becomes of them.

    Starts AWS on the laptop, deploys template.yaml, lands each file, follows its run, and leaves
    the outputs in .landrun/demo. --parameter "JobEntrypoint=python3 /opt/program/count_lines.py"
    runs a script of your own. Exits with 1 when a run failed.

    Example: landrun demo messages.csv --arguments "--text-column v2"
    """
    # Late, here and below: what it needs takes longer to import than --help may take.
    from landrun_ops.cli.local import parsed_parameters  # noqa: PLC0415

    folder = project_folder(project, Path.cwd())
    given = parsed_parameters(parameter or [])
    with stoppable():
        journeys = run_demo(
            folder,
            source or folder / SAMPLES,
            given,
            arguments=arguments,
            patience=patience,
            image=image if docker else "",
            json=json,
        )
    failures = [f"{printable(one.name)}: {one.failure}" for one in journeys if one.failure]
    for failure in failures:
        complain(failure)
    return 1 if failures else 0


def run_demo(
    project: Path,
    source: Path,
    given: Mapping[str, str],
    *,
    arguments: str,
    patience: float,
    image: str,
    json: bool,
) -> list[Journey]:
    """Run the demo, show it, and return what became of each file.

    Parameters
    ----------
    project : Path
        The folder of template.yaml.
    source : Path
        A file, or a folder of files.
    given : mapping
        Parameters of the template that are not to have their defaults.
    arguments : str
        What to append to the job's arguments.
    patience : float
        Seconds without any change after which to give up.
    image : str
        What to run the jobs in, by Docker; empty to run them as subprocesses.
    json : bool
        Whether to write the results as JSON, and the progress to stderr.

    Raises
    ------
    LandrunError
        When there is nothing to run it on, AWS or Docker does not start, or nothing happens for
        longer than ``patience``.
    """
    from landrun_ops.actions.demo import Stack, data_files  # noqa: PLC0415
    from landrun_ops.cli.demo_screen import show_results, shown  # noqa: PLC0415
    from landrun_ops.local import LocalAws  # noqa: PLC0415

    screen, began = console(stderr=json), time.monotonic()
    defaults = {**parameter_defaults(project), **given}
    journeys, others = data_files(source, defaults["LandingPrefix"])
    docker = _docker(image)
    if others:
        names = printable(", ".join(others))
        screen.print(f"left out, not data or empty: {names}", style="dim", soft_wrap=True)
    parameters = {**given, **with_arguments(defaults, arguments)}
    parameters |= {"ImageUri": image} if image else {}
    folder, state = project / OUTPUT_FOLDER, project / STATE_FOLDER
    with shown(screen, journeys, live=is_live() and not json) as progress:
        progress.doing("starting AWS on this laptop and deploying template.yaml")
        with LocalAws.up(
            project,
            parameters=parameters,
            state_dir=state,
            report=progress.trouble,
            docker=docker,
        ) as aws:
            stack = Stack(aws.client, aws.outputs)
            _land(stack, journeys, progress)
            _follow(stack, journeys, progress, patience, float(defaults["MaxRuntimeInSeconds"]))
            progress.doing("bringing the outputs here, stopping AWS")
            _fetch(stack, journeys, folder)
    if json:
        show_json([described(one, folder) for one in journeys])
    else:
        show_results(screen, journeys, folder)
    screen.print(f"took {time.monotonic() - began:.1f} s", style="dim")
    return journeys


def described(journey: Journey, folder: Path) -> dict[str, Any]:
    """Return what became of a file: its run's row, and where the output is."""
    run = journey.run
    return {
        "file": str(journey.path),
        "key": journey.key,
        "failure": journey.failure or None,
        "output": str(folder / journey.name) if run and run.succeeded else None,
        "run": run.attributes() if run else None,
    }


def parameter_defaults(project: Path) -> dict[str, str]:
    """Read the defaults of template.yaml's parameters."""
    from landrun_ops.local.template import read  # noqa: PLC0415

    declared = read(project / "template.yaml")["Parameters"]
    return {name: str(rules.get("Default", "")) for name, rules in declared.items()}


def with_arguments(parameters: Mapping[str, str], arguments: str) -> dict[str, str]:
    """Return the parameter by which the job gets more arguments than those it has."""
    from landrun_ops.stack.engines import job_arguments  # noqa: PLC0415

    words = arguments.split()
    if not words:
        return {}
    return {"JobArguments": json_module.dumps([*job_arguments(parameters), *words])}


def _docker(image: str) -> Docker | None:
    """Return the Docker that has the image; None without one."""
    from landrun_ops.actions.docker import Docker  # noqa: PLC0415

    if not image:
        return None
    docker = Docker()
    docker.check(image, "make image builds the project's own, --image names another")
    return docker


def _land(stack: Stack, journeys: Sequence[Journey], progress: Progress) -> None:
    from landrun_ops.actions.demo import Stage  # noqa: PLC0415

    progress.doing("landing files")
    for journey in journeys:
        stack.upload(journey)
        journey.stage = Stage.LANDED
        progress.moved(journey, Stage.LANDED)


def _follow(
    stack: Stack,
    journeys: Sequence[Journey],
    progress: Progress,
    patience: float,
    job_seconds: float,
) -> None:
    from landrun_ops.actions.demo import follow  # noqa: PLC0415

    progress.doing("waiting for their runs")
    for journey in follow(
        journeys,
        stack,
        clock=time.monotonic,
        sleep=time.sleep,
        patience=patience,
        job_seconds=job_seconds,
    ):
        progress.moved(journey, journey.stage)


def _fetch(stack: Stack, journeys: Sequence[Journey], folder: Path) -> None:
    for journey in journeys:
        target = folder / journey.name
        shutil.rmtree(target, ignore_errors=True)
        if journey.run and journey.run.output_processed_message:
            stack.download(journey.run.output_processed_message, target)
        if journey.run and journey.failure and journey.run.job_name:
            target.mkdir(parents=True, exist_ok=True)
            log = stack.job_log(journey.run.job_name)
            (target / JOB_LOG).write_text(log, encoding="utf-8")
