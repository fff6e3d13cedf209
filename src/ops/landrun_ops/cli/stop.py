"""``landrun stop``: stop runs."""

from datetime import UTC, datetime
from typing import Annotated, Any

from landrun.adapters.clients import translated
from landrun.models.run_record import UNFINISHED, RunRecord
from landrun_ops.actions.start import who
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, say, show_json
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.run_details import find
from landrun_ops.stack.stack import Stack
from landrun_ops.units import count


@on_stack
def stop(
    target: Target,
    runs: options.RunsArgument,
    *,
    cause: Annotated[
        str, options.option("TEXT", "The reason, which is recorded with the run.")
    ] = "",
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Stop runs, whether they process, wait to retry, or wait for a concurrency slot.

    Step Functions ends the execution as ABORTED, and stops its Processing job. Runs that have ended
    stay unchanged. Asks for confirmation if there are several runs. Exits with 0 when none of them
    runs any more, and with 2 when one could not be stopped.

    Example: landrun stop 3f5d8f02 --cause "wrong file"
    """
    stack, now = target.find(), datetime.now(UTC)
    found = {run.name: run for run, _ in (find(stack, text, now) for text in runs or ())}
    if len(found) > 1:
        ask(f"Stop {count(len(found), 'run')} ({', '.join(found)})?", yes=yes)
    why = cause or f"landrun stop, by {who(stack.client('sts'))}"
    done: list[dict[str, Any]] = []
    try:
        for run in found.values():
            done.append(stop_run(stack, run, why))
            if not json:
                how = "stopped" if done[-1]["stopped"] else "had ended before"
                say(f"{run.name} {how}: {done[-1]['status']}")
    finally:
        if left := [*found][len(done) :]:
            complain(f"not stopped: {', '.join(left)}")
        if json:
            show_json(done)


def stop_run(stack: Stack, run: RunRecord, cause: str) -> dict[str, Any]:
    """Stop a run's execution, and so its job; ``stopped`` is False if it had ended before.

    Raises ServiceError when Step Functions refuses a call, or has no such execution.
    """
    executions, arn = stack.executions(), run.execution_arn
    before = status = executions.describe(arn)["status"]
    if before in UNFINISHED:
        with translated("states:StopExecution"):
            stack.client("stepfunctions").stop_execution(executionArn=arn, cause=cause)
        status = executions.describe(arn)["status"]
    stopped = status == "ABORTED" and before != status
    return {"name": run.name, "execution_arn": arn, "stopped": stopped, "status": status}
