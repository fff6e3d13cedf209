"""``landrun demo``: the whole main job on files of one's own, on the laptop's AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from landrun_ops.cli import places
from landrun_ops.cli.terminal import complain, console, is_live, stoppable

if TYPE_CHECKING:
    from landrun_ops.cli.progress import Progress
    from landrun_ops.demo import Journey
    from landrun_ops.local import LocalAws

SAMPLES = "samples"
OUTPUT_FOLDER = Path(".landrun", "demo")
STATE_FOLDER = Path(".landrun", "demo-aws")
"""Apart from the state of `landrun local up`, which may be up at the same time."""


def demo(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[INPUT]",
            help="A file or folder of messages; else the project's samples.",
            show_default=False,
        ),
    ] = None,
    arguments: Annotated[
        str, typer.Option(metavar="TEXT", help="Appended to the job's arguments.")
    ] = "",
    patience: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="Give up when nothing happens for this long."),
    ] = 120,
    project: places.ProjectOption = None,
) -> None:
    """Land files in S3 on the laptop's AWS and show what becomes of them.

    Starts AWS on the laptop, deploys template.yaml, lands each file, follows its run, and leaves
    the outputs in .landrun/demo. Exits with 1 when a run failed.

    Example: landrun demo messages.csv --arguments "--text-column v2"
    """
    folder = places.project_folder(project, Path.cwd())
    with stoppable():
        failures = run_demo(folder, source or folder / SAMPLES, arguments, patience)
    for failure in failures:
        complain(failure)
    raise typer.Exit(1 if failures else 0)


def run_demo(folder: Path, source: Path, arguments: str, patience: float) -> list[str]:
    """Run the demo and give a line for each file whose run failed.

    Parameters
    ----------
    folder : Path
        The project's.
    source : Path
        A file, or a folder of files.
    arguments : str
        What to append to the job's arguments.
    patience : float
        Seconds without any change after which to give up.

    Raises
    ------
    ConfigurationError
        When there is nothing to run it on.
    LocalAwsError
        When the laptop's AWS does not start.
    Stalled
        When nothing happens for longer than ``patience``.
    """
    # Late, as everything below that takes long to import.
    from landrun_ops.cli.progress import shown  # noqa: PLC0415
    from landrun_ops.cli.results import show_results  # noqa: PLC0415
    from landrun_ops.demo import data_files  # noqa: PLC0415

    screen, times = console(), Times(time.monotonic)
    defaults = _defaults(folder)
    journeys, others = data_files(source, defaults["LandingPrefix"])
    if others:
        screen.print(f"left out, not data or empty: {', '.join(others)}", style="dim")
    with shown(screen, journeys, live=is_live()) as progress:
        progress.doing("starting AWS on this laptop and deploying template.yaml")
        with _laptop(folder, _parameters(defaults, arguments), progress.trouble) as aws:
            times.done("start")
            job_seconds = float(defaults["MaxRuntimeInSeconds"])
            _run_all(aws, journeys, progress, patience=patience, job_seconds=job_seconds)
            times.done("runs")
            _fetch(aws, journeys, folder / OUTPUT_FOLDER)
            times.done("outputs")
        times.done("stop")
    show_results(screen, journeys, folder / OUTPUT_FOLDER)
    screen.print(times.line(), style="dim")
    return [f"{journey.name}: {journey.failure}" for journey in journeys if journey.failure]


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


def _defaults(folder: Path) -> dict[str, str]:
    from landrun_ops.local.template import read  # noqa: PLC0415

    declared = read(folder / "template.yaml")["Parameters"]
    return {name: str(rules.get("Default", "")) for name, rules in declared.items()}


def _parameters(defaults: dict[str, str], arguments: str) -> dict[str, str]:
    words = arguments.split()
    if not words:
        return {}
    return {"JobArguments": " ".join([defaults["JobArguments"], *words])}


def _laptop(
    folder: Path, parameters: dict[str, str], report: Callable[[str], None]
) -> AbstractContextManager[LocalAws]:
    from landrun_ops.local import LocalAws  # noqa: PLC0415

    state = folder / STATE_FOLDER
    return LocalAws.up(folder, parameters=parameters, state_dir=state, report=report)


def _run_all(
    aws: LocalAws,
    journeys: Sequence[Journey],
    progress: Progress,
    *,
    patience: float,
    job_seconds: float,
) -> None:
    from landrun_ops.demo import Stack, Stage, follow  # noqa: PLC0415

    stack = Stack(aws.client, aws.outputs)
    progress.doing("landing files")
    for journey in journeys:
        stack.upload(journey)
        journey.stage = Stage.LANDED
        progress.moved(journey)
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


def _fetch(aws: LocalAws, journeys: Sequence[Journey], folder: Path) -> None:
    from landrun_ops.demo import Stack  # noqa: PLC0415

    stack = Stack(aws.client, aws.outputs)
    for journey in journeys:
        if journey.run and journey.run.output_uri:
            stack.download(journey.run.output_uri, folder / journey.name)
