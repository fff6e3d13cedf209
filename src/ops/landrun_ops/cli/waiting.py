"""A run that was started by hand, followed to its end on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from landrun_ops.cli.terminal import complain, say, show_json

if TYPE_CHECKING:
    from landrun.contract import ExecutionInput
    from landrun_ops.workflow import Outcome


def follow(execution: Any, run: ExecutionInput, *, wait: bool, json: bool) -> int:
    """Show a run that was started by hand, to its end where asked.

    Parameters
    ----------
    execution : stepfunctions.workflow.Execution
        The SDK's.
    run : ExecutionInput
        What it was started with.

    Returns
    -------
    int
        The exit code: 1 when it ended other than well, 130 when waiting was interrupted.

    Raises
    ------
    ServiceError
        When Step Functions refuses a call or cannot be reached.
    """
    # Late: pydantic and boto3 take longer to import than --help may take.
    from landrun_ops.workflow import outcome  # noqa: PLC0415

    name = run.PreprocessingJobName
    if not json:
        say(f"started {name}, reading {run.InputMessage}")
    try:
        with _progress(name, shown=wait):
            ended = outcome(execution, wait=wait)
    except KeyboardInterrupt:
        complain(f"no longer waiting; the run goes on: {execution.execution_arn}")
        return 130
    if json:
        show_json(_report(execution.execution_arn, run, ended))
    elif wait:
        say(_ending(run, ended))
    return 1 if ended.status not in ("SUCCEEDED", "RUNNING") else 0


def _ending(run: ExecutionInput, ended: Outcome) -> str:
    seconds = f"{ended.seconds or 0:.0f} s"
    if ended.status == "SUCCEEDED":
        return f"{ended.status} in {seconds}: {run.OutputProcessedMessage}"
    return f"{ended.status} after {seconds}: {ended.reason}"


def _report(arn: str, run: ExecutionInput, ended: Outcome) -> dict[str, Any]:
    return {
        "ExecutionArn": arn,
        **run.model_dump(exclude_none=True),
        "Status": ended.status,
        "Seconds": ended.seconds,
        "Output": ended.output,
        "Error": ended.error,
        "Cause": ended.cause,
    }


@contextmanager
def _progress(name: str, *, shown: bool) -> Iterator[None]:
    """Show on a terminal that the run is running, and for how long."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    screen = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    hidden = not (shown and screen.is_terminal)
    with Progress(*columns, console=screen, transient=True, disable=hidden) as progress:
        progress.add_task(f"running {name}", total=None)
        yield
