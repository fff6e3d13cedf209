"""The environment of each function as one frozen model: the only reader of ``os.environ``.

A field's name in upper case is the variable's name, as template.yaml sets it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

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


Required = Annotated[str, StringConstraints(min_length=1)]
Folder = Annotated[str, AfterValidator(_folder)]
RunNamePrefix = Annotated[str, AfterValidator(_run_name_prefix)]


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
            problems = (f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
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
    landing_suffix: str

    def filter(self, prefix: str) -> Filter:
        """Give the filter for keys under a prefix; what landrun writes itself never passes."""
        own = ((self.output_bucket, self.output_prefix), (self.output_bucket, self.manifest_prefix))
        return Filter(prefix=prefix, suffix=self.landing_suffix, own=own)


class ObjectCreatedSettings(StartSettings):
    """The environment of object_created."""

    landing_prefix: str
    dead_letter_queue_url: Required


class ScheduleSettings(StartSettings):
    """The environment of schedule."""

    scheduled_input: str
    schedule_timezone: Required


class ExecutionStatusSettings(Settings):
    """The environment of execution_status."""

    state_machine_arn: Required
    runs_table: Required
    notifications_topic_arn: Required
    dead_letter_queue_url: Required
    output_bucket: Required
