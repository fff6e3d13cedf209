"""Ticks of a schedule, and the S3 prefix that each of them reads."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from landrun.errors import ConfigurationError, InvalidS3Uri
from landrun.models.s3_uri import S3Uri

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DATE = re.compile(r"date:(?P<format>(?:[^\s%]|%-?[aAbBCdDfFgGhHIjmMpRSTuUVwWyYzZ%])+)")
"""A format without ``%s``, which ignores the time zone, and without blanks or line breaks."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One due time of one schedule."""

    schedule_arn: str
    """The schedule's ARN, or the rule's for a classic scheduled event."""

    due: datetime
    """When it was due, in UTC; the same in every attempt."""

    @property
    def scheduled_time(self) -> str:
        """The due time as ISO 8601 in UTC."""
        return f"{self.due.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def scheduled_input(template: str, due: datetime, timezone: str) -> S3Uri:
    """Return the S3 URI that a tick reads: the scheduled input with the tick's date filled in.

    The template may contain ``{date:FORMAT}``: the due time in directives of ``strftime``, in an
    IANA time zone such as ``Europe/Berlin``. Raises ConfigurationError when the URI, a placeholder
    or the zone is wrong; names the parameter.

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
    date = _DATE.fullmatch(placeholder)
    if date is None:
        raise ConfigurationError(
            f"ScheduledInput has the placeholder {{{placeholder}}}: write a date such as"
            " {date:%Y/%m/%d}, in directives of strftime that make no blanks, and without %s"
        )
    return local.strftime(date["format"])
