"""Parse the events of S3 and of schedules: *Object Created* events and ticks.

EventBridge carries an S3 key as it is, not URL-encoded (Amazon S3 user guide, "EventBridge event
message structure"). Powertools' `S3EventBridgeNotificationEvent` decodes it, and turns ``a+b.csv``
into ``a b.csv``; the models here do not.
"""

import json
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
)

from landrun.errors import InvalidEvent, OtherEvent
from landrun.models.landing import Landing
from landrun.models.s3_uri import BUCKET, KEY_LIMIT, is_key
from landrun.models.tick import Tick
from landrun.sanitize import shown

OTHER_EVENTS = frozenset(
    {
        "Object Deleted",
        "Object Restore Initiated",
        "Object Restore Completed",
        "Object Restore Expired",
        "Object Access Tier Changed",
        "Object Storage Class Changed",
        "Object ACL Updated",
        "Object Tags Added",
        "Object Tags Deleted",
    }
)
"""The events of S3 besides *Object Created* (Amazon S3 user guide, "Using EventBridge")."""

SIZE_LIMIT = 10**15
"""Bytes: a thousand terabytes, twenty times the largest object that S3 keeps."""


def _key(key: str) -> str:
    if not is_key(key):
        raise ValueError(f"no object has the key {shown(key)}, which exceeds {KEY_LIMIT} bytes")
    return key


def parse_utc(value: object) -> datetime:
    """Read an ISO 8601 time; the first and last year could leave the calendar in another zone."""
    try:
        time = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError(f"{shown(value)} is not an ISO 8601 time") from error
    if not MINYEAR < time.year < MAXYEAR:
        raise ValueError(f"{shown(value)} lies outside the calendar")
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _null_is_none(value: object) -> object:
    """Read an unversioned object's version id: S3 sends none, an empty one, or ``null``."""
    return None if value in ("", "null") else value


UtcTime = Annotated[datetime, BeforeValidator(parse_utc)]
Bucket = Annotated[str, Field(pattern=f"^{BUCKET}$")]
Key = Annotated[str, AfterValidator(_key)]
VersionId = Annotated[str, Field(pattern=r"^[!-~]{1,1024}$")]
Sequencer = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{1,64}$")]
Size = Annotated[int, Field(strict=True, ge=0, lt=SIZE_LIMIT)]
Arn = Annotated[str, Field(pattern=r"^arn:[!-~]{1,1600}$")]
_RULE = AliasPath("resources", 0)


class ObjectCreatedEvent(BaseModel):
    """The fields of EventBridge's *Object Created* event that landrun reads."""

    time: UtcTime
    bucket: Bucket = Field(validation_alias=AliasPath("detail", "bucket", "name"))
    key: Key = Field(validation_alias=AliasPath("detail", "object", "key"))
    size: Size | None = Field(None, validation_alias=AliasPath("detail", "object", "size"))
    version_id: Annotated[VersionId | None, BeforeValidator(_null_is_none)] = Field(
        None, validation_alias=AliasPath("detail", "object", "version-id")
    )
    sequencer: Annotated[Sequencer | None, BeforeValidator(_null_is_none)] = Field(
        None, validation_alias=AliasPath("detail", "object", "sequencer")
    )


class ScheduleTick(BaseModel):
    """The payload of the stack's schedules (template.yaml), or a rule's classic *Scheduled Event*.

    Only the latter has a ``detail-type``.
    """

    detail_type: Literal["Scheduled Event"] | None = Field(None, alias="detail-type")
    schedule_arn: Arn = Field(validation_alias=AliasChoices("ScheduleArn", _RULE))
    due: UtcTime = Field(validation_alias=AliasChoices("ScheduledTime", "time"))


def parse_object_created(body: str) -> Landing:
    """Read an *Object Created* event as the landing queue carries it: EventBridge's, as JSON.

    Raises OtherEvent when it is another of S3's events, such as a deletion; InvalidEvent when it is
    not an event of S3, or lacks what identifies the version; names the fields.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"the message is not JSON: {error}") from error
    _check_subject(content)
    try:
        event = ObjectCreatedEvent.model_validate(content)
    except ValidationError as error:
        raise InvalidEvent(f"not an S3 event from EventBridge: {problems(error)}") from error
    if not event.version_id and not event.sequencer:
        raise InvalidEvent("the event has neither a version id nor a sequencer to name its run by")
    return Landing(
        bucket=event.bucket,
        key=event.key,
        version_id=event.version_id,
        sequencer=event.sequencer,
        size=event.size,
        event_time=f"{event.time.replace(tzinfo=None).isoformat(timespec='seconds')}Z",
    )


def _check_subject(content: Any) -> None:
    """Distinguish S3's other events, which a wider rule may let through, from broken ones."""
    subject = content.get("detail-type") if isinstance(content, dict) else None
    if subject == "Object Created":
        return
    if isinstance(subject, str) and subject in OTHER_EVENTS and content.get("source") == "aws.s3":
        raise OtherEvent(subject.lower().replace(" ", "-"))
    raise InvalidEvent(f"expected an Object Created event, got {shown(subject)}")


def parse_tick(event: Any) -> Tick:
    """Read the payload of the stack's schedule, or a rule's classic *Scheduled Event*.

    Raises InvalidEvent when it is neither, or a field's value is not valid; names the fields.
    """
    try:
        tick = ScheduleTick.model_validate(event)
    except ValidationError as error:
        raise InvalidEvent(
            "expected ScheduleArn and ScheduledTime with the values of <aws.scheduler.schedule-arn>"
            f" and <aws.scheduler.scheduled-time>: {problems(error)}"
        ) from error
    return Tick(tick.schedule_arn, tick.due)


def problems(error: ValidationError) -> str:
    """Name the fields that a model refused, and why."""
    return "; ".join(
        f"check {'.'.join(map(str, one['loc'])) or 'the event'}"
        f" ({one['msg'].removeprefix('Value error, ')})"
        for one in error.errors(include_url=False, include_input=False)[:5]
    )
