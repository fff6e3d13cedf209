"""A landing: one version of one object that arrived in S3.

EventBridge's S3 events carry the key as it is, not URL-encoded (Amazon S3 user guide, "EventBridge
event message structure"). Powertools' data class would decode it and turn ``a+b.csv`` into
``a b.csv``; its parser's model does not, but takes longer to import than a landing to be taken.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from landrun.errors import InvalidEvent, InvalidKey, NoLanding
from landrun.models.s3_uri import KEY_LIMIT, is_bucket, is_key
from landrun.sanitize import one_line, shown

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
class LandingFilter:
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
    event = _event(body)
    _check_subject(event)
    version_id = _text(event, "detail.object.version-id")
    version_id = None if version_id in ("", "null") else version_id
    sequencer = _text(event, "detail.object.sequencer")
    if not version_id and not sequencer:
        raise InvalidEvent("the event has neither a version id nor a sequencer to name its run by")
    return _checked(
        Landing(
            bucket=_needed(event, "detail.bucket.name"),
            key=_needed(event, "detail.object.key"),
            version_id=version_id,
            sequencer=sequencer,
            size=_whole(_at(event, "detail.object.size")),
            event_time=_utc(_needed(event, "time")),
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


def _event(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"the message is not JSON: {error}") from error


def _check_subject(event: Any) -> None:
    """Tell a deletion and the like, which a wider rule may let through, from what is wrong."""
    subject = _at(event, "detail-type")
    if subject == "Object Created":
        return
    if _at(event, "source") == "aws.s3" and isinstance(subject, str) and subject in OTHER_EVENTS:
        raise NoLanding(subject.lower().replace(" ", "-"))
    raise InvalidEvent(f"expected an Object Created event, got {shown(subject)}")


def _at(event: Any, path: str) -> Any:
    """Find a field by its path; None when it is not there: a null is as good as nothing."""
    for name in path.split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


def _text(event: Any, path: str) -> str | None:
    value = _at(event, path)
    if value is None or isinstance(value, str):
        return value
    raise InvalidEvent(f"not an S3 event from EventBridge: check {path}")


def _needed(event: Any, path: str) -> str:
    value = _text(event, path)
    if value is None:
        raise InvalidEvent(f"not an S3 event from EventBridge: check {path}")
    return value


def _whole(size: Any) -> int | None:
    """Read a size; some of S3's events have none."""
    if size is None:
        return None
    number = isinstance(size, (int, float)) and not isinstance(size, bool)
    if not number or not 0 <= size < SIZE_LIMIT:  # so that what is no number fails as well
        raise InvalidEvent(f"no object has {shown(size)} bytes: check detail.object.size")
    return int(size)


def _utc(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError) as error:
        raise InvalidEvent(f"{shown(text)} is no time in UTC: check time") from error


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
