"""``landrun doctor``: check a deployment, and say how to repair it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from landrun.errors import ConfigurationError, ServiceError
from landrun_ops.cli import options
from landrun_ops.cli.console import console, is_live, show_json
from landrun_ops.cli.target import Target, on_stack, project_folder

if TYPE_CHECKING:
    from landrun_ops.doctor.checks import CheckResult
    from landrun_ops.doctor.findings import Finding
    from landrun_ops.stack.stack import Stack

NO_STACK = "name a deployed one with --stack or LANDRUN_STACK, or start one here: landrun local up"


@on_stack
def doctor(
    target: Target,
    *,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show only findings that need something done.")
    ] = False,
    json: options.JsonOption = False,
) -> int:
    """Check what makes deployments fail, and say how to repair it.

    Checks this machine, the account, and the stack: events, functions, schedules, state machine,
    permissions, image, quotas, network, alarms, what waits, and dead letters. Changes nothing.
    Works without a stack, and with few permissions: it names what it could not read. Exits with 1
    when a check failed.

    Example: landrun doctor --stack landrun
    """
    # Late: boto3 and rich take longer to import than --help may take.
    from landrun_ops.cli.doctor_report import as_json, report  # noqa: PLC0415

    stack, results = _checked(target)
    if json:
        show_json(as_json(stack, results))
    else:
        console().print(report(stack, results, quiet=quiet))
    return 1 if any(result.grade == "fail" for result in results) else 0


def _checked(target: Target) -> tuple[Stack | None, list[CheckResult]]:
    from landrun_ops.doctor.aws_reader import StackReader  # noqa: PLC0415
    from landrun_ops.doctor.checks import CheckResult, run_checks  # noqa: PLC0415
    from landrun_ops.doctor.stack_checks import PROXY, checks_of  # noqa: PLC0415

    project = _project(target)
    checks = [PROXY]
    stack, missing = _found(target)
    if stack:
        checks += checks_of(stack.parameters)
    reader = StackReader(stack, datetime.now(UTC), project) if stack else None
    with _progress(len(checks)) as ended:
        results = run_checks(checks, reader, ended, laptop=stack is not None and stack.laptop)
    return stack, results + [CheckResult("stack", "stack", finding) for finding in missing]


def _found(target: Target) -> tuple[Stack | None, list[Finding]]:
    """Find the stack, or say why there is none."""
    from landrun_ops.doctor.account import explain_missing_stack  # noqa: PLC0415
    from landrun_ops.doctor.findings import fail, skip  # noqa: PLC0415

    try:
        return target.find(), []
    except ConfigurationError as error:
        if target.stack or target.profile or target.region:
            return None, [fail(str(error), "")]
        return None, [skip("none is named, and none is here", NO_STACK)]
    except ServiceError as error:
        return None, [explain_missing_stack(error)]


def _project(target: Target) -> Path | None:
    try:
        return project_folder(target.project, Path.cwd())
    except ConfigurationError:
        if target.project:
            raise
        return None


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show on a terminal how many checks have ended."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    screen = Console(stderr=True, markup=False)
    hidden = not (screen.is_terminal and is_live())
    with Progress(console=screen, transient=True, disable=hidden) as progress:
        task = progress.add_task("checking", total=total)
        yield lambda _: progress.update(task, advance=1)
