"""``landrun adopt``: read a state machine that exists, and let landrun run it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from landrun.errors import ConfigurationError
from landrun_ops.cli import options
from landrun_ops.cli.console import complain, console, show_json
from landrun_ops.cli.target import ProfileOption, ProjectOption, Target, project_folder

if TYPE_CHECKING:
    from landrun_ops.actions.samconfig import SamConfig
    from landrun_ops.doctor.adoption import Adoption

OF_OWN_STATE_MACHINE: Final = {
    "Engine": "script",
    "ImageUri": "",
    "JobEnvironment": "",
    "SubnetIds": "",
    "SecurityGroupIds": "",
    "NetworkIsolation": "false",
    "InterContainerEncryption": "false",
    "MaxConcurrentRuns": "0",
}
"""Parameters that the template refuses beside StateMachineArn, unless they have these values."""


def adopt(
    arn: Annotated[
        str,
        typer.Argument(
            metavar="STATE_MACHINE_ARN", help="An existing state machine.", show_default=False
        ),
    ],
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Put the parameters into samconfig.toml.")
    ] = False,
    config_env: Annotated[
        str,
        typer.Option(
            "--config-env", metavar="NAME", help="The environment of samconfig.toml, as for sam."
        ),
    ] = "default",
    profile: ProfileOption = "",
    project: ProjectOption = None,
    json: options.JsonOption = False,
) -> int:
    """Read a state machine that exists, and show the parameters with which landrun runs it.

    Says what landrun does with it: how its job reads what landed, whether a run can be retried,
    its time limit, and what its role lacks. With --write, samconfig.toml gets the parameters;
    prefixes that it sets already stay. Refuses to write while executions of the stack run or wait,
    because the deployment replaces their state machine. Exits with 1 when something would not work.

    Example: landrun adopt arn:aws:states:eu-central-1:123456789012:stateMachine:orders --write
    """
    # Late: boto3 and rich take longer to import than --help may take.
    from landrun_ops.actions.samconfig import SamConfig, joined  # noqa: PLC0415
    from landrun_ops.doctor.adoption import check_arn, read  # noqa: PLC0415
    from landrun_ops.doctor.aws_reader import AwsReader  # noqa: PLC0415

    target = Target(profile=profile, region=check_arn(arn).split(":")[3])
    folder = project_folder(project, Path.cwd()) if write or project else None
    config = SamConfig(folder / "samconfig.toml", config_env) if folder else None
    adoption = read(AwsReader(target.clients()), arn)
    failed = any(one.grade == "fail" for one in adoption.results)
    parameters = _merged(adoption, config)
    if config and write:
        if failed:
            raise ConfigurationError(
                f"{config.path} stays as it is, because the state machine would not work: landrun"
                " adopt without --write says why"
            )
        _refuse_while_running(config, target, arn)
        config.write(parameters)
    written = str(config.path) if config and write else ""
    if json:
        show_json(_as_json(adoption, parameters, joined(parameters), written))
    else:
        _show(adoption, parameters, written)
    return 1 if failed else 0


def _merged(adoption: Adoption, config: SamConfig | None) -> dict[str, str]:
    """Return the parameters to set; prefixes that samconfig.toml sets already stay."""
    present = config.overrides() if config else {}
    refused = [
        name for name, value in OF_OWN_STATE_MACHINE.items() if present.get(name, value) != value
    ]
    if (
        present.get("StartOn") == "schedule"
        and adoption.parameters.get("InputMessageFormat") == "uri"
    ):
        refused.append("StartOn")
    if refused and config:
        raise ConfigurationError(
            f"remove {', '.join(refused)} from {config.path}: the state machine defines its own"
            " jobs, and with InputMessageFormat=uri a run reads one object"
        )
    return {
        name: value
        for name, value in adoption.parameters.items()
        if not name.endswith("Prefix") or name not in present
    }


def _refuse_while_running(config: SamConfig, target: Target, arn: str) -> None:
    """Refuse to replace the state machine of a stack whose executions run or wait."""
    from landrun_ops.doctor.aws_reader import AwsReader  # noqa: PLC0415
    from landrun_ops.doctor.executions import running_executions  # noqa: PLC0415
    from landrun_ops.stack import stack as stacks  # noqa: PLC0415

    if not config.stack_name:
        return
    try:
        region = config.region or target.region
        stack = stacks.find(
            config.stack_name, profile=target.profile, region=region, report=complain
        )
    except ConfigurationError:
        return  # not deployed yet
    replaced = stack.output("StateMachineArn")
    running = [] if replaced == arn else running_executions(AwsReader(stack.client), replaced)
    if running:
        raise ConfigurationError(
            f"executions of the stack {stack.name} run or wait ({len(running):,}), and a deployment"
            " would replace their state machine: wait for their end, or landrun stop them"
        )


def _show(adoption: Adoption, parameters: Mapping[str, str], written: str) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from landrun_ops.cli.doctor_report import findings_table, width  # noqa: PLC0415

    name = parameters["StateMachineArn"].rpartition(":")[2]
    screen = console()
    screen.print(findings_table(f"state machine {name}", adoption.results, width(adoption.results)))
    title = Text(f"\nparameters, in {written} now" if written else "\nparameters", style="bold")
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    for parameter, value in parameters.items():
        table.add_row(parameter, Text(value, overflow="fold"))
    screen.print(table)
    following = "sam build && sam deploy, then landrun doctor" if written else "add --write"
    screen.print(f"\nnext: {following}")


def _as_json(
    adoption: Adoption, parameters: Mapping[str, str], overrides: str, written: str
) -> dict[str, Any]:
    from landrun_ops.cli.doctor_report import entry  # noqa: PLC0415

    return {
        "checks": [entry(one) for one in adoption.results],
        "parameters": dict(parameters),
        "parameter_overrides": overrides,
        "written": written,
    }
