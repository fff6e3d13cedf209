"""``landrun local``: AWS on a laptop, from template.yaml itself."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.cli.console import STOPPING, complain, show_json, stack_options, stoppable
from landrun_ops.cli.target import (
    LAPTOPS_STACK,
    ProjectOption,
    StateOption,
    Target,
    project_folder,
    state_folder,
)
from landrun_ops.local.edits import Edits
from landrun_ops.local.state import read_environment
from landrun_ops.units import count

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SAM_FUNCTIONS: Final = {
    "ObjectCreatedFunction": "LANDRUN_OBJECT_CREATED_FUNCTION",
    "ScheduleFunction": "LANDRUN_SCHEDULE_FUNCTION",
    "ExecutionStatusFunction": "LANDRUN_EXECUTION_STATUS_FUNCTION",
    "ReconcileFunction": "LANDRUN_RECONCILE_FUNCTION",
}
"""The template's functions, and the variables of ``landrun local env`` that name them."""

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@app.callback()
def local() -> None:
    """AWS on a laptop: the stack of template.yaml, with no account and no Docker.

    Example: landrun local up
    """


@app.command()
def up(
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Where to listen; 0 takes a free port. Default: 7741 or the next free one.",
            show_default=False,
        ),
    ] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="Let containers and other machines reach it by this name, such as"
            " host.docker.internal for sam local; those who know its key can run commands as you."
            " Repeatable.",
            show_default=False,
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter of the template; repeatable."),
    ] = None,
    iam: Annotated[
        bool, typer.Option("--iam", help="Refuse what the template's roles do not allow.")
    ] = False,
    project: ProjectOption = None,
    state_dir: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Start it; stays until Ctrl-C, and leaves nothing behind.

    Example: landrun local up --port 4566 --parameter MaxRuntimeInSeconds=60
    """
    # Late, here and below: --help takes none of boto3 and flask.
    from landrun_ops.cli.ui import live_page  # noqa: PLC0415
    from landrun_ops.local import LocalAws  # noqa: PLC0415
    from landrun_ops.stack.stack import find  # noqa: PLC0415

    folder = project_folder(project, Path.cwd())
    if listen:
        complain(
            "--listen: every machine of your network can reach it; those who know its key, which"
            " landrun local env shows, can run commands as you"
        )
    with (
        contextlib.suppress(KeyboardInterrupt),
        stoppable(),
        LocalAws.up(
            folder,
            port=port,
            listen=listen or [],
            parameters=parsed_parameters(parameter or []),
            state_dir=state_folder(state_dir, folder),
            report=complain,
            enforce_iam=iam,
        ) as aws,
    ):
        if json:  # a line, for programs that wait for one
            typer.echo(plain_json(aws.environment()))
            sys.stdout.flush()
            _wait_for_signal(folder)
            return
        stack = find(LAPTOPS_STACK, environment=aws.environment())
        options = stack_options(Target(project=project, state_dir=state_dir))
        with live_page(stack, options, logs=Path(aws.logs)) as address:
            where = f"in another shell: {_env_command(state_dir, project)}"
            typer.echo(f"ready at {aws.endpoint_url}; {where}\nlive page: {address}")
            sys.stdout.flush()
            _wait_for_signal(folder)


@app.command()
def env(
    project: ProjectOption = None,
    state_dir: StateOption = None,
    json: JsonOption = False,
    sam: Annotated[
        bool, typer.Option("--sam", help="Write what sam local takes as --env-vars.")
    ] = False,
) -> None:
    """Show the environment by which the AWS CLI, boto3 and landrun find it.

    Example: eval "$(landrun local env)" && aws s3 ls
    """
    environment = read_environment(state_folder(state_dir, project))
    if json or sam:
        show_json(sam_variables(environment) if sam else environment)
        return
    for name, value in environment.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    typer.echo(f"# To leave the laptop's AWS again: unset {' '.join(environment)}")


def sam_variables(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return each function's variables as deployed, for containers on this machine.

    SAM's CLI cannot know what the stack's references came to, and a container reaches this machine
    by another name. moto leaves numbers of the template as they are.
    """
    from landrun.adapters.clients import translated  # noqa: PLC0415
    from landrun_ops.stack.clients import Clients  # noqa: PLC0415

    port = environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
    functions, found = Clients(environment=environment)("lambda"), {}
    for output, name in SAM_FUNCTIONS.items():
        with translated("lambda:GetFunctionConfiguration"):
            answer = functions.get_function_configuration(FunctionName=environment[name])
        variables = {key: str(value) for key, value in answer["Environment"]["Variables"].items()}
        here = {"AWS_ENDPOINT_URL": f"http://host.docker.internal:{port}"}
        found[output] = variables | here
    return found


@app.command()
def tick(
    time: Annotated[
        str | None,
        typer.Option(
            metavar="ISO8601", help="The due time; UTC if it has no offset. Default: now."
        ),
    ] = None,
    project: ProjectOption = None,
    state_dir: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Fire the schedule: a run over what waits (StartOn=schedule), or what ScheduledInput lists.

    Example: landrun local tick --time 2026-11-22T03:00:00Z
    """
    from landrun_ops.local import LocalAws  # noqa: PLC0415

    due = parsed_time(time) if time else None
    aws = LocalAws.attach(state_folder(state_dir, project))
    try:
        result = aws.tick(due)
    except FunctionError as error:
        complain(str(error))
        raise typer.Exit(1) from error
    if json:
        show_json(result)
    else:
        typer.echo("\n".join(tick_lines(result)))


def parsed_parameters(given: list[str]) -> dict[str, str]:
    """Take ``Name=Value`` texts apart; raises ConfigurationError for one that is none."""
    pairs = [text.partition("=") for text in given]
    for name, sign, _ in pairs:
        if not sign or not name:
            raise ConfigurationError(
                f"--parameter {name!r} has no value: write --parameter Name=Value"
            )
    return {name: value for name, _, value in pairs}


def parsed_time(text: str) -> datetime:
    """Read an ISO 8601 time, in UTC without an offset; raises ConfigurationError for others."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        why = f"--time {text!r} is not an ISO 8601 time such as 2026-11-22T03:00:00Z"
        raise ConfigurationError(why) from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def tick_lines(result: dict[str, Any]) -> list[str]:
    """Say what ScheduleFunction answered, a line for each run."""
    if not result.get("PreprocessingJobName"):
        return ["no run: nothing waits, and nothing lies under ScheduledInput"]
    return [
        f"{run['PreprocessingJobName']} over {count(run.get('Objects', 0), 'object')}"
        for run in result.get("Runs", [result])
    ]


def _env_command(state_dir: Path | None, project: Path | None) -> str:
    given = {"--state-dir": state_dir, "--project": None if state_dir else project}
    where = [f"{option}={folder.absolute()}" for option, folder in given.items() if folder]
    return f'eval "$({shlex.join(["landrun", "local", "env", *where])})"'


def _wait_for_signal(project: Path) -> None:
    """Wait for Ctrl-C or kill, which from then on do nothing, so that tidying up is whole.

    Looks every so often: a signal that comes just before a wait begins would not end it. Edits of
    what was deployed are reported meanwhile.
    """
    asked_to_stop, edits = threading.Event(), Edits(project)
    for name in STOPPING:
        signal.signal(name, lambda *_: asked_to_stop.set())
    while not asked_to_stop.wait(0.5):
        files = edits.new()
        if files:
            more = f" and {count(len(files) - 1, 'more file')}" if files[1:] else ""
            complain(
                f"{files[0]}{more} changed: stop this with Ctrl-C and start it again to deploy"
                " that (edits of src/processing take effect at once)"
            )
