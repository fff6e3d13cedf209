"""``landrun reconcile``: recover missed events now."""

from __future__ import annotations

from typing import Annotated

import typer

from landrun.errors import ConfigurationError
from landrun_ops.actions.invoke import FunctionError, invoke, patient_config, reconcile_event
from landrun_ops.cli import options
from landrun_ops.cli.console import say, show_json
from landrun_ops.cli.target import Target, on_stack


@on_stack
def reconcile(
    target: Target,
    *,
    grace: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Leave alone what is younger. Default: ten minutes, twenty for a tick's claims.",
            show_default=False,
        ),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Recover missed events now, as the schedule does every 15 minutes.

    Example: landrun reconcile --grace 0
    """
    stack = target.find()
    client, name = stack.client("lambda", patient_config()), stack.output("ReconcileFunction")
    try:
        recovered = invoke(client, "ReconcileFunction", name, reconcile_event(grace))
    except FunctionError as error:
        raise ConfigurationError(
            f"{error}; correct that, and call it again: what it had done stays done"
        ) from error
    if json:
        show_json(recovered)
        return
    counts = ", ".join(f"{kind} {number:,}" for kind, number in recovered.items() if number)
    say(f"recovered: {counts}" if counts else "nothing was lost")
