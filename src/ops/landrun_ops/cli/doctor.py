"""``landrun doctor``: what makes stacks fail in the field, before they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ConfigurationError, ServiceError
from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.console import console, is_live, show_json

if TYPE_CHECKING:
    from landrun_ops.doctor.examining import Check, Line
    from landrun_ops.stack.stack import Stack

NO_STACK = "name a deployed one with --stack or LANDRUN_STACK, or start one here: landrun local up"


@places.on_stack
def doctor(
    target: places.Target,
    *,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show only what there is something to do about.")
    ] = False,
    json: options.JsonOption = False,
) -> int:
    """Look for what makes stacks fail, before they fail; say how to mend it.

    Checks this machine, the account, and the stack: events, functions, schedules, state machine,
    permissions, image, quotas, queues. Reads only. Works without a stack, and with few
    permissions: what it could not see, it says. Exits with 1 when a check failed.

    Example: landrun doctor --stack landrun
    """
    # Late: boto3 and rich take longer to import than --help may take.
    from landrun_ops.cli.doctor_report import as_json, shown  # noqa: PLC0415

    stack, lines = _examined(target)
    if json:
        show_json(as_json(stack, lines))
    else:
        console().print(shown(stack, lines, quiet=quiet))
    return 1 if any(line.grade == "fail" for line in lines) else 0


def _examined(target: places.Target) -> tuple[Stack | None, list[Line]]:
    from landrun_ops.doctor import this_machine as here  # noqa: PLC0415
    from landrun_ops.doctor.aws_reader import Sight  # noqa: PLC0415
    from landrun_ops.doctor.checks import of_stack  # noqa: PLC0415
    from landrun_ops.doctor.examining import examine  # noqa: PLC0415
    from landrun_ops.doctor.machine import of_project  # noqa: PLC0415

    project = _project(target)
    checks = here.checks(project, lambda: _endpoint(target))
    stack, missing = _found(target)
    if stack:
        checks += of_stack(Sight(stack), datetime.now(UTC), lambda: of_project(project))
    with _progress(checks) as told:
        lines = examine(checks, told, laptop=stack is not None and stack.laptop)
    return stack, [*lines, *missing]


def _found(target: places.Target) -> tuple[Stack | None, list[Line]]:
    """Find the stack, or say as a finding why there is none."""
    from landrun_ops.doctor.account import explained  # noqa: PLC0415
    from landrun_ops.doctor.examining import Line  # noqa: PLC0415
    from landrun_ops.doctor.findings import fail, skip  # noqa: PLC0415

    try:
        return target.find(), []
    except ConfigurationError as error:
        if target.stack or target.profile or target.region:
            return None, [Line("stack", "stack", fail(str(error), ""))]
        return None, [Line("stack", "stack", skip("none is named, and none is here", NO_STACK))]
    except ServiceError as error:
        return None, [Line("stack", "stack", explained(error))]


def _project(target: places.Target) -> Path | None:
    if target.project:
        return places.project_folder(target.project, Path.cwd())
    try:
        return places.project_folder(None, Path.cwd())
    except ConfigurationError:
        return None


def _endpoint(target: places.Target) -> str:
    """Say where the laptop's AWS answers; empty when it is not up."""
    from landrun_ops.local.errors import NotUpError  # noqa: PLC0415

    try:
        folder = places.state_folder(target.state_dir, target.project)
        return places.laptop_environment(folder)["AWS_ENDPOINT_URL"]
    except (ConfigurationError, NotUpError, OSError):
        return ""


@contextmanager
def _progress(checks: list[Check]) -> Iterator[Callable[[str], None]]:
    """Show on a terminal how many checks have ended, and which was the last."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    screen = Console(stderr=True)
    columns: tuple[Any, ...] = (
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
    )
    hidden = not (screen.is_terminal and is_live())
    with Progress(*columns, console=screen, transient=True, disable=hidden) as progress:
        task = progress.add_task("looking", total=len(checks))
        yield lambda name: progress.update(task, advance=1, description=name)
