"""``landrun verify``: send one file through a stack, from landing to record."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from landrun.errors import ConfigurationError
from landrun.models.run_record import RunRecord
from landrun_ops.actions.invoke import invoke, patient_config
from landrun_ops.actions.land import Upload, check, land, run_of
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, note, say, show_json, stoppable, typed
from landrun_ops.cli.follow import Followed, follow
from landrun_ops.cli.target import Target, on_stack, project_folder
from landrun_ops.stack.stack import Stack


@on_stack
def verify(
    target: Target,
    source: Annotated[
        Path | None, options.argument("FILE", "The file to land. Default: a sample of the project.")
    ] = None,
    *,
    patience: options.PatienceOption = 900,
    json: options.JsonOption = False,
) -> int:
    """Land a file, follow its run, and say whether the stack works.

    The file gets a key of its own, landrun-verify-<uuid>; it and its output are not deleted. With
    StartOn=schedule the schedule is fired, which also starts a run over other waiting landings.
    --json writes the run's row. Exits with 1 when the run failed, or its job read nothing.

    Example: landrun verify --stack landrun my-messages.csv
    """
    file = source or project_folder(target.project, Path.cwd()) / "samples/orders.jsonl"
    stack = target.find()
    if not file.is_file() or not file.stat().st_size:
        raise ConfigurationError(f"{file} is no file with data: give a file of messages")
    with stoppable():
        one = _landed(stack, file)
        follow(stack, [one], target, patience=patience, quiet=True)
    if json:
        show_json(one.run and one.run.attributes())
    if not (one.run and one.succeeded):
        return 1
    failure = failure_of(one.run, recorded=one.recorded)
    if failure:
        complain(f"{one.name}: {failure}: {typed(target, 'doctor')}")
    elif not json:
        unknown = one.run.count("rows_in") is None
        without = "the run succeeded; what it read is unknown, as its job left no summary.json"
        say(without if unknown else "the stack works")
    note(f"what it read and wrote: {typed(target, 'show', one.name)}")
    return 1 if failure else 0


def _landed(stack: Stack, file: Path) -> Followed:
    """Land a file under a key of its own; with StartOn=schedule, fire the schedule."""
    name = f"landrun-verify-{uuid.uuid4().hex}{''.join(file.suffixes)}"
    upload = Upload(file, f"{stack.landing.key}{name}")
    check(stack, [upload])
    landed = land(stack, upload)
    note(f"landed {landed.uri}")
    function = stack.output("ScheduleFunction") if stack.output("StartOn") == "schedule" else ""

    def find() -> RunRecord | None:
        run = run_of(stack, landed)
        if function and run is None:  # until the landing is recorded, a tick starts no run
            due = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            event = {"ScheduleArn": stack.output("ScheduleArn"), "ScheduledTime": due}
            client = stack.client("lambda", patient_config())
            invoke(client, "ScheduleFunction", function, event)
        return run

    return Followed(file.name, find)


def failure_of(run: RunRecord, *, recorded: bool = True) -> str:
    """Return why a run that succeeded does not show that the stack works; empty if it does.

    Only a job's summary says what it read.
    """
    if not recorded:
        return "it succeeded, but the runs table does not have its end"
    return "it succeeded, but read nothing" if run.count("rows_in") == 0 else ""
