"""The execution input, and the names of runs: what a state machine is started with.

A run is named after what triggered it. Step Functions refuses a second execution of a name, so
that an event delivered twice still makes one run, with no lock and no table.
"""

from __future__ import annotations

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
"""What the state machine appends per attempt: a dash and 8 hexadecimal digits."""

RUN_NAME_LIMIT = SAGEMAKER_NAME_LIMIT - ATTEMPT_SUFFIX_LENGTH
"""Characters in a run's name: 54. Step Functions would allow 80."""

PREFIX_LIMIT = RUN_NAME_LIMIT - 1 - 32
"""Characters before the uuid and its dash: 21."""

_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9])*")
_PREFIX = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")
_NAMESPACE = uuid.UUID("c94bd824-8be5-4622-94c3-a289b5c9a4a3")


class _Contract(BaseModel):
    """Fields in their order, as JSON has them; what is None is left out."""

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

    Raises
    ------
    ValueError
        When it is not a trigger.
    """
    return _TRIGGER.validate_json(text)


class ExecutionInput(_Contract):
    """What one execution of the state machine is started with.

    The first three fields are the placeholders of the notebook's ``ExecutionInput(schema=…)``.

    Attributes
    ----------
    PreprocessingJobName : str
        The run's name, which is also the execution's name.
    InputMessage : str
        S3 URI of what the job reads (see `landrun.services.start_run.input_message`).
    OutputProcessedMessage : str
        S3 URI under which the job leaves its output; ends with a slash.
    Trigger : Trigger
        What started the run.
    """

    PreprocessingJobName: str
    InputMessage: str
    OutputProcessedMessage: str
    Trigger: ObjectCreatedTrigger | ScheduleTrigger | ManualTrigger


InputFormat = Literal["manifest", "uri"]
"""What ``InputMessage`` holds: a manifest's URI, or the URI of an object or a prefix."""

S3_URI_LIMIT = 1024
"""Characters of an ``S3Uri`` in a Processing job's input (SageMaker API, ProcessingS3Input)."""

INPUT_FIELDS = tuple(ExecutionInput.model_fields)
"""Names of what an execution is started with."""


def landing_run_name(prefix: str, bucket: str, key: str, version: str) -> str:
    """Name the run of one version of one object; the same version always gives the same name.

    Parameters
    ----------
    prefix : str
        What stands before the uuid (see `check_prefix`).
    bucket, key : str
        The object.
    version : str
        Its version id or, where the bucket has no versions, the event's sequencer.
    """
    return _name_of(prefix, "object-created", bucket, key, version)


def tick_run_name(prefix: str, schedule_arn: str, scheduled_time: str, part: int = 0) -> str:
    """Name a run of one tick of one schedule; every attempt of the tick gives the same name.

    Parameters
    ----------
    schedule_arn : str
        The schedule's (or rule's) ARN.
    scheduled_time : str
        When the tick was due, ISO 8601 in UTC; not when it came.
    part : int
        0 for the tick's first run, 1 for the one after it.
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
    """Return a prefix of run names if it is a possible one.

    Raises
    ------
    InvalidName
        When it is longer than 21 characters, or is not lower-case letters, digits and single
        dashes.
    """
    if len(prefix) > PREFIX_LIMIT or not _PREFIX.fullmatch(prefix):
        raise InvalidName(
            f"the run name prefix {shown(prefix)} must be 1 to {PREFIX_LIMIT} lower-case letters,"
            " digits and single dashes between them: change JobNamePrefix"
        )
    return prefix


def is_run_name(name: str) -> bool:
    """Whether a run can be called so (see `check_run_name`)."""
    return len(name) <= RUN_NAME_LIMIT and _NAME.fullmatch(name) is not None


def check_run_name(name: str) -> str:
    """Return a run's name if Step Functions and SageMaker both accept it.

    Raises
    ------
    InvalidName
        When it has over 54 characters, or others than letters, digits and inner dashes.
    """
    if not is_run_name(name):
        raise InvalidName(
            f"the run name {shown(name)} must be 1 to {RUN_NAME_LIMIT} letters, digits and inner"
            f" dashes: SageMaker's {SAGEMAKER_NAME_LIMIT} have to hold the attempt's suffix, too"
        )
    return name
