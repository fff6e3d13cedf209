"""The data of the live page: read when the page asks, and only the changes are sent."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from landrun.clock import utc_now
from landrun.models.run_record import RunRecord
from landrun_ops.stack.activity import Activity, ActivityReader
from landrun_ops.stack.dead_letters import QUEUES, DeadLetterQueue, grouped
from landrun_ops.stack.stack import Stack
from landrun_ops.web.facts import RunFacts, facts
from landrun_ops.web.ignored import Ignored

MOST_RUNS, MOST_UNFINISHED = 10_000, 1000
"""How many of the newest runs the page has, and how many unfinished runs are listed."""

BATCH = 100
"""Rows of one BatchGetItem (DynamoDB API)."""

OVERLAP = timedelta(minutes=2)
"""The period that is read again, because events and index entries may arrive late."""

ALL_AGAIN_AFTER = timedelta(minutes=30)
"""After such a pause, a run may have been redriven and have ended unnoticed."""

LAPTOP_SECONDS, AWS_SECONDS, IGNORED_SECONDS = 1.0, 5.0, 300.0
"""Shortest time between two reads; and between two reads of metrics, which cost money."""

MOST_DEAD_LETTERS, MOST_SUBJECTS = 100, 3
"""How many messages of a dead-letter queue are read, and how many a group shows."""


class RunsFeed:
    """The newest runs, each with the version in which it last changed."""

    def __init__(
        self, stack: Stack, span: timedelta, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._stack, self._span, self._now = stack, span, now
        self._rows: dict[str, tuple[int, RunRecord]] = {}
        self._read_at: datetime | None = None
        self.version = 0
        self.more = False

    def read(self) -> list[RunRecord]:
        """Read the runs that are recent, have not ended, or had not ended at the last read."""
        now, table = self._now(), self._stack.runs_reader()
        if self._read_at is None or now - self._read_at > ALL_AGAIN_AFTER:
            newest = table.newest(now, 1000, since=now - self._span)
            rows = list(islice(newest, MOST_RUNS))
            self.more = next(newest, None) is not None
        else:
            rows = list(table.newest(now, 1000, since=self._read_at - OVERLAP))
        unfinished = list(islice(table.running(), MOST_UNFINISHED))  # the oldest first
        rows += [one for one in unfinished if one.started > now - self._span]
        listed_until = unfinished[-1].started if len(unfinished) == MOST_UNFINISHED else now
        listed = {one.name for one in unfinished}
        ended = [
            name
            for name, (_, row) in self._rows.items()
            if not row.finished and name not in listed and row.started <= listed_until
        ]
        if ended:
            rows += table.batch(ended[:BATCH])[0]
        for row in rows:
            _, held = self._rows.get(row.name, (0, None))
            # An index may still list a run that has ended; only a redrive makes it run again.
            if held is None or not (row == held or row.is_older_than(held)):
                self.version += 1
                self._rows[row.name] = self.version, row
        self._read_at = now
        return []

    def changed(self, after: int) -> list[RunFacts]:
        """Return the runs that have changed since a version."""
        laptop = self._stack.laptop
        return [facts(row, laptop=laptop) for at, row in self._rows.values() if at > after]


class LiveStack:
    """Serves the live page's data of a stack; ``count_ignored`` counts objects without a run."""

    def __init__(self, stack: Stack, span: timedelta, count_ignored: Callable[[], Ignored]) -> None:
        self.stack, self.span = stack, span
        self._feed = RunsFeed(stack, span)
        self._reader = ActivityReader(stack, self._feed.read)
        self._count_ignored = count_ignored
        self._lock = threading.Lock()
        self._activity: Activity | None = None
        self._ignored = Ignored()
        self._read_at = self._ignored_at = float("-inf")

    def update(self, after: int) -> dict[str, Any]:
        """Return the stack's activity, and the runs that changed after a version, as JSON.

        Several pages share one read. Raises ServiceError if nothing could ever be read.
        """
        with self._lock:
            activity = self._current()
            return {
                **activity.model_dump(mode="json", exclude={"runs"}),
                "version": self._feed.version,
                "more": self._feed.more,
                "ignored": self._ignored.model_dump(mode="json"),
                "runs": [
                    run.model_dump(mode="json", exclude_none=True)
                    for run in self._feed.changed(after)
                ],
            }

    def _current(self) -> Activity:
        now = time.monotonic()
        pause = LAPTOP_SECONDS if self.stack.laptop else AWS_SECONDS
        if self._activity is None or now - self._read_at > pause:
            self._activity = self._reader.read()
            self._read_at = time.monotonic()
        if now - self._ignored_at > (15 * pause if self.stack.laptop else IGNORED_SECONDS):
            self._ignored, self._ignored_at = self._count_ignored(), now
        return self._activity

    def dead_letters(self) -> dict[str, list[dict[str, Any]]]:
        """Read the dead-letter queues; return their messages grouped by the reason of failure."""
        sqs, found = self.stack.client("sqs"), dict[str, list[dict[str, Any]]]()
        for name, output in QUEUES.items():
            queue = DeadLetterQueue(sqs, self.stack.output(output))
            found[name] = [
                {
                    "reason": group.reason or group.why.value,
                    "count": len(group.messages),
                    "about": [one.subject for one in group.messages[:MOST_SUBJECTS]],
                }
                for group in grouped(queue.peek(MOST_DEAD_LETTERS))
            ]
        return found
