"""``landrun reconcile``: recover missed events now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from landrun.errors import ConfigurationError
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.cli import options
from landrun_ops.cli.console import show_json
from landrun_ops.cli.target import Target, on_stack

RECOVERED = {
    "Statuses": ("status recorded", "statuses recorded", "whose event was lost"),
    "Executions": ("execution recorded", "executions recorded", "that the runs table lacked"),
    "Claims": ("claim finished or released", "claims finished or released", "of a tick that died"),
    "Manifests": ("manifest given its run", "manifests given their runs", "that had not started"),
    "Notifications": ("notification sent", "notifications sent", "that had not been sent"),
    "SlotsNotCounted": ("run counted", "runs counted", "that had a concurrency slot"),
    "ExecutionsNotResumed": ("run resumed", "runs resumed", "that had been given a slot"),
    "SlotsNotReleased": ("slot released", "slots released", "of a run that had ended"),
}
"""What ReconcileFunction counts: how to say one, several, and of what."""


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
    # Late: boto3 takes longer to import than --help may take.
    from landrun_ops.actions.invoke import invoke, patient_config, reconcile_event  # noqa: PLC0415

    client, name = stack.client("lambda", patient_config()), stack.output("ReconcileFunction")
    try:
        recovered = invoke(client, "ReconcileFunction", name, reconcile_event(grace))
    except FunctionError as error:
        raise ConfigurationError(
            f"{error}; correct that, and call it again: what it had done stays done"
        ) from error
    if json:
        show_json(recovered)
    else:
        typer.echo("\n".join(lines(recovered)))


def lines(recovered: Mapping[str, int]) -> list[str]:
    """Say what was recovered, a line for each kind; one line if nothing was.

    >>> lines({"Statuses": 2, "Claims": 0})
    ['2 statuses recorded whose event was lost']
    """
    said = []
    for kind, count in recovered.items():
        one, several, of_what = RECOVERED.get(kind, (kind, kind, "recovered"))
        if count:
            said.append(f"{count} {one if count == 1 else several} {of_what}")
    return said or ["nothing was lost"]
