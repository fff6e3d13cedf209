"""``landrun local``: AWS on a laptop, from template.yaml itself."""

import contextlib
import shlex
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import plain_json
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.cli.console import STOPPING, complain, show_json, stack_options, stoppable
from landrun_ops.cli.target import (
    ProjectOption,
    StateOption,
    Target,
    project_folder,
    state_folder,
)
from landrun_ops.local.edits import Edits
from landrun_ops.local.settings import HOST, STACK
from landrun_ops.local.state import read_environment
from landrun_ops.units import count

app = typer.Typer(rich_markup_mode=None, add_completion=False)

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
    """Start AWS on this laptop; it runs until Ctrl-C and leaves nothing behind.

    Example: landrun local up --port 4566 --parameter MaxRuntimeInSeconds=60
    """
    # Late, here and below: --help needs neither boto3 nor flask.
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
        if json:  # one line, for programs that wait for it
            typer.echo(plain_json(aws.environment()))
            sys.stdout.flush()
            _wait_for_signal(folder)
            return
        stack = find(STACK, environment=aws.environment())
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
        bool, typer.Option("--sam", help="Write the file that sam local reads with --env-vars.")
    ] = False,
) -> None:
    """Print the variables with which the AWS CLI, boto3 and landrun find the laptop's AWS.

    Example: eval "$(landrun local env)" && aws s3 ls
    """
    folder = state_folder(state_dir, project)
    environment = read_environment(folder)
    if json or sam:
        show_json(_sam_variables(folder) if sam else environment)
        return
    for name, value in environment.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    typer.echo(f"# To leave the laptop's AWS again: unset {' '.join(environment)}")


def _sam_variables(state_dir: Path) -> dict[str, dict[str, str]]:
    """Return each function's variables as deployed, for containers on this machine.

    The SAM CLI does not know the values of the stack's references, and a container reaches this
    machine by another host name. moto keeps numbers of the template as numbers.
    """
    from landrun_ops.local import LocalAws  # noqa: PLC0415

    aws, found = LocalAws.attach(state_dir), {}
    endpoint = aws.endpoint_url.replace(HOST, "host.docker.internal")
    for output, name in aws.outputs.items():
        if output.endswith("Function"):
            answer = aws.client("lambda").get_function_configuration(FunctionName=name)
            variables = answer["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": endpoint}
            found[output] = {key: str(value) for key, value in variables.items()}
    return found


@app.command()
def tick(
    time: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"],
            metavar="ISO8601",
            help="The due time; UTC if it has no offset. Default: now.",
        ),
    ] = None,
    project: ProjectOption = None,
    state_dir: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Fire the schedule: start a run over the waiting landings, or over ScheduledInput.

    Example: landrun local tick --time 2026-11-22T03:00:00Z
    """
    from landrun_ops.local import LocalAws  # noqa: PLC0415

    if time and time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    try:
        result = LocalAws.attach(state_folder(state_dir, project)).tick(time)
    except FunctionError as error:
        complain(str(error))
        raise typer.Exit(1) from error
    if json:
        show_json(result)
    else:
        typer.echo("\n".join(tick_lines(result)))


def parsed_parameters(given: list[str]) -> dict[str, str]:
    """Parse ``Name=Value`` texts; raises ConfigurationError for any other text."""
    wrong = [text for text in given if not text.partition("=")[0] or "=" not in text]
    if wrong:
        raise ConfigurationError(f"no value in {wrong[0]!r}: write --parameter Name=Value")
    return dict(text.split("=", maxsplit=1) for text in given)


def tick_lines(result: dict[str, Any]) -> list[str]:
    """Describe ScheduleFunction's answer in lines, one per run."""
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
    """Wait for SIGINT or SIGTERM; both are ignored afterwards, so that the clean-up completes.

    The handlers take no lock: an Event's could be held by the wait that they interrupt. Edits of
    what was deployed are reported meanwhile.
    """
    signals: list[int] = []
    edits = Edits(project)
    for name in STOPPING:
        signal.signal(name, lambda number, _: signals.append(number))
    while not signals:
        time.sleep(0.5)
        if files := edits.new():
            complain(
                f"{', '.join(files)} changed: stop this with Ctrl-C and start it again to deploy"
                " that (edits of src/processing take effect at once)"
            )
