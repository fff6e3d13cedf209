"""Runs that are running, and those of the last hour, from the runs table.

The first read goes back far enough for runs that may have ended within the hour. Later ones read
what has started since, what the index ``by-unfinished`` still lists, and the rows of those runs
that it no longer lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from landrun.clock import utc_now
from landrun.models.run_record import RunRecord
from landrun_ops.stack.runs_table import RunsReader

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

HOUR = timedelta(hours=1)
OVERLAP = timedelta(minutes=2)
"""How much is read again: events arrive late, and so do entries of an index."""

FIRST_ROWS = 5000
"""The most rows of the first read."""

RUNNING_ROWS = 1000
"""The most running runs of a read, the oldest first."""

LOOKED_UP = 500
"""The most rows that a read fetches by name; the next read fetches the others."""

KEPT_ENDED = 50
"""Runs that ended last are kept even when that was over an hour ago."""

LONGEST_RUN = timedelta(days=1)
"""The first read finds runs that started at most this long before the hour."""

_BATCH = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """How many runs started, succeeded and failed within a span."""

    started: int
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What the runs table says of the last hour.

    Attributes
    ----------
    running : tuple of RunRecord
        Runs that are running, the longest first.
    more_running : bool
        Whether there are more, which were not read.
    ended : tuple of RunRecord
        Runs that ended, the latest first.
    started : tuple of datetime
        When the runs of the last hour started, in no order.
    whole : bool
        Whether the table was read back far enough to know all that ended within the hour.
    """

    running: tuple[RunRecord, ...]
    more_running: bool
    ended: tuple[RunRecord, ...]
    started: tuple[datetime, ...]
    whole: bool

    def rate(self, now: datetime, span: timedelta) -> Rate:
        """Count what happened in the span that ends now."""
        since = now - span
        ended = [run for run in self.ended if run.stopped and run.stopped > since]
        succeeded = sum(run.succeeded for run in ended)
        started = sum(time > since for time in self.started)
        return Rate(started, succeeded, len(ended) - succeeded)


class RecentRuns:
    """Reads a stack's runs table again and again, each time only what may have changed.

    Parameters
    ----------
    stack : Stack
        The stack.
    now : Callable
        Returns the time in UTC.
    """

    def __init__(self, stack: Stack, now: Callable[[], datetime] = utc_now) -> None:
        self._runs = RunsReader(stack.client("dynamodb"), stack.output("RunsTable"))
        self._now = now
        self._running: dict[str, RunRecord] = {}
        self._ended: dict[str, RunRecord] = {}
        self._started: dict[str, datetime] = {}
        self._last_read: datetime | None = None
        self._whole = True

    def read(self) -> Activity:
        """Read what is new, and return all that is known.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached. The next read makes up for it.
        """
        now = self._now()
        if self._last_read is None:
            started = self._runs.newest(now, 1000, since=now - HOUR - LONGEST_RUN)
            first = list(islice(started, FIRST_ROWS + 1))
            self._whole = len(first) <= FIRST_ROWS
            self._add(first)
        else:
            self._add(self._runs.newest(now, 1000, since=self._last_read - OVERLAP))
        self._last_read = now
        more = self._read_running()
        self._drop_old(now)
        return Activity(
            running=tuple(sorted(self._running.values(), key=lambda run: run.started)),
            more_running=more,
            ended=tuple(self._ended.values()),
            started=tuple(self._started.values()),
            whole=self._whole,
        )

    def _read_running(self) -> bool:
        """Update the running runs, and return True if there are more than were read."""
        found = {run.name: run for run in islice(self._runs.running(), RUNNING_ROWS + 1)}
        more = len(found) > RUNNING_ROWS
        last = max((run.started for run in found.values()), default=None)
        gone = [
            name
            for name, run in self._running.items()
            if name not in found and not (more and last and run.started >= last)
        ]
        self._add(found.values())
        for first in range(0, min(len(gone), LOOKED_UP), _BATCH):
            names = gone[first : first + _BATCH]
            rows, left = self._runs.batch(names)
            self._add(rows)
            for name in {*names} - {row.name for row in rows} - left:
                self._running.pop(name, None)  # its row has been deleted
        return more

    def _add(self, found: Iterable[RunRecord]) -> None:
        for run in found:
            self._started[run.name] = run.started
            ended = self._ended.get(run.name)
            if run.finished:
                self._running.pop(run.name, None)
                self._ended[run.name] = run
            # An index may still list a run that has ended; only a redrive makes it run again.
            elif ended is None or run.redrive_count > ended.redrive_count:
                self._running[run.name] = run
                self._ended.pop(run.name, None)

    def _drop_old(self, now: datetime) -> None:
        """Keep what a screen shows, so that memory does not grow with time."""
        hour = now - HOUR
        latest = sorted(self._ended.values(), key=_stopped, reverse=True)
        self._ended = {
            run.name: run
            for place, run in enumerate(latest)
            if place < KEPT_ENDED or _stopped(run) > hour
        }
        self._started = {name: time for name, time in self._started.items() if time > hour}


def _stopped(run: RunRecord) -> datetime:
    return run.stopped or run.started
