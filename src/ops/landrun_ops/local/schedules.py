"""Invokes functions at the times of their schedules, with EventBridge Scheduler's payload.

Schedules can be created, changed and disabled by Scheduler's API. Times that pass while a schedule
is disabled are skipped. Times that pass while the laptop sleeps are invoked late, once each, unless
they are older than MaximumEventAgeInSeconds:
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
"""

import json
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from landrun_ops.local.lambda_runtime import Report
from landrun_ops.local.settings import ACCOUNT, REGION
from landrun_ops.stack.cron import NextTime, ScheduleError, next_time

LONGEST_WAIT: Final = 2.0  # seconds between two looks at the schedules


def payload(arn: str, text: str, scheduled_time: datetime) -> Any:
    """Return the payload of a schedule with this Input at ``scheduled_time``.

    Of Scheduler's context attributes, it fills in the two that the template uses:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    time = scheduled_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, value in (("schedule-arn", arn), ("scheduled-time", time)):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return json.loads(text or "{}")


def schedules_of_moto() -> list[Any]:
    """Return moto's own objects for the schedules that there are now."""
    from moto.scheduler.models import scheduler_backends  # noqa: PLC0415  (late: takes seconds)

    groups = list(scheduler_backends[ACCOUNT][REGION].schedule_groups.values())
    return [schedule for group in groups for schedule in list(group.schedules.values())]


class Clock(threading.Thread):
    """Invokes functions at the times of their schedules: ``invoke(name, event)``."""

    def __init__(
        self,
        invoke: Callable[[str, Any], None],
        report: Report,
        *,
        schedules: Callable[[], Iterable[Any]] = schedules_of_moto,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(name="schedules", daemon=True)
        self._invoke = invoke
        self._report = report
        self._schedules = schedules
        self._now = now
        self._ending = threading.Event()
        self._due: dict[str, tuple[Any, NextTime, datetime | None]] = {}

    def run(self) -> None:
        """Invoke due functions until stopped."""
        while not self._ending.wait(self.fire_due()):
            pass

    def stop(self) -> None:
        """Stop invoking."""
        self._ending.set()

    def fire_due(self) -> float:
        """Invoke due functions, and return the seconds until the next call."""
        now, wait = self._now(), LONGEST_WAIT
        for schedule in self._schedules():
            known, after, due = self._due.get(schedule.arn, (None, _never, None))
            zone = schedule.schedule_expression_timezone
            key = (schedule.schedule_expression, zone, schedule.state)
            if known != key:  # made, changed, enabled or disabled: times count from now
                after = self._times(schedule, now)
                due = after(now)
            target = schedule.target
            age = float(target["RetryPolicy"].get("MaximumEventAgeInSeconds", 86400))
            oldest = now - timedelta(seconds=age)
            while due is not None and due <= now:
                if due >= oldest:
                    event = payload(schedule.arn, target.get("Input", ""), due)
                    self._invoke(target["Arn"].rpartition(":function:")[2], event)
                due = after(max(due, oldest))
            self._due[schedule.arn] = (key, after, due)
            if due is not None:
                wait = min(wait, (due - now).total_seconds())
        return wait

    def _times(self, schedule: Any, start: datetime) -> NextTime:
        if schedule.state != "ENABLED":
            return _never
        zone = schedule.schedule_expression_timezone
        try:
            return next_time(schedule.schedule_expression, zone, start)
        except ScheduleError as error:
            self._report(f"schedule {schedule.name} is not followed: {error}")
            return _never


def _never(_: datetime) -> None:
    return None
