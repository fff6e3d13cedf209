"""``landrun start``: a run by hand over what lies in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ServiceError
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, say, show_json, stoppable, typed
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.actions.start import Plan
    from landrun_ops.stack.run_progress import RunProgress
    from landrun_ops.stack.stack import Stack

_LEFT_OUT = {
    "zero-bytes": "empty",
    "folder-marker": "folder markers",
    "own-output": "landrun's own",
    "unreadable-key": "with keys that no file can have",
}
"""Why what was listed is not read, in words."""


@on_stack
def start(
    target: Target,
    uris: Annotated[
        list[str],
        typer.Argument(
            metavar="URI",
            help="What to read: objects, folders, or s3://bucket/beginning* for any end; or a"
            " manifest.",
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="The folder to write to. Default: one of the run's own beside other runs'.",
            show_default=False,
        ),
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the run has ended, and say how.")
    ] = False,
    json: options.JsonOption = False,
) -> int:
    """Start one run over objects that lie in S3 already.

    Several URIs make one run; all must be of one bucket. With --wait, exits with 1 when the run
    did not succeed; Ctrl-C ends the waiting, not the run.

    Example: landrun start s3://bucket/incoming/2026-11/ --wait
    """
    # Late: boto3 and pydantic take longer to import than --help may take.
    from landrun.models.s3_uri import S3Uri  # noqa: PLC0415
    from landrun_ops.actions import start as starting  # noqa: PLC0415

    sources = [S3Uri.parse(uri) for uri in uris]
    place = S3Uri.parse(output) if output else None
    stack = target.find()
    planned = starting.plan(stack, sources, place)
    for warning in planned.warnings:
        complain(f"warning: {warning}")
    arn = starting.start(stack, planned)
    report = _report(planned, arn)
    _say_started(planned, quiet=json)
    if wait:
        return _waited(stack, report, json=json, target=target)
    if json:
        show_json(report)
    else:
        say(f"follow it with: {typed(target, 'show', report['name'])}")
    return 0


def _waited(stack: Stack, report: dict[str, Any], *, json: bool, target: Target) -> int:
    """Follow the run; JSON says what is known even if the waiting is interrupted."""
    from landrun_ops.cli.follow import ending, wait_for  # noqa: PLC0415
    from landrun_ops.stack.run_progress import Watcher  # noqa: PLC0415

    name, line = report["name"], ""
    try:
        with stoppable():
            end, row = wait_for(Watcher(stack, report["execution_arn"]), name)
        report |= _end(end, row)
        line = ending(end, row)
    except (KeyboardInterrupt, ServiceError) as error:
        complain(
            f"no longer waiting; the run goes on: {typed(target, 'show', name)}; to end it:"
            f" {typed(target, 'stop', name)}"
        )
        if isinstance(error, ServiceError):
            raise
        return 130
    finally:
        if json:
            show_json(report)
    if not json:
        say(line)
    if end.status != "SUCCEEDED":
        complain(f"why: {typed(target, 'show', name)}, and {typed(target, 'logs', name)}")
    elif row is None:
        complain(f"not in the runs table yet; {typed(target, 'show', name)} will have its counts")
    return 0 if end.status == "SUCCEEDED" else 1


def _report(planned: Plan, arn: str) -> dict[str, Any]:
    run, reading = planned.run, planned.reading
    return {
        "name": run.PreprocessingJobName,
        "execution_arn": arn,
        "status": "RUNNING",
        "input": run.InputMessage,
        "output": run.OutputProcessedMessage,
        "objects": len(reading.keys) if reading else None,
        "bytes": reading.size if reading else None,
        "left_out": dict(reading.left_out) if reading else {},
        "warnings": list(planned.warnings),
    }


def _end(end: RunProgress, row: RunRecord | None) -> dict[str, Any]:
    return {
        "status": end.status,
        "seconds": end.seconds,
        "jobs": end.attempt,
        "reason": end.reason or None,
        "summary": row.summary if row else None,
    }


def _say_started(planned: Plan, *, quiet: bool) -> None:
    """Say what was started; on stderr where stdout is to be JSON alone."""
    run = planned.run
    first = f"started {run.PreprocessingJobName}"
    if quiet:
        complain(first)
        return
    for line in (first, f"reads {_over(planned)}", f"writes {run.OutputProcessedMessage}"):
        say(line)


def _over(planned: Plan) -> str:
    from rich.filesize import decimal  # noqa: PLC0415

    reading = planned.reading
    if reading is None:
        return f"what the manifest {planned.run.InputMessage} names"
    count, bucket = len(reading.keys), reading.bucket
    what = f"s3://{bucket}/{reading.keys[0]}"
    if count > 1:
        what = f"{count:,} objects of s3://{bucket}"
    left = (f"{n:,} {_LEFT_OUT.get(why, why)}" for why, n in reading.left_out.items())
    without = ", ".join(left)
    return f"{what}, {decimal(reading.size)}{f' (left out: {without})' if without else ''}"
