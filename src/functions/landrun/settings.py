"""The environment of each function as one frozen model, and the only reader of the environment.

A field's name in upper case is the variable's name, as template.yaml sets it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from landrun.errors import ConfigurationError
from landrun.models.landing import LandingFilter
from landrun.models.run import InputFormat, check_prefix


def _folder(value: str) -> str:
    if not value.endswith("/") or value.startswith("/"):
        raise ValueError("must end with a slash and not begin with one, such as 'processed/'")
    return value


Required = Annotated[str, Field(min_length=1)]
Folder = Annotated[str, AfterValidator(_folder)]
RunNamePrefix = Annotated[str, AfterValidator(check_prefix)]
PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]


class Settings(BaseSettings):
    """The environment of a function."""

    model_config = SettingsConfigDict(frozen=True)

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings from variables by name, by default those of the process.

        Raises ConfigurationError when variables are missing or wrong; names each of them and says
        why.
        """
        try:
            if environment is None:
                return cls()
            given: dict[str, Any] = {
                name: environment[name.upper()]
                for name in cls.model_fields
                if name.upper() in environment
            }
            # With this prefix pydantic-settings finds nothing in the environment of the process.
            return cls(_env_prefix="not of the process: ", **given)
        except ValidationError as error:
            raise ConfigurationError(
                "the function's environment is wrong, see template.yaml: "
                + "; ".join(map(_problem, error.errors()))
            ) from error


def _problem(problem: ErrorDetails) -> str:
    said = "is not set" if problem["type"] == "missing" else problem["msg"]
    said = said.removeprefix("Value error, ")
    return f"{str(problem['loc'][0]).upper()}: {said}" if problem["loc"] else said


class StartSettings(Settings):
    """The environment that all functions share that start runs."""

    state_machine_arn: Required
    job_name_prefix: RunNamePrefix
    output_bucket: Required
    output_prefix: Folder
    manifest_prefix: Folder
    input_message_format: InputFormat
    start_on: Literal["arrival", "schedule"]
    landings_table: Required


class LandingSettings(StartSettings):
    """The environment that the functions share that decide which objects start runs."""

    landing_bucket: Required
    landing_prefix: str
    landing_suffix: str

    @model_validator(mode="after")
    def _keep_outputs_apart_from_landings(self) -> Self:
        """Refuse overlapping prefixes of outputs and landings in one bucket.

        A run's output would land and start another run, or landings would be taken for outputs
        and start none. CloudFormation cannot compare the beginnings of texts.
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

    def filter(self, prefix: str) -> LandingFilter:
        """Return the filter for keys under a prefix; landrun's own outputs never pass."""
        own = ((self.output_bucket, self.output_prefix), (self.output_bucket, self.manifest_prefix))
        return LandingFilter(prefix=prefix, suffix=self.landing_suffix, own=own)


class ObjectCreatedSettings(LandingSettings):
    """The environment of object_created."""

    dead_letter_queue_url: Required


class ScheduleSettings(LandingSettings):
    """The environment of schedule."""

    max_objects_per_run: PositiveInt
    scheduled_input: str
    schedule_timezone: Required

    @model_validator(mode="after")
    def _read_from_one_source(self) -> Self:
        if self.start_on == "schedule" and self.scheduled_input:
            raise ValueError(
                "with StartOn=schedule a tick reads what has landed: leave ScheduledInput empty"
            )
        return self

    @model_validator(mode="after")
    def _read_no_outputs(self) -> Self:
        """Refuse to read the outputs of runs: each run would make the next one larger."""
        own = (self.output_prefix, self.manifest_prefix)
        bucket, _, prefix = self.scheduled_input.removeprefix("s3://").partition("/")
        prefix = prefix.partition("{")[0]
        if bucket == self.output_bucket and any(
            prefix.startswith(folder) or folder.startswith(prefix) for folder in own
        ):
            raise ValueError(
                f"ScheduledInput {self.scheduled_input!r} holds the outputs of runs under"
                f" {' and '.join(own)}: let it name another bucket or prefix"
            )
        return self


class OutcomeSettings(Settings):
    """The environment that the functions share that record outcomes and give slots."""

    state_machine_arn: Required
    runs_table: Required
    notifications_topic_arn: Required
    concurrency_table: Required
    max_concurrent_runs: NonNegativeInt
    output_bucket: Required
    manifest_prefix: Folder


class ExecutionStatusSettings(OutcomeSettings):
    """The environment of execution_status."""

    dead_letter_queue_url: Required


class ReconcileSettings(StartSettings, OutcomeSettings):
    """The environment of reconcile."""

    max_objects_per_run: PositiveInt
