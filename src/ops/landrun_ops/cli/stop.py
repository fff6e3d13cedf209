"""``landrun stop``: end runs that are not to go on."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from landrun.errors import ServiceError
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, say, show_json
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun_ops.actions.stop import Stopped


@on_stack
def stop(
    target: Target,
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Names of runs, or the beginnings of their names or digits, if unambiguous.",
            show_default=False,
        ),
    ],
    *,
    cause: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Why; it goes on the run's record.", show_default=False),
    ] = "",
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Stop runs: those that process, that wait to try again, and that wait for a slot.

    Step Functions ends the execution as ABORTED, and stops its Processing job. A run that has ended
    stays as it is. More than one asks first. Exits with 0 when none of them runs any more, and with
    2 when one could not be stopped.

    Example: landrun stop 3f5d8f02 --cause "wrong file"
    """
    stack = target.find()
    # Late: boto3 takes longer to import than --help may take.
    from landrun_ops.actions import stop as stopping  # noqa: PLC0415
    from landrun_ops.actions.manual_input import who  # noqa: PLC0415
    from landrun_ops.stack.run_details import find  # noqa: PLC0415

    now = datetime.now(UTC)
    found = {run.name: run for run, _ in (find(stack, text, now) for text in runs)}
    if len(found) > 1:
        ask(f"Stop {len(found)} runs ({', '.join(found)})?", yes=yes)
    why = cause or f"landrun stop, by {who(stack.client('sts'))}"
    client, executions = stack.client("stepfunctions"), stack.executions()
    done: list[Stopped] = []
    try:
        for run in found.values():
            done.append(stopping.stop(client, executions, run, why))
            if not json:
                say(outcome_text(done[-1]))
    except ServiceError:
        left = ", ".join([*found][len(done) :])
        complain(f"{len(done)} of {len(found)} do not run any more; not stopped: {left}")
        raise
    finally:
        if json:
            show_json([asdict(one) for one in done])


def outcome_text(done: Stopped) -> str:
    """Say what became of one run."""
    if done.stopped:
        return f"stopped {done.name}; Step Functions stops its Processing job, if it has one"
    return f"{done.name} had ended before: {done.status}"
