"""Schedules: their functions are invoked at their times, with Scheduler's own payload.

What Scheduler's API says of a schedule holds, so one may be disabled, changed or made there. What
fell due while a schedule was disabled is not made up for. What fell due while the laptop slept is
late, and invoked once for each time, unless it is older than its MaximumEventAgeInSeconds:
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from landrun_ops.local.lambda_runtime import Report
from landrun_ops.local.settings import ACCOUNT, REGION
from landrun_ops.stack.cron import NextTime, ScheduleError, next_time

LONGEST_WAIT: Final = 2.0  # seconds between two looks at the schedules


def payload(arn: str, text: str, scheduled_time: datetime) -> Any:
    """Return what a schedule with this Input hands to its function at ``scheduled_time``.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    attributes = {
        "schedule-arn": arn,
        "scheduled-time": scheduled_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    for name, value in attributes.items():
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
        """Invoke what is due until stopped."""
        while not self._ending.wait(self.fire_due()):
            pass

    def stop(self) -> None:
        """Stop invoking."""
        self._ending.set()

    def fire_due(self) -> float:
        """Invoke what is due and return the seconds until the next look."""
        now = self._now()
        waits = [LONGEST_WAIT]
        for schedule in self._schedules():
            known, after, due = self._due.get(schedule.arn, (None, _never, None))
            key = (
                schedule.schedule_expression,
                schedule.schedule_expression_timezone,
                schedule.state,
            )
            if known != key:  # made, changed, enabled or disabled: times count from now
                after = self._times(schedule, now)
                due = after(now)
            age = float(schedule.target["RetryPolicy"].get("MaximumEventAgeInSeconds", 86400))
            oldest = now - timedelta(seconds=age)
            while due is not None and due <= now:
                if due >= oldest:
                    name = schedule.target["Arn"].rpartition(":function:")[2]
                    event = payload(schedule.arn, schedule.target.get("Input", ""), due)
                    self._invoke(name, event)
                due = after(max(due, oldest))
            self._due[schedule.arn] = (key, after, due)
            if due is not None:
                waits.append((due - now).total_seconds())
        return min(waits)

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
