"""Where things are: the project's folder, the laptop's state, the stack."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from landrun.errors import ConfigurationError
from landrun_ops.cli.console import complain

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

Result = TypeVar("Result")

LAPTOPS_STACK = "landrun"
"""The name of the stack on a laptop's AWS."""

StackOption = Annotated[
    str,
    typer.Option(
        "--stack",
        metavar="NAME",
        envvar="LANDRUN_STACK",
        help="A deployed stack; else the laptop's.",
        show_default=False,
    ),
]
ProfileOption = Annotated[
    str, typer.Option("--profile", metavar="NAME", help="Of the AWS CLI.", show_default=False)
]
RegionOption = Annotated[
    str, typer.Option("--region", metavar="NAME", help="The stack's region.", show_default=False)
]

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="FOLDER",
        help="The folder with template.yaml; else this one or the nearest above.",
        show_default=False,
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="FOLDER",
        envvar="LANDRUN_STATE_DIR",
        help="Where the laptop's AWS keeps its state; else .landrun/local in the project.",
        show_default=False,
    ),
]


def project_folder(named: Path | None, start: Path) -> Path:
    """Find the project: the folder named, or the nearest from ``start`` upwards that is one.

    Raises
    ------
    ConfigurationError
        When there is no template.yaml.
    """
    if named is not None:
        if not (named / "template.yaml").is_file():
            raise ConfigurationError(f"{named} has no template.yaml: name landrun's own folder")
        return named.resolve()
    for folder in (start, *start.parents):
        if (folder / "template.yaml").is_file():
            return folder
    raise ConfigurationError(
        f"no template.yaml in {start} or above: go to landrun's folder, or name it with --project"
    )


def state_folder(named: Path | None, project: Path | None) -> Path:
    """Find the state of the laptop's AWS: the folder named, or the project's own.

    Raises
    ------
    ConfigurationError
        When neither is named and this is no project.
    """
    if named is not None:
        return named.absolute()
    # Late, like everything of the laptop's AWS.
    from landrun_ops.local.state import default_state_dir  # noqa: PLC0415

    return default_state_dir(project_folder(project, Path.cwd()))


def laptop_environment(state_dir: Path) -> dict[str, str]:
    """Give the environment of the laptop's AWS that is up.

    Raises
    ------
    NotUpError
        When none is.
    """
    from landrun_ops.local.state import read_environment  # noqa: PLC0415

    return read_environment(state_dir)


def client(service: str, environment: Mapping[str, str], config: Any = None) -> Any:
    """Build a client that reads ``environment`` where it would read the process's own.

    Parameters
    ----------
    service : str
        As boto3 names it.
    environment : Mapping[str, str]
        What ``landrun local env`` shows.
    config : botocore.config.Config, optional
        How the client behaves.
    """
    import boto3  # noqa: PLC0415  (start-up time)

    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
        config=config,
    )


@dataclass(frozen=True, slots=True)
class Target:
    """Which stack a command is about, as its options say.

    Attributes
    ----------
    stack : str
        The name of a deployed one; empty for the laptop's.
    profile, region : str
        Of the AWS CLI; empty for what its environment says.
    project, state_dir : Path or None
        Where the laptop's AWS is.
    """

    stack: str = ""
    profile: str = ""
    region: str = ""
    project: Path | None = None
    state_dir: Path | None = None

    def find(self) -> Stack:
        """Look the stack up.

        Raises
        ------
        ConfigurationError
            When none is named and the laptop's AWS is not up, or it is no stack of landrun.
        ServiceError
            When AWS cannot be reached, or has no such stack.
        """
        # Late, here and below: boto3 takes longer to import than --help may take.
        from landrun_ops.stack import stack  # noqa: PLC0415

        if self.stack:
            return stack.find(self.stack, profile=self.profile, region=self.region, report=complain)
        return stack.find(LAPTOPS_STACK, environment=self._laptop(), report=complain)

    def _laptop(self) -> dict[str, str]:
        from landrun_ops.local.errors import NotUpError  # noqa: PLC0415

        if self.profile or self.region:
            raise ConfigurationError(
                "--profile and --region are about a deployed stack: name it with --stack"
            )
        try:
            return laptop_environment(state_folder(self.state_dir, self.project))
        except (ConfigurationError, NotUpError) as error:
            raise ConfigurationError(
                "no stack: name a deployed one with --stack or LANDRUN_STACK, or start the"
                " laptop's AWS with: landrun local up"
            ) from error


def on_stack(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the options that say which stack; it takes a `Target` as ``target``."""
    signature = inspect.signature(command, eval_str=True)
    own = [one for one in signature.parameters.values() if one.name != "target"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _TARGET_OPTIONS.items()
    ]

    @wraps(command)
    def with_target(*arguments: Any, **options: Any) -> Result:
        target = Target(**{name: options.pop(name) for name in _TARGET_OPTIONS})
        return command(*arguments, target=target, **options)

    parameters = [*own, *shared]
    del with_target.__wrapped__
    with_target.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_target.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_target


_TARGET_OPTIONS: dict[str, tuple[Any, Any]] = {
    "stack": (StackOption, ""),
    "profile": (ProfileOption, ""),
    "region": (RegionOption, ""),
    "project": (ProjectOption, None),
    "state_dir": (StateOption, None),
}
