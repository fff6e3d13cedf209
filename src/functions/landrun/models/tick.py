"""A tick: one due time of one schedule, and the input that stands for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from landrun.errors import ConfigurationError, InvalidEvent, InvalidS3Uri
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import shown

_ARN = re.compile(r"arn:[!-~]{1,1600}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Tick:
    """One due time of one schedule.

    Attributes
    ----------
    schedule_arn : str
        The schedule's ARN, or the rule's for a classic scheduled event.
    due : datetime
        When it was due, in UTC; the same in every attempt.
    """

    schedule_arn: str
    due: datetime

    @property
    def scheduled_time(self) -> str:
        """The due time as ISO 8601 in UTC."""
        return f"{self.due.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def parse_tick(event: dict[str, Any]) -> Tick:
    """Read EventBridge Scheduler's payload, or the classic ``Scheduled Event`` of a rule.

    Raises
    ------
    InvalidEvent
        When it is neither, or a value of it is not what its name says.
    """
    event = event if isinstance(event, dict) else {}
    if "ScheduleArn" in event and "ScheduledTime" in event:
        arn, time = event["ScheduleArn"], event["ScheduledTime"]
    elif event.get("detail-type") == "Scheduled Event" and event.get("resources"):
        resources = event["resources"]
        arn, time = (resources[0] if isinstance(resources, list) else None), event.get("time")
    else:
        raise InvalidEvent(
            "expected ScheduleArn and ScheduledTime from EventBridge Scheduler, or a Scheduled"
            f" Event of a rule; got an event with {shown(sorted(map(str, event))[:10], 500)}"
        )
    if not isinstance(arn, str) or not _ARN.fullmatch(arn):
        raise InvalidEvent(f"the schedule's ARN is {shown(arn)}: pass <aws.scheduler.schedule-arn>")
    return Tick(arn, _utc(time))


def _utc(text: object) -> datetime:
    """Read a time of this calendar, in UTC; the first and last year may be in none of a zone."""
    try:
        time = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError as error:
        raise _no_time(text) from error
    if not MINYEAR < time.year < MAXYEAR:
        raise _no_time(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _no_time(text: object) -> InvalidEvent:
    return InvalidEvent(f"the scheduled time is {shown(text)}: pass <aws.scheduler.scheduled-time>")


def scheduled_input(template: str, due: datetime, timezone: str) -> S3Uri:
    """Put the tick's date into the URI of what a schedule reads.

    Parameters
    ----------
    template : str
        An S3 URI in which ``{date:FORMAT}`` stands for the due time, with ``strftime`` directives.
    due : datetime
        The tick's due time.
    timezone : str
        The IANA zone whose calendar counts, as ``Europe/Berlin``.

    Raises
    ------
    ConfigurationError
        When the URI, a placeholder or the zone is wrong; names the parameter.

    Examples
    --------
    >>> due = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    >>> str(scheduled_input("s3://b/in/{date:%Y/%m/%d}/", due, "Europe/Berlin"))
    's3://b/in/2026/11/23/'
    """
    if not template:
        raise ConfigurationError("nothing to read: set the parameter ScheduledInput to an S3 URI")
    try:
        local = due.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigurationError(
            f"ScheduleTimezone {timezone!r} is not an IANA time zone such as Europe/Berlin"
        ) from error
    try:
        return S3Uri.parse(_PLACEHOLDER.sub(lambda match: _filled(match[1], local), template))
    except InvalidS3Uri as error:
        raise ConfigurationError(f"ScheduledInput: {error}") from error


def _filled(placeholder: str, local: datetime) -> str:
    name, _, directives = placeholder.partition(":")
    if name != "date" or not directives:
        raise ConfigurationError(
            f"ScheduledInput has the placeholder {{{placeholder}}}: only {{date:%Y/%m/%d}} and the"
            " like are known"
        )
    return local.strftime(directives)
