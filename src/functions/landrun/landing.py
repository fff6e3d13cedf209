"""A landing: one version of one object that arrived in S3.

EventBridge's S3 events carry the key as it is, not URL-encoded (Amazon S3 user guide, "EventBridge
event message structure"). Powertools' data class would decode it and turn ``a+b.csv`` into
``a b.csv``; its parser model does not.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.parser.models.s3 import S3EventNotificationEventBridgeModel
from pydantic import ValidationError

from landrun.contract import KEY_LIMIT, is_bucket, is_key
from landrun.errors import InvalidEvent, InvalidKey, NoLanding
from landrun.outside import one_line, shown

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
"""What S3 tells EventBridge besides *Object Created* (Amazon S3 user guide, EventBridge)."""

FILE_NAME_LIMIT = 255
"""Bytes in one component of a path on the job's file system (Linux NAME_MAX)."""


SIZE_LIMIT = 10**15
"""Bytes: a thousand terabytes, twenty times the largest object that S3 keeps."""

_VERSION = re.compile(r"[!-~]{1,1024}")
_SEQUENCER = re.compile(r"[0-9a-fA-F]{1,64}")


@dataclass(frozen=True, slots=True)
class Landing:
    """One version of one object.

    Attributes
    ----------
    bucket, key : str
        Where it lies; the key is exact.
    version_id : str or None
        S3's version id; None where the bucket keeps no versions.
    sequencer : str or None
        S3's hexadecimal order of events of one key.
    size : int or None
        Bytes; None where the event does not say.
    event_time : str
        When it landed, ISO 8601 in UTC.
    """

    bucket: str
    key: str
    version_id: str | None
    sequencer: str | None
    size: int | None
    event_time: str

    @property
    def version(self) -> str:
        """What tells this version of the key from others: version id, or else the sequencer."""
        return self.version_id or f"sequencer:{self.sequencer}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which objects start runs.

    Attributes
    ----------
    prefix, suffix : str
        What a key must begin and end with; empty strings match all.
    own : tuple of (bucket, prefix)
        Where landrun itself writes: an output must never start a run.
    """

    prefix: str
    suffix: str
    own: tuple[tuple[str, str], ...]

    def why_ignored(self, bucket: str, key: str, size: int | None) -> str | None:
        """Say why an object starts no run, as a short label for logs and metrics; None if it does.

        Returns
        -------
        str or None
            ``own-output``, ``prefix``, ``folder-marker``, ``suffix`` or ``zero-bytes``.
        """
        if any(bucket == own and key.startswith(prefix) for own, prefix in self.own):
            return "own-output"
        if not key.startswith(self.prefix):
            return "prefix"
        if key.endswith("/"):
            return "folder-marker"
        if not key.endswith(self.suffix):
            return "suffix"
        return "zero-bytes" if size == 0 else None


def parse_landing(body: str) -> Landing:
    """Read an *Object Created* event as the landing queue carries it.

    Parameters
    ----------
    body : str
        The message's body: EventBridge's event as JSON.

    Raises
    ------
    NoLanding
        When it is an event of S3 about something else, such as a deletion.
    InvalidEvent
        When it is not an event of S3, or lacks what identifies the version.
    InvalidKey
        When no object can have the key: over 1,024 bytes, or half of a surrogate pair.
    """
    event = _s3_event(body)
    if event.detail_type != "Object Created":
        raise InvalidEvent(f"expected an Object Created event, got {shown(event.detail_type)}")
    thing = event.detail.object
    version_id = None if thing.version_id in (None, "", "null") else thing.version_id
    if not version_id and not thing.sequencer:
        raise InvalidEvent("the event has neither a version id nor a sequencer to name its run by")
    return _checked(
        Landing(
            bucket=event.detail.bucket.name,
            key=thing.key,
            version_id=version_id,
            sequencer=thing.sequencer,
            size=_whole(thing.size),
            event_time=_utc(event.time),
        )
    )


def _checked(landing: Landing) -> Landing:
    """Give a landing back when S3 could have sent it: its fields go into names, rows and logs."""
    _check_possible(landing.key)
    if not is_bucket(landing.bucket):
        raise InvalidEvent(f"no bucket is called {shown(landing.bucket)}: check detail.bucket.name")
    for field, value, possible in (
        ("version-id", landing.version_id, _VERSION),
        ("sequencer", landing.sequencer, _SEQUENCER),
    ):
        if value and not possible.fullmatch(value):
            raise InvalidEvent(f"no {field} is {shown(value)}: check detail.object.{field}")
    return landing


def _whole(size: float | None) -> int | None:
    if size is None:
        return None
    if not size < SIZE_LIMIT:  # so that what is no number fails as well
        raise InvalidEvent(f"no object has {size} bytes: check detail.object.size")
    return int(size)


def _utc(time: datetime) -> str:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError) as error:
        raise InvalidEvent("the event's time is out of the calendar: check time") from error


def _s3_event(body: str) -> S3EventNotificationEventBridgeModel:
    try:
        payload: Any = json.loads(body, object_hook=_without_nulls)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"the message is not JSON: {error}") from error
    _check_subject(payload)
    if isinstance(payload, dict) and isinstance(payload.get("resources"), list):
        payload["resources"] = []  # nothing reads them; half a million wrong ones take 400 MB
    try:
        return S3EventNotificationEventBridgeModel.model_validate(payload)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, e["loc"])) or "event" for e in error.errors()[:5])
        raise InvalidEvent(f"not an S3 event from EventBridge: check {fields}") from error


def _check_subject(payload: Any) -> None:
    """Tell a deletion and the like, which a wider rule may let through, from what is wrong."""
    if isinstance(payload, dict) and payload.get("source") == "aws.s3":
        subject = payload.get("detail-type")
        if isinstance(subject, str) and subject in OTHER_EVENTS:
            raise NoLanding(subject.lower().replace(" ", "-"))


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    """Take null for absent: the model wants a string where there is an ``etag``."""
    return {name: value for name, value in fields.items() if value is not None}


def check_key(key: str) -> str:
    """Give a key back when a container can have it as a file.

    SageMaker copies each object of a manifest to the path that its key spells.

    Raises
    ------
    InvalidKey
        When no object can have the key, or no file that path: NUL, an empty, ``.`` or ``..``
        component, or one of more than 255 bytes.
    """
    _check_possible(key)
    if "\0" in key:
        raise InvalidKey(f"the key {one_line(key)} holds a NUL character, which no file name can")
    components = key.split("/")
    if any(component in ("", ".", "..") for component in components):
        raise InvalidKey(
            f"the key {one_line(key)} has an empty, '.' or '..' component: rename the object"
        )
    if any(len(component.encode()) > FILE_NAME_LIMIT for component in components):
        raise InvalidKey(
            f"a component of the key {shown(key)} is longer than the {FILE_NAME_LIMIT} bytes that"
            " a file name can have: rename the object"
        )
    return key


def _check_possible(key: str) -> None:
    if not is_key(key):
        raise InvalidKey(
            f"no object has the key {shown(key)}: it is longer than {KEY_LIMIT} bytes, or holds"
            " half of a surrogate pair"
        )
