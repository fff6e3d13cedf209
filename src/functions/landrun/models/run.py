"""Execution inputs and the names of runs.

A run is named after what triggered it. Step Functions refuses a second execution of a name, so
that an event delivered twice still makes one run, with no lock and no table.
"""

import json
import re
import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from landrun.errors import InvalidName
from landrun.sanitize import shown

SAGEMAKER_NAME_LIMIT = 63
"""Characters in a Processing job's name (SageMaker API, CreateProcessingJob)."""

ATTEMPT_SUFFIX_LENGTH = 9
"""Characters that the state machine appends per attempt: a dash and 8 hexadecimal digits."""

RUN_NAME_LIMIT = SAGEMAKER_NAME_LIMIT - ATTEMPT_SUFFIX_LENGTH
"""Characters in a run's name: 54. Step Functions would allow 80."""

PREFIX_LIMIT = RUN_NAME_LIMIT - 1 - 32
"""Characters before the uuid and its dash: 21."""

_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9])*")
_PREFIX = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
_NAMESPACE = uuid.UUID("c94bd824-8be5-4622-94c3-a289b5c9a4a3")


class _Contract(BaseModel):
    """A model whose JSON has its fields in order, without those that are None."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that have a value, by name."""
        return self.model_dump(exclude_none=True)

    def to_json(self) -> str:
        """Serialise to the same bytes for the same values, whenever and wherever it is called."""
        return self.model_dump_json(exclude_none=True)


class ObjectCreatedTrigger(_Contract):
    """An object landed in S3."""

    Kind: Literal["object-created"] = "object-created"
    Bucket: str
    Key: str
    VersionId: str | None = None
    Sequencer: str | None = None
    Size: int | None = None
    EventTime: str


class ScheduleTrigger(_Contract):
    """A schedule ticked; ``Part`` counts from 1 the further runs of a tick that needs several."""

    Kind: Literal["schedule"] = "schedule"
    ScheduleArn: str
    ScheduledTime: str
    Part: int | None = None


class ManualTrigger(_Contract):
    """A person started the run; ``RerunOf`` is the run whose manifest it reads again."""

    Kind: Literal["manual"] = "manual"
    StartedBy: str
    RerunOf: str | None = None


Trigger = ObjectCreatedTrigger | ScheduleTrigger | ManualTrigger
_TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Annotated[Trigger, Field(discriminator="Kind")])


def parse_trigger(text: str | bytes) -> Trigger:
    """Read a trigger's JSON.

    Raises ValueError when the text is not a trigger.
    """
    return _TRIGGER.validate_json(text)


class ExecutionInput(_Contract):
    """The input of one execution of the state machine.

    The first three fields are the placeholders of the notebook's ``ExecutionInput(schema=…)``.
    """

    PreprocessingJobName: str
    """The run's name, which is also the execution's name."""

    InputMessage: str
    """S3 URI of the job's input (see `landrun.services.start_run.input_message`)."""

    OutputProcessedMessage: str
    """S3 URI under which the job leaves its output; ends with a slash."""

    Trigger: ObjectCreatedTrigger | ScheduleTrigger | ManualTrigger


InputFormat = Literal["manifest", "uri"]
"""What ``InputMessage`` holds: a manifest's URI, or the URI of an object or a prefix."""

S3_URI_LIMIT = 1024
"""Characters of an ``S3Uri`` in a Processing job's input (SageMaker API, ProcessingS3Input)."""

INPUT_FIELDS = tuple(ExecutionInput.model_fields)
"""Names of the fields of an execution input."""


def landing_run_name(prefix: str, bucket: str, key: str, version: str) -> str:
    """Name the run of one version of one object; the same version always gives the same name.

    ``prefix`` is the beginning of the name (see `check_prefix`), ``version`` what
    `landrun.models.landing.Landing.version` identifies the version by.
    """
    return _name_of(prefix, "object-created", bucket, key, version)


def tick_run_name(prefix: str, schedule_arn: str, scheduled_time: str, part: int = 0) -> str:
    """Name a run of one tick of one schedule; every attempt of the tick gives the same name.

    ``scheduled_time`` is when the tick was due, not when it arrived, as ISO 8601 in UTC; ``part``
    is 0 for the tick's first run, 1 for the one after it.
    """
    which = (str(part),) if part else ()
    return _name_of(prefix, "schedule", schedule_arn, scheduled_time, *which)


def manual_run_name(prefix: str, random: uuid.UUID | None = None) -> str:
    """Name a run that was started by hand: never the same name twice."""
    return check_run_name(f"{check_prefix(prefix)}-{(random or uuid.uuid4()).hex}")


def _name_of(prefix: str, *identity: str) -> str:
    digest = uuid.uuid5(_NAMESPACE, json.dumps(identity))
    return check_run_name(f"{check_prefix(prefix)}-{digest.hex}")


def check_prefix(prefix: str) -> str:
    """Return a prefix of run names if it is valid.

    Raises InvalidName when it is longer than 21 characters, or is not lower-case letters, digits
    and single dashes.
    """
    if len(prefix) > PREFIX_LIMIT or not _PREFIX.fullmatch(prefix):
        raise InvalidName(
            f"the run name prefix {shown(prefix)} must be 1 to {PREFIX_LIMIT} lower-case letters,"
            " digits and single dashes between them: change JobNamePrefix"
        )
    return prefix


def is_run_name(name: str) -> bool:
    """Return True if a run can have this name (see `check_run_name`)."""
    return len(name) <= RUN_NAME_LIMIT and _NAME.fullmatch(name) is not None


def check_run_name(name: str) -> str:
    """Return a run's name if Step Functions and SageMaker both accept it.

    Raises InvalidName when it has more than 54 characters, or others than letters, digits and inner
    dashes.
    """
    if not is_run_name(name):
        raise InvalidName(
            f"the run name {shown(name)} must be 1 to {RUN_NAME_LIMIT} letters, digits and inner"
            f" dashes: SageMaker's {SAGEMAKER_NAME_LIMIT} must also hold the attempt's suffix"
        )
    return name
