"""One demo from the beginning to the end, on the screen."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from landrun.sanitize import printable
from landrun_ops.actions.demo import Journey, Observed, Stack, Stage, data_files, follow
from landrun_ops.actions.docker import Docker
from landrun_ops.cli.demo_progress import Progress, shown
from landrun_ops.cli.demo_results import show_results
from landrun_ops.cli.laptop import laptop
from landrun_ops.cli.terminal import console, is_live, show_json
from landrun_ops.local.template import read
from landrun_ops.stack.engines import engine

OUTPUT_FOLDER = Path(".landrun", "demo")
STATE_FOLDER = Path(".landrun", "demo-aws")
"""Apart from the state of `landrun local up`, which may be up at the same time."""

JOB_LOG = "job.log"
"""Beside the output of a run that failed: what its job wrote."""


def run_demo(
    project: Path,
    source: Path,
    *,
    arguments: str,
    patience: float,
    image: str = "",
    json: bool = False,
) -> list[str]:
    """Run the demo and give a line for each file whose run failed.

    Parameters
    ----------
    project : Path
        The folder of template.yaml.
    source : Path
        A file, or a folder of files.
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
    ConfigurationError
        When there is nothing to run it on.
    DockerError
        When Docker is not there, or has no such image.
    LocalAwsError
        When the laptop's AWS does not start.
    Stalled
        When nothing happens for longer than ``patience``.
    """
    screen, times = console(stderr=json), Times(time.monotonic)
    defaults = parameter_defaults(project)
    journeys, others = data_files(source, defaults["LandingPrefix"])
    docker = with_image(image)
    if others:
        names = printable(", ".join(others))
        screen.print(f"left out, not data or empty: {names}", style="dim", soft_wrap=True)
    with shown(screen, journeys, live=is_live() and not json) as progress:
        progress.doing("starting AWS on this laptop and deploying template.yaml")
        parameters = with_arguments(defaults, arguments) | ({"ImageUri": image} if image else {})
        state = project / STATE_FOLDER
        with laptop(project, state, progress.trouble, parameters=parameters, docker=docker) as aws:
            times.done("start")
            stack = Stack(aws.client, aws.outputs)
            _land(stack, journeys, progress)
            follow_shown(
                stack, journeys, progress, patience, float(defaults["MaxRuntimeInSeconds"])
            )
            times.done("runs")
            progress.doing("bringing the outputs here, stopping AWS")
            _fetch(stack, journeys, project / OUTPUT_FOLDER)
            times.done("outputs")
        times.done("stop")
    if json:
        show_json([described(one, project / OUTPUT_FOLDER) for one in journeys])
    else:
        show_results(screen, journeys, project / OUTPUT_FOLDER)
    screen.print(times.line(), style="dim")
    return [f"{printable(one.name)}: {one.failure}" for one in journeys if one.failure]


def described(journey: Journey, folder: Path) -> dict[str, Any]:
    """Say of a file what became of it: its run's row of the ledger, and where the output is."""
    run = journey.run
    return {
        "file": str(journey.path),
        "key": journey.key,
        "failure": journey.failure or None,
        "output": str(folder / journey.name) if run and run.succeeded else None,
        "run": run.attributes() if run else None,
    }


class Times:
    """What took how long.

    Parameters
    ----------
    clock : Callable
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._parts: list[tuple[str, float]] = []

    def done(self, part: str) -> None:
        """Note that a part, begun when the one before was done, is done."""
        now = self._clock()
        self._parts.append((part, now - self._last))
        self._last = now

    def line(self) -> str:
        """Say it in a line."""
        parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in self._parts)
        return f"took {sum(seconds for _, seconds in self._parts):.1f} s: {parts}"


def parameter_defaults(project: Path) -> dict[str, str]:
    """Read the defaults of template.yaml's parameters."""
    declared = read(project / "template.yaml")["Parameters"]
    return {name: str(rules.get("Default", "")) for name, rules in declared.items()}


def with_arguments(defaults: dict[str, str], arguments: str) -> dict[str, str]:
    """Give the parameters by which the job gets more arguments than its default ones."""
    words = arguments.split()
    return {"JobArguments": json.dumps([*engine(defaults).arguments, *words])} if words else {}


def with_image(image: str) -> Docker | None:
    """Give the Docker that has the image; None without one."""
    if not image:
        return None
    docker = Docker()
    docker.check(image, "make image builds the project's own, --image names another")
    return docker


def _land(stack: Stack, journeys: Sequence[Journey], progress: Progress) -> None:
    progress.doing("landing files")
    for journey in journeys:
        stack.upload(journey)
        journey.stage = Stage.LANDED
        progress.moved(journey)


def follow_shown(
    stack: Observed,
    journeys: Sequence[Journey],
    progress: Progress,
    patience: float,
    job_seconds: float,
) -> None:
    """Show how journeys come along until all have ended; see `follow`."""
    progress.doing("waiting for their runs")
    for journey in follow(
        journeys,
        stack,
        clock=time.monotonic,
        sleep=time.sleep,
        patience=patience,
        job_seconds=job_seconds,
    ):
        progress.moved(journey)


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
