"""``landrun local``: AWS on a laptop, from template.yaml itself."""

from __future__ import annotations

import contextlib
import re
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.cli.console import STOPPING, complain, show_json, stack_options, stoppable
from landrun_ops.cli.laptop import laptop
from landrun_ops.cli.target import (
    LAPTOPS_STACK,
    ProjectOption,
    StateOption,
    Target,
    project_folder,
    state_folder,
)
from landrun_ops.local.state import read_environment

if TYPE_CHECKING:
    from landrun_ops.local import LocalAws

app = typer.Typer(rich_markup_mode=None)

SAM_FUNCTIONS = {
    "ObjectCreatedFunction": "LANDRUN_OBJECT_CREATED_FUNCTION",
    "ScheduleFunction": "LANDRUN_SCHEDULE_FUNCTION",
    "ExecutionStatusFunction": "LANDRUN_EXECUTION_STATUS_FUNCTION",
    "ReconcileFunction": "LANDRUN_RECONCILE_FUNCTION",
}
"""The template's functions, and the variables of ``landrun local env`` that name them."""

HOST_NAME = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
"""A host's name or address as URLs have it; addresses of IPv6 are in brackets."""

LONGEST_WAIT = 0.5
"""Seconds that a signal may go unseen."""

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
        int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")
    ] = 0,
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
    folder = project_folder(project, Path.cwd())
    state = state_folder(state_dir, folder)
    parameters = parsed_parameters(parameter or [])
    hosts = host_names(listen or [])
    if hosts:
        complain(
            "--listen: every machine of your network can reach it; those who know its key, which"
            " landrun local env shows, can run commands as you"
        )
    with (
        contextlib.suppress(KeyboardInterrupt),
        stoppable(),
        laptop(
            folder,
            state,
            complain,
            port=port,
            listen=hosts,
            parameters=parameters,
            enforce_iam=iam,
        ) as aws,
    ):
        if json:
            typer.echo(plain_json(aws.environment()))  # a line, for whoever waits for one
            sys.stdout.flush()
            _wait_for_signal()
            return
        where = _env_command(state_dir, project)
        typer.echo(f"ready at {aws.endpoint_url}; in another shell: {where}")
        with _live_page(aws, Target(project=project, state_dir=state_dir)) as address:
            if address:
                typer.echo(f"live page: {address}")
            sys.stdout.flush()
            _wait_for_signal()


@contextlib.contextmanager
def _live_page(aws: LocalAws, target: Target) -> Iterator[str]:
    """Serve the page of the laptop's stack in this process; yield no address for another's."""
    from landrun_ops.cli.ui import live_page  # noqa: PLC0415  (start-up time)
    from landrun_ops.stack.stack import find  # noqa: PLC0415

    if "RunsTable" not in aws.outputs:
        yield ""
        return
    stack = find(LAPTOPS_STACK, environment=aws.environment())
    with live_page(stack, stack_options(target), logs=Path(aws.logs)) as address:
        yield address


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


def sam_variables(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Give each function's variables as deployed, for containers on this machine.

    SAM's CLI cannot know what the stack's references came to, and a container reaches this machine
    by another name.
    """
    from landrun_ops.stack.clients import Clients  # noqa: PLC0415  (start-up time)

    port = environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
    here = {"AWS_ENDPOINT_URL": f"http://host.docker.internal:{port}"}
    functions = Clients(environment=environment)("lambda")
    return {
        output: _variables(functions, environment[name]) | here
        for output, name in SAM_FUNCTIONS.items()
    }


def _variables(functions: Any, name: str) -> dict[str, str]:
    """Return a function's variables; moto leaves numbers of the template as they are."""
    from landrun.adapters.clients import translated  # noqa: PLC0415  (start-up time)

    with translated("lambda:GetFunctionConfiguration"):
        answer = functions.get_function_configuration(FunctionName=name)
        found = answer["Environment"]["Variables"]
    return {variable: str(value) for variable, value in found.items()}


@app.command()
def tick(
    time: Annotated[
        str | None,
        typer.Option(
            metavar="ISO8601", help="The tick's due time, UTC if it has no offset; else now."
        ),
    ] = None,
    project: ProjectOption = None,
    state_dir: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Fire the schedule: a run over what waits (StartOn=schedule), or what ScheduledInput lists.

    Example: landrun local tick --time 2026-11-22T03:00:00Z
    """
    due = parsed_time(time) if time else datetime.now(UTC)
    from landrun_ops.local import LocalAws  # noqa: PLC0415  (start-up time)

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


def host_names(given: list[str]) -> list[str]:
    """Check names of hosts that are to be listened for.

    Raises ConfigurationError when one is no name, such as a URL, or has a port.
    """
    for name in given:
        if not HOST_NAME.fullmatch(name):
            raise ConfigurationError(
                f"--listen {name!r} is not the name of a host: write it without a port,"
                " such as --listen host.docker.internal"
            )
    return given


def parsed_parameters(given: list[str]) -> dict[str, str]:
    """Take ``Name=Value`` texts apart.

    Raises ConfigurationError when one has no equals sign, or no name.
    """
    pairs = [text.partition("=") for text in given]
    for name, sign, _ in pairs:
        if not sign or not name:
            raise ConfigurationError(
                f"--parameter {name!r} has no value: write --parameter Name=Value"
            )
    return {name: value for name, _, value in pairs}


def parsed_time(text: str) -> datetime:
    """Read an ISO 8601 time; one without an offset is in UTC.

    Raises ConfigurationError when it is no such time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--time {text!r} is not an ISO 8601 time such as 2026-11-22T03:00:00Z"
        ) from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def tick_lines(result: dict[str, Any]) -> list[str]:
    """Say what ScheduleFunction answered, a line for each run."""
    if not result.get("PreprocessingJobName"):
        return ["no run: nothing waits, and nothing lies under ScheduledInput"]
    return [_run_line(run) for run in result.get("Runs", [result])]


def _run_line(run: dict[str, Any]) -> str:
    count = run.get("Objects", 0)
    return f"{run['PreprocessingJobName']} over {count} object{'' if count == 1 else 's'}"


def _env_command(state_dir: Path | None, project: Path | None) -> str:
    where = [f"--state-dir={state_dir.absolute()}"] if state_dir else []
    where += [f"--project={project.absolute()}"] if project and not state_dir else []
    return f'eval "$({shlex.join(["landrun", "local", "env", *where])})"'


def _wait_for_signal() -> None:
    """Wait for Ctrl-C or kill; from then on they do nothing, so that tidying up is whole.

    Looks every so often: a signal that comes just before a wait begins would not end it.
    """
    asked_to_stop = threading.Event()
    for name in STOPPING:
        signal.signal(name, lambda *_: asked_to_stop.set())
    while not asked_to_stop.wait(LONGEST_WAIT):
        pass
