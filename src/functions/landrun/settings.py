"""The environment of each function as one frozen model: the only reader of ``os.environ``.

A field's name in upper case is the variable's name, as template.yaml sets it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self, get_args, get_type_hints

from landrun.errors import ConfigurationError, InvalidName
from landrun.models.landing import LandingFilter
from landrun.models.run import InputFormat, check_prefix
from landrun.sanitize import shown


def _not_empty(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _run_name_prefix(value: str) -> str:
    try:
        return check_prefix(value)
    except InvalidName as error:
        raise ValueError(str(error)) from error


def _folder(value: str) -> str:
    if not value.endswith("/") or value.startswith("/"):
        raise ValueError("must end with a slash and not begin with one, as in 'processed/'")
    return value


def _way_to_start(value: str) -> str:
    if value not in get_args(_Ways):
        raise ValueError(f"must be {' or '.join(get_args(_Ways))}, not {shown(value)}")
    return value


def _number_from(least: int) -> Callable[[str], int]:
    def number(value: str) -> int:
        if not value.isdecimal() or int(value) < least:
            raise ValueError(f"must be a whole number from {least}, not {shown(value)}")
        return int(value)

    return number


def _input_message_format(value: str) -> str:
    if value not in get_args(InputFormat):
        raise ValueError(f"must be {' or '.join(get_args(InputFormat))}, not {shown(value)}")
    return value


_Ways = Literal["arrival", "schedule"]

Required = Annotated[str, _not_empty]
Folder = Annotated[str, _folder]
RunNamePrefix = Annotated[str, _run_name_prefix]
StartOn = Annotated[_Ways, _way_to_start]
InputMessageFormat = Annotated[InputFormat, _input_message_format]
PositiveInt = Annotated[int, _number_from(1)]
NonNegativeInt = Annotated[int, _number_from(0)]
"""Each type says how its variable is read."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a function reads from its environment."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the model from the environment.

        Parameters
        ----------
        environment : mapping, optional
            Variables by name; the process's own when left out.

        Raises
        ------
        ConfigurationError
            When variables are missing or wrong; names each of them and says why.
        """
        found, problems = cls._read(os.environ if environment is None else environment)
        if not problems:
            try:
                return cls(**found)
            except ValueError as error:
                problems = [str(error)]
        raise ConfigurationError(
            "the function's environment is wrong, see template.yaml: " + "; ".join(problems)
        )

    @classmethod
    def _read(cls, variables: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        hints = get_type_hints(cls, include_extras=True)
        found: dict[str, Any] = {}
        problems = []
        for name in (field.name for field in fields(cls)):
            [read] = getattr(hints[name], "__metadata__", (str,))
            try:
                found[name] = read(str(variables[name.upper()]))
            except KeyError:
                problems.append(f"{name.upper()}: is not set")
            except ValueError as error:
                problems.append(f"{name.upper()}: {error}")
        return found, problems


@dataclass(frozen=True, kw_only=True)
class StartSettings(Settings):
    """What both functions that start runs need to know."""

    state_machine_arn: Required
    job_name_prefix: RunNamePrefix
    output_bucket: Required
    output_prefix: Folder
    manifest_prefix: Folder
    landing_bucket: Required
    landing_prefix: str
    landing_suffix: str
    input_message_format: InputMessageFormat

    def __post_init__(self) -> None:
        self._outputs_beside_landings()

    def _outputs_beside_landings(self) -> None:
        """Refuse one bucket in which outputs and landings are the same keys.

        What a run writes would land, and start a run; or what lands would be taken for what a run
        has written, and start none. CloudFormation cannot compare the beginnings of texts.
        """
        landing = self.landing_prefix
        written = {"OutputPrefix": self.output_prefix, "ManifestPrefix": self.manifest_prefix}
        for name, folder in written.items():
            overlap = folder.startswith(landing) or landing.startswith(folder)
            if overlap and self.landing_bucket == self.output_bucket:
                raise ValueError(
                    f"{name} {folder!r} and LandingPrefix {landing!r} overlap in the one bucket"
                    f" {self.output_bucket}: let neither begin with the other, or let"
                    " OutputBucketName be another bucket"
                )

    def filter(self, prefix: str) -> LandingFilter:
        """Give the filter for keys under a prefix; what landrun writes itself never passes."""
        own = ((self.output_bucket, self.output_prefix), (self.output_bucket, self.manifest_prefix))
        return LandingFilter(prefix=prefix, suffix=self.landing_suffix, own=own)


@dataclass(frozen=True, kw_only=True)
class ObjectCreatedSettings(StartSettings):
    """The environment of object_created."""

    start_on: StartOn
    landings_table: Required
    dead_letter_queue_url: Required


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings(StartSettings):
    """The environment of schedule."""

    start_on: StartOn
    landings_table: Required
    max_objects_per_run: PositiveInt
    scheduled_input: str
    schedule_timezone: Required

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_source()
        self._no_feedback()

    def _one_source(self) -> None:
        if self.start_on == "schedule" and self.scheduled_input:
            raise ValueError(
                "with StartOn=schedule a tick reads what has landed: leave ScheduledInput empty"
            )

    def _no_feedback(self) -> None:
        """Refuse to read what runs write: each run would make the next one larger."""
        own = (self.output_prefix, self.manifest_prefix)
        bucket, _, prefix = self.scheduled_input.removeprefix("s3://").partition("/")
        prefix = prefix.partition("{")[0]
        if bucket == self.output_bucket and any(
            prefix.startswith(folder) or folder.startswith(prefix) for folder in own
        ):
            raise ValueError(
                f"ScheduledInput {self.scheduled_input!r} holds what runs write under"
                f" {' and '.join(own)}: let it name another bucket or prefix"
            )


@dataclass(frozen=True, kw_only=True)
class ReconcileSettings(Settings):
    """The environment of reconcile."""

    state_machine_arn: Required
    job_name_prefix: RunNamePrefix
    output_bucket: Required
    output_prefix: Folder
    manifest_prefix: Folder
    input_message_format: InputMessageFormat
    start_on: StartOn
    landings_table: Required
    max_objects_per_run: PositiveInt
    runs_table: Required
    notifications_topic_arn: Required
    concurrency_table: Required
    max_concurrent_runs: NonNegativeInt


@dataclass(frozen=True, kw_only=True)
class ExecutionStatusSettings(Settings):
    """The environment of execution_status."""

    state_machine_arn: Required
    runs_table: Required
    notifications_topic_arn: Required
    concurrency_table: Required
    max_concurrent_runs: NonNegativeInt
    dead_letter_queue_url: Required
    output_bucket: Required
    manifest_prefix: Folder
