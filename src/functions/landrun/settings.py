"""The environment of each function as one frozen model: the only reader of ``os.environ``.

A field's name in upper case is the variable's name, as template.yaml sets it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from landrun.contract import check_prefix
from landrun.errors import ConfigurationError, InvalidName
from landrun.landing import Filter


def _run_name_prefix(value: str) -> str:
    try:
        return check_prefix(value)
    except InvalidName as error:
        raise ValueError(str(error)) from error


def _folder(value: str) -> str:
    if not value.endswith("/") or value.startswith("/"):
        raise ValueError("must end with a slash and not begin with one, as in 'processed/'")
    return value


def _problem(error: ErrorDetails) -> str:
    """Name the variable, unless it is about several, and say what is wrong."""
    return ": ".join([*(str(field).upper() for field in error["loc"][:1]), error["msg"]])


Required = Annotated[str, StringConstraints(min_length=1)]
Folder = Annotated[str, AfterValidator(_folder)]
RunNamePrefix = Annotated[str, AfterValidator(_run_name_prefix)]
StartOn = Literal["arrival", "schedule"]


class Settings(BaseModel):
    """What a function reads from its environment."""

    model_config = ConfigDict(frozen=True)

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
        variables = os.environ if environment is None else environment
        names = {field: field.upper() for field in cls.model_fields}
        found = {field: variables[name] for field, name in names.items() if name in variables}
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            problems = map(_problem, error.errors())
            raise ConfigurationError(
                "the function's environment is wrong, see template.yaml: " + "; ".join(problems)
            ) from error


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

    @model_validator(mode="after")
    def _outputs_beside_landings(self) -> Self:
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
        return self

    def filter(self, prefix: str) -> Filter:
        """Give the filter for keys under a prefix; what landrun writes itself never passes."""
        own = ((self.output_bucket, self.output_prefix), (self.output_bucket, self.manifest_prefix))
        return Filter(prefix=prefix, suffix=self.landing_suffix, own=own)


class ObjectCreatedSettings(StartSettings):
    """The environment of object_created."""

    start_on: StartOn
    landings_table: Required
    dead_letter_queue_url: Required


class ScheduleSettings(StartSettings):
    """The environment of schedule."""

    start_on: StartOn
    landings_table: Required
    max_objects_per_run: PositiveInt
    scheduled_input: str
    schedule_timezone: Required

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.start_on == "schedule" and self.scheduled_input:
            raise ValueError(
                "with StartOn=schedule a tick reads what has landed: leave ScheduledInput empty"
            )
        return self

    @model_validator(mode="after")
    def _no_feedback(self) -> Self:
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
        return self


class ReconcileSettings(Settings):
    """The environment of reconcile."""

    state_machine_arn: Required
    job_name_prefix: RunNamePrefix
    output_bucket: Required
    output_prefix: Folder
    manifest_prefix: Folder
    start_on: StartOn
    landings_table: Required
    max_objects_per_run: PositiveInt
    runs_table: Required
    notifications_topic_arn: Required
    turns_table: Required
    max_concurrent_runs: NonNegativeInt


class ExecutionStatusSettings(Settings):
    """The environment of execution_status."""

    state_machine_arn: Required
    runs_table: Required
    notifications_topic_arn: Required
    turns_table: Required
    max_concurrent_runs: NonNegativeInt
    dead_letter_queue_url: Required
    output_bucket: Required
