"""When a schedule fires: AWS's ``cron(…)``, ``rate(…)`` and ``at(…)``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from landrun.errors import LandrunError


class ScheduleError(LandrunError):
    """A schedule expression that is wrong, or that nothing here can follow."""


NextTime = Callable[[datetime], datetime | None]
"""From a moment, the first time after it at which to fire; None when there is none any more."""

_UNITS: Final = {"minute": "minutes", "hour": "hours", "day": "days"}
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON_FIELDS: Final = 6
_FRIDAY: Final = 4
_GIVE_UP_AFTER: Final = 400
"""Nonexistent local times in a row: more than the days of a year."""


def next_time(expression: str, timezone: str, start: datetime) -> NextTime:
    """Read a schedule's expression.

    Parameters
    ----------
    expression
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    timezone
        Of ``cron`` and ``at``, a name of the time zone database.
    start
        From when ``rate`` counts.

    Raises
    ------
    ScheduleError
        When it is none of AWS's, or one that the laptop cannot follow.
    """
    kind, _, inside = expression.strip().partition("(")
    if kind not in ("cron", "rate", "at") or not inside.endswith(")"):
        raise ScheduleError(f"{expression!r} is not cron(…), rate(…) or at(…)")
    inside, zone = inside[:-1].strip(), _zone(timezone)
    if kind == "rate":
        return _rate(expression, inside, start)
    return _at(expression, inside, zone) if kind == "at" else _cron(expression, inside, zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ScheduleError(f"{name!r} is not a time zone, such as Europe/Berlin") from error


def _rate(expression: str, inside: str, start: datetime) -> NextTime:
    match = re.fullmatch(r"([1-9]\d*) (minute|hour|day)s?", inside)
    if not match:
        raise ScheduleError(f"{expression!r}: give a number and minutes, hours or days")
    step = timedelta(**{_UNITS[match[2]]: int(match[1])})
    return lambda now: start + step * max(1, (now - start) // step + 1)


def _at(expression: str, inside: str, zone: ZoneInfo) -> NextTime:
    try:
        local = datetime.strptime(inside, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
    except ValueError as error:
        raise ScheduleError(f"{expression!r}: give it as at(yyyy-mm-ddThh:mm:ss)") from error
    once = local.astimezone(UTC)
    return lambda now: once if once > now else None


def _cron(expression: str, inside: str, zone: ZoneInfo) -> NextTime:
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415  (late, for start-up)

    last_weekday = "LW" in inside.upper()  # of the month; croniter has only its last day
    fields = croniter_fields(expression, inside.upper().replace("LW", "L"))
    try:
        croniter(fields)
    except ValueError as error:
        raise ScheduleError(f"the laptop's AWS cannot follow {expression!r}: {error}") from error

    def after(now: datetime) -> datetime | None:
        """Count in local time: what falls into a lost hour is skipped, a doubled hour has one."""
        times = croniter(fields, now.astimezone(zone).replace(tzinfo=None))
        for _ in range(_GIVE_UP_AFTER):
            try:
                local: datetime = times.get_next(datetime)
            except CroniterBadDateError:
                return None
            if last_weekday:
                local -= timedelta(days=max(0, local.weekday() - _FRIDAY))
            found = local.replace(tzinfo=zone).astimezone(UTC)
            if found > now and found.astimezone(zone).replace(tzinfo=None) == local:
                return found
        return None

    return after


def croniter_fields(expression: str, inside: str) -> str:
    """Translate AWS's six fields to croniter's seven: minute … weekday, second, year.

    AWS numbers weekdays 1-7 from Sunday, croniter 0-6; AWS's ``6L`` (last Friday) is ``L5`` there.

    Raises
    ------
    ScheduleError
        When there are not six fields, or not exactly one ``?`` among day and weekday.
    """
    fields = inside.upper().split()
    if len(fields) != _CRON_FIELDS:
        raise ScheduleError(
            f"{expression!r} has {len(fields)} fields, not 6: "
            "minutes hours day-of-month month day-of-week year"
        )
    minute, hour, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ScheduleError(f"{expression!r}: exactly one of day-of-month and day-of-week is ?")
    day, weekday = day.replace("?", "*"), _weekday(weekday)
    # croniter reads 0/15 as from 0; a bare /n is AWS's too.
    return " ".join([*map(_steps, (minute, hour)), day, month, weekday, "0", year])


def _steps(field: str) -> str:
    return re.sub(r"(^|,)/", r"\1*/", field)


def _weekday(field: str) -> str:
    for number, name in enumerate(_WEEKDAYS, start=1):
        field = field.replace(name, str(number))
    if field == "L":
        return "6"
    last = re.fullmatch(r"([1-7])L", field)
    if last:
        return f"L{int(last[1]) - 1}"
    # Numbers of weekdays, not those after / (steps) or # (which one of the month).
    days = re.sub(r"(?<![/#\d])([1-7])(?!\d)", lambda day: str(int(day[1]) - 1), field)
    return days.replace("?", "*")
