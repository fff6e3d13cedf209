"""Finds the stack that a command is about, the project, and the laptop's AWS."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from landrun.errors import ConfigurationError
from landrun_ops.cli.options import option
from landrun_ops.local.endpoint import check_endpoint
from landrun_ops.local.errors import NotUpError
from landrun_ops.local.settings import STACK
from landrun_ops.local.state import default_state_dir, read_environment

if TYPE_CHECKING:
    from landrun_ops.stack.clients import Clients
    from landrun_ops.stack.stack import Stack

Result = TypeVar("Result")

ProfileOption = Annotated[str, option("NAME", "Profile of the AWS CLI.")]
RegionOption = Annotated[str, option("NAME", "Region of the stack.")]
ProjectOption = Annotated[
    Path | None,
    option("FOLDER", "The folder with template.yaml. Default: this one or the nearest above."),
]
StateOption = Annotated[
    Path | None,
    option(
        "FOLDER",
        "Where the laptop's AWS keeps its state. Default: .landrun/local in the project.",
        envvar="LANDRUN_STATE_DIR",
    ),
]


def project_folder(named: Path | None, start: Path) -> Path:
    """Find the folder of template.yaml: the one named, or the nearest from ``start`` upwards."""
    for folder in [named.resolve()] if named else [start, *start.parents]:
        if (folder / "template.yaml").is_file():
            return folder
    if named:
        raise ConfigurationError(f"{named} has no template.yaml: name landrun's own folder")
    raise ConfigurationError(
        f"no template.yaml in {start} or above: go to landrun's folder, or name it with --project"
    )


def state_folder(named: Path | None, project: Path | None) -> Path:
    """Find the state of the laptop's AWS: the folder named, or the project's own."""
    return named.absolute() if named else default_state_dir(project_folder(project, Path.cwd()))


@dataclass(frozen=True, slots=True)
class Target:
    """The stack that a command is about, as its options name it."""

    stack: Annotated[
        str,
        option(
            "NAME",
            "Name of a deployed stack. Default: the local stack.",
            envvar="LANDRUN_STACK",
        ),
    ] = ""
    profile: ProfileOption = ""
    region: RegionOption = ""
    project: ProjectOption = None
    state_dir: StateOption = None

    def find(self) -> Stack:
        """Find the stack.

        Raises ConfigurationError when none is named and the laptop's AWS is not up, or it is no
        stack of landrun; ServiceError when AWS cannot be reached or has no such stack.
        """
        from landrun_ops.stack.stack import find  # noqa: PLC0415  (boto3)

        if self.stack:
            check_endpoint(self.stack, os.environ, self._state_folder())
            return find(self.stack, profile=self.profile, region=self.region)
        if self.profile or self.region:
            raise ConfigurationError(
                "--profile and --region are about a deployed stack: name it with --stack"
            )
        try:
            laptop = read_environment(state_folder(self.state_dir, self.project))
        except (ConfigurationError, NotUpError) as error:
            raise ConfigurationError(
                "no stack: name a deployed one with --stack or LANDRUN_STACK, or start the"
                " laptop's AWS with: landrun local up"
            ) from error
        return find(STACK, environment=laptop)

    def _state_folder(self) -> Path | None:
        try:
            return state_folder(self.state_dir, self.project)
        except ConfigurationError:
            return None

    def clients(self) -> Clients:
        """Return the clients of the account that the options or the environment name."""
        from landrun_ops.stack.clients import Clients  # noqa: PLC0415  (boto3)

        return Clients(profile=self.profile, region=self.region)


def on_stack(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the options that name the stack; it receives a `Target` as ``target``."""
    signature = inspect.signature(command, eval_str=True)
    shared = inspect.signature(Target, eval_str=True).parameters
    parameters = [one for name, one in signature.parameters.items() if name != "target"]
    parameters += [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in shared.values()]

    @wraps(command)
    def with_target(*arguments: Any, **options: Any) -> Result:
        target = Target(**{name: options.pop(name) for name in shared})
        return command(*arguments, target=target, **options)

    del with_target.__wrapped__
    with_target.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_target.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_target
