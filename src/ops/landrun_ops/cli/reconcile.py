"""``landrun reconcile``: mend now what events lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from landrun.errors import ConfigurationError
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.console import show_json

MENDED = {
    "Statuses": ("status recorded", "statuses recorded", "whose event was lost"),
    "Executions": ("execution recorded", "executions recorded", "that no row knew"),
    "Claims": ("claim finished or released", "claims finished or released", "of a tick that died"),
    "Manifests": ("manifest given its run", "manifests given their runs", "that had not started"),
    "Notifications": ("failure told", "failures told", "that had been recorded only"),
    "SlotsNotCounted": ("run counted", "runs counted", "that held no place"),
    "ExecutionsNotResumed": (
        "run told of its turn",
        "runs told of their turn",
        "that waited for it",
    ),
    "SlotsNotReleased": ("place taken back", "places taken back", "from a run that had ended"),
}
"""What ReconcileFunction counts: how to say one, several, and of what."""


@places.on_stack
def reconcile(
    target: places.Target,
    *,
    grace: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Leave alone what is younger; else ten minutes, and twenty for a tick's claims.",
            show_default=False,
        ),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Mend now what events lost, as the schedule does every 15 minutes.

    Example: landrun reconcile --grace 0
    """
    stack = target.find()
    # Late: boto3 takes longer to import than --help may take.
    from landrun_ops.actions.invoke import invoke, patient_config, reconcile_event  # noqa: PLC0415

    client, name = stack.client("lambda", patient_config()), stack.output("ReconcileFunction")
    try:
        mended = invoke(client, "ReconcileFunction", name, reconcile_event(grace))
    except FunctionError as error:
        raise ConfigurationError(
            f"{error}; mend that, and call it again: what it had done stays done"
        ) from error
    if json:
        show_json(mended)
    else:
        typer.echo("\n".join(lines(mended)))


def lines(mended: Mapping[str, int]) -> list[str]:
    """Say what was mended, a line for each kind; one line when nothing was.

    >>> lines({"Statuses": 2, "Claims": 0})
    ['2 statuses recorded whose event was lost']
    """
    return [*_lines(mended)] or ["nothing was lost"]


def _lines(mended: Mapping[str, int]) -> Iterator[str]:
    for kind, count in mended.items():
        one, several, of_what = MENDED.get(kind, (kind, kind, "mended"))
        if count:
            yield f"{count} {one if count == 1 else several} {of_what}"
