"""``landrun start``: start a run by hand over objects in S3."""

from functools import partial
from typing import Annotated, Any

from landrun.models.s3_uri import S3Uri
from landrun_ops.actions import start as starting
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, note, say, show_json, stoppable, typed
from landrun_ops.cli.follow import Followed, follow
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.units import count, size_text


@on_stack
def start(
    target: Target,
    uris: Annotated[
        list[str],
        options.argument(
            "URI",
            "Objects, folders, s3://bucket/beginning* for all keys that begin so, or one manifest.",
        ),
    ],
    *,
    output: Annotated[
        str,
        options.option(
            "URI",
            "The folder to write to. Default: the run's own folder under the processed prefix.",
        ),
    ] = "",
    wait: options.WaitOption = False,
    json: options.JsonOption = False,
) -> int:
    """Start one run over objects that are in S3 already.

    Several URIs make one run; all must be in one bucket. With --wait, exits with 1 when the run
    did not succeed; Ctrl-C ends the waiting, not the run.

    Example: landrun start s3://bucket/incoming/2026-11/ --wait
    """
    sources, where = [S3Uri.parse(uri) for uri in uris], S3Uri.parse(output) if output else None
    stack = target.find()
    planned = starting.plan(stack, sources, where)
    for warning in planned.warnings:
        complain(f"warning: {warning}")
    arn, name = starting.start(stack, planned), planned.run.PreprocessingJobName
    (note if json else say)(f"started {name}")
    if not json:
        say(f"reads {_read(planned)}")
        say(f"writes {planned.run.OutputProcessedMessage}")
    one = Followed("", partial(stack.runs_reader().get, name), arn)
    try:
        if wait:
            with stoppable():
                follow(stack, [one], target, quiet=json)
        elif not json:
            say(f"follow it with: {typed(target, 'show', name)}")
    finally:
        if json:
            show_json(_facts(planned, one))
    return 0 if not wait or one.succeeded else 1


def _read(planned: starting.Plan) -> str:
    reading = planned.reading
    left_out = ", ".join(f"{number:,} {why}" for why, number in planned.left_out.items())
    size = "" if reading.bytes is None else f", {size_text(reading.bytes)}"
    what = f"{count(len(reading.keys), 'object')} of s3://{reading.bucket}{size}"
    return f"{what} (left out: {left_out})" if left_out else what


def _facts(planned: starting.Plan, one: Followed) -> dict[str, Any]:
    run, reading = planned.run, planned.reading
    return {
        "name": run.PreprocessingJobName,
        "execution_arn": one.arn,
        "status": one.run.status if one.run else "RUNNING",
        "input": run.InputMessage,
        "output": run.OutputProcessedMessage,
        "objects": len(reading.keys),
        "bytes": reading.bytes,
        "left_out": planned.left_out,
        "warnings": planned.warnings,
        "ended": one.run.attributes() if one.run and one.ended else None,
    }
