"""The clocks: whether schedules are enabled, and ticked when they were due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import PUT_BACK, Finding, fail, ok, skip, warn
from landrun_ops.doctor.metrics import metric
from landrun_ops.durations import spelled
from landrun_ops.stack.cron import ScheduleError, next_time
from landrun_ops.stack.run_filter import Only

AREA: Final = "schedules"
LATE: Final = timedelta(minutes=15)
"""How late a tick may be: Scheduler is exact to a minute, metrics come some minutes later."""

WINDOWS: Final = tuple(timedelta(hours=hours) for hours in (1, 24, 8 * 24, 40 * 24, 400 * 24))
"""How far back to look for the last time that was due."""

KEPT: Final = timedelta(days=15)
"""How long CloudWatch keeps metrics of a minute (CloudWatch user guide, "Metrics retention")."""

SILENT: Final = timedelta(hours=1)
"""How long reconcile, which is due every 15 minutes, may be silent."""


def wanted(parameters: Mapping[str, str]) -> bool:
    """Whether ticks have anything to read, so that the schedule has to be enabled."""
    return parameters.get("StartOn") == "schedule" or bool(parameters.get("ScheduledInput"))


def judge_tick(
    schedule: Mapping[str, Any], parameters: Mapping[str, str], now: datetime
) -> Finding:
    """Judge the schedule of ticks.

    Parameters
    ----------
    schedule : Mapping[str, Any]
        GetSchedule's answer.
    """
    name, expression = schedule["Name"], schedule["ScheduleExpression"]
    enabled = schedule["State"] == "ENABLED"
    if not wanted(parameters):
        if enabled:
            return warn(
                f"{name} is enabled, and has nothing to read",
                "EventBridge Scheduler's console: disable it",
            )
        return ok("no ticks: StartOn=arrival, and no ScheduledInput")
    if not enabled:
        return fail(
            f"{name} is {schedule['State']}: no tick comes, and landings wait",
            "EventBridge Scheduler's console: enable it",
        )
    try:
        due = _next(schedule)(now)
    except ScheduleError as error:
        return skip(f"{expression} is enabled; when it is due cannot be told here: {error}")
    if due is None or (schedule.get("EndDate") and schedule["EndDate"] < now):
        return fail(
            f"{expression} is never due again", "sam deploy with a ScheduleExpression to come"
        )
    return ok(f"{expression} {_zone(schedule)}: the next tick is due {_at(due)}, {_in(due, now)}")


def judge_last_tick(
    due: datetime | None, fired: float | None, now: datetime, on_record: str = ""
) -> Finding:
    """Judge whether the function was called at the last time that was due.

    Parameters
    ----------
    due : datetime or None
        That time; None when none has been yet.
    fired : float or None
        How often the function was called since; None when nothing is known.
    on_record : str
        The scheduled time of a run that has been recorded since; empty when there is none.
    """
    if due is None:
        return ok("no tick has been due yet")
    when = f"{_at(due)}, {spelled((now - due).total_seconds())} ago"
    if on_record:
        return ok(f"the tick of {on_record} made a run")
    if now - due < LATE and not fired:
        return ok(f"a tick was due {when}: too fresh to be seen")
    if fired is None:
        return skip(
            f"a tick was due {when}; it left no metric and no run (without objects it has none)"
        )
    if not fired:
        return fail(
            f"a tick was due {when}, and ScheduleFunction was not called",
            "look at the schedule's role and its dead letters: landrun redrive --dry-run",
        )
    return ok(f"ticked when it was due, {when}")


def judge_reconcile(schedules: Sequence[Mapping[str, Any]], function: str) -> Finding:
    """Judge the schedule of reconcile.

    Parameters
    ----------
    schedules : sequence of Mapping
        ListSchedules' entries of the stack's group.
    function : str
        The function's name.
    """
    mine = [one for one in schedules if one["Target"]["Arn"].endswith(f":function:{function}")]
    if not mine:
        return fail("no schedule calls ReconcileFunction: losses stay", PUT_BACK)
    if mine[0]["State"] != "ENABLED":
        return fail(
            f"{mine[0]['Name']} is {mine[0]['State']}: what events lose stays lost",
            "EventBridge Scheduler's console: enable it; until then: landrun reconcile",
        )
    return ok(f"{mine[0]['Name']} is enabled")


def judge_reconciled(calls: float | None, errors: float | None) -> Finding:
    """Judge the last hour of reconcile: how often it was called, and failed; None if unknown."""
    if calls is None:
        return skip("CloudWatch knows of no call within the hour")
    if not calls:
        return fail(
            "not called for an hour: nothing mends what events lose",
            "look at its schedule and the schedule's role; until then: landrun reconcile",
        )
    if errors:
        return warn(
            f"called {calls:.0f} times within the hour, failed {errors:.0f} times",
            "landrun reconcile says why",
        )
    return ok(f"called {calls:.0f} times within the hour, without an error")


def last_due(schedule: Mapping[str, Any], now: datetime) -> datetime | None:
    """Tell when a schedule was due last; None when it has not been yet.

    Raises
    ------
    ScheduleError
        When its expression cannot be followed here.
    """
    after, created = _next(schedule), _changed(schedule, now)
    for window in WINDOWS:
        begin = max(now - window, created)
        due = [*_until(after, begin, now)]
        if due:
            return due[-1]
        if begin == created:
            return None
    return None


def _until(
    after: Callable[[datetime], datetime | None], begin: datetime, end: datetime
) -> Iterator[datetime]:
    due = after(begin)
    while due is not None and due <= end:
        yield due
        due = after(due)


def _next(schedule: Mapping[str, Any]) -> Callable[[datetime], datetime | None]:
    """Read its expression; rates count from when it was made, or from its StartDate."""
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    start = schedule.get("StartDate") or _created(schedule, datetime.now(UTC))
    return next_time(schedule["ScheduleExpression"], zone, start)


def _created(schedule: Mapping[str, Any], now: datetime) -> datetime:
    made: datetime = schedule.get("CreationDate") or now - WINDOWS[-1]
    return made


def _changed(schedule: Mapping[str, Any], now: datetime) -> datetime:
    """Say since when it has been as it is: before, it may have been off, or due at other times."""
    created = _created(schedule, now)
    return max(created, schedule.get("LastModificationDate") or created)


def _zone(schedule: Mapping[str, Any]) -> str:
    return str(schedule.get("ScheduleExpressionTimezone", "UTC"))


def _at(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _in(due: datetime, now: datetime) -> str:
    return f"in {spelled((due - now).total_seconds())}"


def checks(sight: Sight, now: datetime) -> list[Check]:
    """Give the checks of the schedules."""
    return [
        Check(AREA, "tick", partial(_tick, sight, now)),
        Check(AREA, "last tick", partial(_last_tick, sight, now)),
        Check(AREA, "reconcile", partial(_reconcile, sight)),
        Check(AREA, "last reconcile", partial(_reconciled, sight, now)),
    ]


def _tick(sight: Sight, now: datetime) -> Finding:
    try:
        return judge_tick(_schedule(sight), sight.stack.parameters, now)
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return fail("the stack's schedule is gone: no tick comes", PUT_BACK)


def _last_tick(sight: Sight, now: datetime) -> Finding:
    if not wanted(sight.stack.parameters):
        return skip("no ticks are wanted")
    try:
        due = last_due(_schedule(sight), now)
    except ScheduleError as error:
        return skip(f"when it was due last cannot be told here: {error}")
    if due is None or now - due > KEPT:
        return judge_last_tick(due, None, now)
    fired = _called(sight, "ScheduleFunction", "Invocations", due, now)
    return judge_last_tick(due, fired, now, _on_record(sight, due, now) if fired is None else "")


def _on_record(sight: Sight, due: datetime, now: datetime) -> str:
    """Give the scheduled time of the newest run of a tick since then; empty when there is none."""
    runs = sight.stack.ledger().newest(now, since=due, only=Only(kind="schedule"))
    found = next(runs, None)
    return str(found.trigger.get("ScheduledTime", "")) if found else ""


def _reconcile(sight: Sight) -> Finding:
    found = sight.all("scheduler:ListSchedules", "Schedules", GroupName=_place(sight)[0])
    return judge_reconcile(found, sight.stack.output("ReconcileFunction"))


def _reconciled(sight: Sight, now: datetime) -> Finding:
    if sight.stack.laptop:
        return skip("the laptop keeps no metrics of its functions")
    called = partial(_called, sight, "ReconcileFunction", begin=now - SILENT, end=now)
    return judge_reconciled(called("Invocations"), called("Errors"))


def _place(sight: Sight) -> tuple[str, str]:
    """Give the group and the name of the schedule of ticks."""
    group, name = sight.stack.output("ScheduleArn").split("/")[-2:]
    return group, name


def _schedule(sight: Sight) -> dict[str, Any]:
    group, name = _place(sight)
    return sight.ask("scheduler:GetSchedule", Name=name, GroupName=group)


def _called(sight: Sight, output: str, name: str, begin: datetime, end: datetime) -> float | None:
    """Count calls of a function; on AWS, no data of them means that there were none."""
    dimensions = {"FunctionName": sight.stack.output(output)}
    found = metric(sight, f"AWS/Lambda {name}", dimensions, "Sum", (begin, end))
    return 0.0 if found is None and not sight.stack.laptop else found
