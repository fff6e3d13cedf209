"""When a schedule fires: AWS's ``cron(…)``, ``rate(…)`` and ``at(…)``."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from landrun.errors import LandrunError

NextTime = Callable[[datetime], datetime | None]
"""A function that returns the first time to fire after a moment, or None if there is none."""

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class ScheduleError(LandrunError):
    """A schedule expression that is invalid, or not supported here."""


def next_time(expression: str, timezone: str, start: datetime) -> NextTime:
    """Read a schedule's expression, which raises ScheduleError when it is none of AWS's.

    ``timezone`` is that of ``cron`` and ``at``; ``rate`` counts from ``start``. See
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    match = re.fullmatch(r"(cron|rate|at)\((.*)\)", expression.strip())
    if not match:
        raise ScheduleError(f"{expression!r} is not cron(…), rate(…) or at(…)")
    kind, inside = match.groups()
    try:
        zone = ZoneInfo(timezone)
        if kind == "rate":
            return _rate(inside, start)
        return _at(inside, zone) if kind == "at" else _cron(inside, zone)
    except (KeyError, ValueError, OSError) as error:
        raise ScheduleError(f"{expression!r} cannot be followed: {error}") from error


def _rate(inside: str, start: datetime) -> NextTime:
    match = re.fullmatch(r"([1-9]\d*) (minute|hour|day)s?", inside)
    if not match:
        raise ValueError("give a number and minutes, hours or days")
    step = timedelta(**{f"{match[2]}s": int(match[1])})
    return lambda now: start + step * max(1, (now - start) // step + 1)


def _at(inside: str, zone: ZoneInfo) -> NextTime:
    once = datetime.strptime(inside, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    return lambda now: once if once > now else None


def _cron(inside: str, zone: ZoneInfo) -> NextTime:
    last_weekday = "LW" in inside.upper()  # of the month; croniter has only its last day
    fields = _croniter_fields(inside.upper().replace("LW", "L"))
    croniter(fields)  # raises ValueError at once

    def after(now: datetime) -> datetime | None:
        """Count in local time: what falls into a lost hour is skipped, a doubled hour has one."""
        times = croniter(fields, now.astimezone(zone).replace(tzinfo=None))
        try:
            for day in islice(times.all_next(datetime), 400):  # a year
                weekend = max(0, day.weekday() - 4) if last_weekday else 0
                local = day - timedelta(days=weekend)
                found: datetime = local.replace(tzinfo=zone).astimezone(UTC)
                if found > now and found.astimezone(zone).replace(tzinfo=None) == local:
                    return found
        except CroniterBadDateError:
            pass
        return None

    return after


def _croniter_fields(inside: str) -> str:
    """Translate AWS's six fields to croniter's seven: minute … weekday, second, year.

    AWS numbers weekdays 1-7 from Sunday, croniter 0-6; AWS's ``6L`` (last Friday) is ``L5`` there.
    """
    fields = inside.split()
    if len(fields) != 6:  # noqa: PLR2004
        raise ValueError(
            f"it has {len(fields)} fields, not 6: minutes hours day-of-month month day-of-week year"
        )
    minute, hour, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ValueError("exactly one of day-of-month and day-of-week is ?")
    # Numbers of weekdays, not those after / (steps) or # (which one of the month).
    named = re.sub(r"(?<![/#\d])[1-7](?!\d)", lambda day: WEEKDAYS[int(day[0]) - 1], weekday)
    if named.endswith("L"):
        named = "SAT" if named == "L" else f"L{WEEKDAYS.index(named[:-1])}"
    # croniter reads 0/15 as from 0; a bare /n is AWS's too.
    steps = [re.sub(r"(^|,)/", r"\1*/", field) for field in (minute, hour)]
    return " ".join([*steps, day, month, named, "0", year])
