"""``landrun reconcile``: recover missed events now."""

from typing import Annotated

from landrun_ops.actions.invoke import invoke, patient_config, reconcile_event
from landrun_ops.cli import options
from landrun_ops.cli.console import say, show_json
from landrun_ops.cli.target import Target, on_stack


@on_stack
def reconcile(
    target: Target,
    *,
    grace: Annotated[
        float | None,
        options.option(
            "SECONDS",
            "Skip events younger than this. Default: ten minutes, and twenty for claims of a tick.",
            min=0,
        ),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Recover missed events now, as the schedule does every 15 minutes.

    If it fails, correct the cause and run it again: every step is idempotent.

    Example: landrun reconcile --grace 0
    """
    stack = target.find()
    client, name = stack.client("lambda", patient_config()), stack.output("ReconcileFunction")
    recovered = invoke(client, "ReconcileFunction", name, reconcile_event(grace))
    if json:
        show_json(recovered)
        return
    counts = ", ".join(f"{kind} {number:,}" for kind, number in recovered.items() if number)
    say(f"recovered: {counts}" if counts else "nothing was lost")
