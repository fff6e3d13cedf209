"""``landrun adopt``: let landrun run a state machine that exists."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from landrun.errors import ConfigurationError
from landrun_ops.actions.samconfig import SamConfig, joined
from landrun_ops.cli import options
from landrun_ops.cli.console import console, say, show_json
from landrun_ops.cli.doctor import findings_table
from landrun_ops.cli.target import ProfileOption, ProjectOption, Target, project_folder
from landrun_ops.doctor.adoption import CHECKS, read, region_of
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.checks import run_checks
from landrun_ops.doctor.operations import running_executions
from landrun_ops.stack import stack as stacks


def adopt(
    arn: Annotated[str, options.argument("STATE_MACHINE_ARN", "An existing state machine.")],
    *,
    write: Annotated[
        bool, options.flag("Write the parameters to samconfig.toml.", "--write")
    ] = False,
    config_env: Annotated[
        str, typer.Option(metavar="NAME", help="The environment of samconfig.toml, as for sam.")
    ] = "default",
    profile: ProfileOption = "",
    project: ProjectOption = None,
    json: options.JsonOption = False,
) -> int:
    """Read an existing state machine, and show the parameters with which landrun runs it.

    Reports how its job reads the landed data, whether a run can be retried, its time limit, and
    which permissions its role lacks. With --write, the parameters are written to samconfig.toml;
    prefixes that it sets already stay. Refuses to write while executions of the stack run or wait,
    because the deployment replaces their state machine. Exits with 1 when something would not work.

    Example: landrun adopt arn:aws:states:eu-central-1:123456789012:stateMachine:orders --write
    """
    target = Target(profile=profile, region=region_of(arn))
    aws = read(target.clients(), arn)
    findings = [one for found in run_checks(CHECKS, aws) for one in found]
    failed = any(one.level == "fail" for one in findings)
    parameters, written = dict(aws.stack.parameters), ""
    if write or project:
        config = SamConfig(project_folder(project, Path.cwd()) / "samconfig.toml", config_env)
        for kept in (name for name in config.overrides() if name.endswith("Prefix")):
            parameters.pop(kept, None)
        if write and not failed:
            _refuse_while_running(config, target, arn)
            config.write(parameters)
            written = str(config.path)
    overrides = joined(parameters)
    if json:
        shown = {"parameters": parameters, "parameter_overrides": overrides, "written": written}
        show_json({"checks": [*map(asdict, findings)], **shown})
    else:
        console().print(findings_table(f"state machine {arn.rpartition(':')[2]}", findings))
        say(f"parameters: {overrides}")
        if written:
            say(f"{written} has them now; next: sam build && sam deploy, then landrun doctor")
        else:
            say(f"next: {'correct what fails' if failed else 'landrun adopt --write'}")
    return 1 if failed else 0


def _refuse_while_running(config: SamConfig, target: Target, arn: str) -> None:
    """Refuse to replace the state machine of a stack whose executions run or wait."""
    name, region = config.setting("stack_name"), config.setting("region") or target.region
    if not name:
        return
    try:
        stack = stacks.find(name, profile=target.profile, region=region)
    except ConfigurationError:
        return  # not deployed yet
    running = running_executions(AwsReader(stack, datetime.now(UTC)))
    if running and stack.output("StateMachineArn") != arn:
        raise ConfigurationError(
            f"executions of the stack {stack.name} run or wait ({len(running):,}), and a deployment"
            " would replace their state machine: wait for their end, or landrun stop them"
        )
