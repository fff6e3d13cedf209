"""Schedules: their functions are invoked at their times, with Scheduler's own payload."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from landrun_ops.local.invocations import Asynchronous
from landrun_ops.local.settings import ACCOUNT, REGION
from landrun_ops.local.stack import ScheduleSettings
from landrun_ops.stack.cron import NextTime, next_time

LONGEST_WAIT: Final = 30.0
"""Look at the clock at least this often, in seconds: laptops sleep."""


def payload(schedule: ScheduleSettings, scheduled_time: datetime, attempt: int = 1) -> Any:
    """Return what a schedule hands to its function at ``scheduled_time``.

    The context attributes are Scheduler's:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    time = scheduled_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if schedule.input is None:
        return _classic_event(schedule, time) if schedule.classic else {}
    text = schedule.input
    attributes = {
        "schedule-arn": schedule.arn,
        "scheduled-time": time,
        "execution-id": str(uuid.uuid4()),
        "attempt-number": str(attempt),
    }
    if not schedule.classic:
        for name, value in attributes.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
    return json.loads(text)


def _classic_event(schedule: ScheduleSettings, time: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": time,
        "region": REGION,
        "resources": [schedule.arn],
        "detail": {},
    }


class Clock(threading.Thread):
    """Fires every schedule at its times, unless it is off then.

    Raises
    ------
    ScheduleError
        When an expression is wrong, a disabled schedule's as well.
    """

    def __init__(
        self,
        schedules: Iterable[ScheduleSettings],
        asynchronous: Asynchronous,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        is_on: Callable[[ScheduleSettings], bool] = lambda schedule: schedule.enabled,
    ) -> None:
        super().__init__(name="schedules", daemon=True)
        self._asynchronous = asynchronous
        self._now = now
        self._is_on = is_on
        self._stopping = threading.Event()
        started = now()
        self._due: list[tuple[ScheduleSettings, NextTime, datetime | None]] = []
        for schedule in schedules:
            after = next_time(schedule.expression, schedule.timezone, started)
            self._due.append((schedule, after, after(started)))

    def run(self) -> None:
        """Fire until stopped."""
        while not self._stopping.wait(self.fire_due()):
            pass

    def fire_due(self) -> float:
        """Fire what is due and return the seconds to the next look; late ones fire once."""
        now = self._now()
        for index, (schedule, after, due) in enumerate(self._due):
            if due is not None and due <= now:
                if self._is_on(schedule):
                    self._asynchronous.invoke(schedule.function, payload(schedule, due))
                self._due[index] = (schedule, after, after(now))
        waits = [(due - now).total_seconds() for _, _, due in self._due if due is not None]
        return min([LONGEST_WAIT, *waits])

    def stop(self) -> None:
        """Stop firing."""
        self._stopping.set()

    def wait(self) -> None:
        """Wait for the thread, if it was started."""
        if self.is_alive():
            self.join()
