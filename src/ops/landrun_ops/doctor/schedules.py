"""The schedules: whether they are enabled, and whether the last tick came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import RESTORE, Finding, fail, ok, skip, warn
from landrun_ops.stack.cron import ScheduleError, next_time
from landrun_ops.units import spelled

GRACE: Final = timedelta(minutes=15)
"""How late a tick may be: Scheduler is exact to a minute, metrics come some minutes later."""

METRICS_KEPT: Final = timedelta(days=15)
"""How long CloudWatch keeps metrics of a minute (CloudWatch user guide, "Metrics retention")."""

_ENABLE: Final = "EventBridge Scheduler's console: enable it"


def ticks_wanted(parameters: Mapping[str, str]) -> bool:
    """Return True if the schedule has something to read."""
    return parameters.get("StartOn") == "schedule" or bool(parameters.get("ScheduledInput"))


def tick(aws: StackReader) -> Finding:
    """The schedule is enabled if ticks have something to read, and is due again."""
    schedule = aws.tick_schedule()
    if schedule is None:
        return fail("the stack's schedule is gone: no tick comes", RESTORE)
    return judge_schedule(schedule, aws.now, wanted=ticks_wanted(aws.stack.parameters))


def judge_schedule(schedule: Mapping[str, Any], now: datetime, *, wanted: bool) -> Finding:
    """Judge the schedule of ticks, GetSchedule's response."""
    name, expression = schedule["Name"], schedule["ScheduleExpression"]
    enabled = schedule["State"] == "ENABLED"
    if not wanted:
        if enabled:
            return warn(
                f"{name} is enabled, and has nothing to read",
                "EventBridge Scheduler's console: disable it",
            )
        return ok("no ticks: StartOn=arrival, and no ScheduledInput")
    if not enabled:
        return fail(f"{name} is {schedule['State']}: no tick comes, and landings wait", _ENABLE)
    try:
        due = _next_after(schedule)(now)
    except ScheduleError as error:
        return skip(f"{expression} is enabled; when it is due cannot be computed here: {error}")
    if due is None or (schedule.get("EndDate") and schedule["EndDate"] < now):
        return fail(
            f"{expression} is never due again", "sam deploy with another ScheduleExpression"
        )
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    wait = spelled((due - now).total_seconds())
    return ok(f"{expression} {zone}: the next tick is due {_at(due)}, in {wait}")


def last_tick(aws: StackReader) -> Finding:
    """ScheduleFunction was invoked when the last tick was due."""
    schedule = aws.tick_schedule()
    if schedule is None:
        return skip("the stack's schedule is gone")
    created = schedule.get("CreationDate") or aws.now
    since = max(schedule.get("LastModificationDate") or created, aws.now - METRICS_KEPT)
    last = aws.last_invocation(aws.output("ScheduleFunction"), since)
    try:
        due = _next_after(schedule)(last or since)
    except ScheduleError as error:
        return skip(f"when it was due cannot be computed here: {error}")
    if due is None or due > aws.now - GRACE:
        return ok(f"ticked before {_at(last)}" if last else "no tick has been due yet")
    ago = spelled((aws.now - due).total_seconds())
    return fail(
        f"a tick was due {_at(due)}, {ago} ago, and ScheduleFunction was not invoked",
        "landrun redrive --queue schedule --dry-run says why Scheduler could not",
    )


def _next_after(schedule: Mapping[str, Any]) -> Callable[[datetime], datetime | None]:
    """Read the expression; rates count from StartDate, or from when the schedule was created."""
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    start = schedule.get("StartDate") or schedule.get("CreationDate") or datetime.now(UTC)
    return next_time(schedule["ScheduleExpression"], zone, start)


def reconcile(aws: StackReader) -> Finding:
    """A schedule invokes ReconcileFunction, and is enabled."""
    group = aws.output("ScheduleArn").split("/")[-2]
    target = f":function:{aws.output('ReconcileFunction')}"
    schedules = aws.pages("scheduler:ListSchedules", "Schedules", GroupName=group)
    mine = [one for one in schedules if one["Target"]["Arn"].endswith(target)]
    if not mine:
        return fail("no schedule invokes ReconcileFunction: missed events stay missed", RESTORE)
    if mine[0]["State"] != "ENABLED":
        return fail(
            f"{mine[0]['Name']} is {mine[0]['State']}: missed events stay missed",
            f"{_ENABLE}; until then: landrun reconcile",
        )
    return ok()


def _at(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
