"""What the live page shows of a stack, read again and again while somebody looks at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from landrun.clock import utc_now
from landrun.models.status_change import timestamp
from landrun_ops.stack.activity import DEAD, Part, backlog_reader, next_tick, queue_reader
from landrun_ops.stack.dead_letters import DeadLetterQueue, Group, grouped
from landrun_ops.stack.recent_runs import RecentRuns
from landrun_ops.stack.waiting_executions import max_concurrent_runs, slots_of
from landrun_ops.web.facts import facts, milliseconds
from landrun_ops.web.page import columns

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.stack import Stack
    from landrun_ops.web.facts import Facts
    from landrun_ops.web.ignored import Ignored

MOST_RUNS = 10_000
"""Runs that the page has at most, the newest first."""

READ_AT_ONCE = 100
"""Rows that are read one by one in a look; the rest is for the next."""

WHOLE_AFTER = timedelta(minutes=30)
"""How long after a look runs may have ended unseen, so that all of them are read again."""

UNWATCHED_SECONDS = 60.0
"""How long after the page's last request nothing is read any more."""

LATE_SECONDS = 20.0
"""How long a call may take, beyond the usual pause, before the page says so."""

IGNORED_SECONDS = 300.0
"""Seconds between two looks at CloudWatch's metrics, which are billed by the request."""

MOST_DEAD_LETTERS, MOST_SUBJECTS = 100, 3
"""Dead letters that are looked at in each queue, and those that a group names."""


class RunsFeed:
    """The facts of the newest runs, each with the number of the look that changed it.

    Parameters
    ----------
    stack : Stack
        Whose runs.
    span : timedelta
        How far back.
    now : Callable
        Gives the time in UTC.
    """

    def __init__(self, stack: Stack, span: timedelta, now: Callable[[], datetime] = utc_now):
        self._stack, self._span, self._now = stack, span, now
        self._facts: dict[str, tuple[int, Facts]] = {}
        self._lock = threading.Lock()
        self._recent = RecentRuns(stack, now)
        self._looked: datetime | None = None
        self.version = 0
        self.more = False

    def look(self) -> None:
        """Read what has changed; all of it at first, or when nobody has looked for long.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached; the next look makes up for it.
        """
        now = self._now()
        if self._looked is None or now - self._looked > WHOLE_AFTER:
            self._recent = RecentRuns(self._stack, self._now)
            self._read_all(now)
        self._read_changed()
        self._looked = now

    def changed(self, after: int) -> tuple[int, list[Facts]]:
        """Return the newest version, and the runs that have changed since another one."""
        with self._lock:
            return self.version, [run for at, run in self._facts.values() if at > after]

    def _read_all(self, now: datetime) -> None:
        rows = self._stack.ledger().newest(now, 1000, since=now - self._span)
        for row in islice(rows, MOST_RUNS):
            self._keep(row)
        self.more = next(rows, None) is not None

    def _read_changed(self) -> None:
        activity, ledger = self._recent.read(), self._stack.ledger()
        found = (one for one in (*activity.running, *activity.ended) if self._is_news(one))
        for one in islice(found, READ_AT_ONCE):
            row = ledger.get(one.name)
            if row:
                self._keep(row)

    def _is_news(self, one: RunRecord) -> bool:
        if one.name not in self._facts:
            return one.started > self._now() - self._span
        held, stopped = self._facts[one.name][1], one.stopped and milliseconds(one.stopped)
        found = (one.status, stopped, one.redrive_count or None)
        return found != (held["status"], held["stopped"], held["redrives"])

    def _keep(self, row: RunRecord) -> None:
        run = facts(row, consoles=not self._stack.laptop)
        if self._facts.get(row.name, (0, None))[1] == run:
            return
        with self._lock:
            self.version += 1
            self._facts[row.name] = self.version, run


class LiveStack:
    """The parts of a stack that the page shows, each read in a thread of its own.

    Parameters
    ----------
    stack : Stack
        Which.
    span : timedelta
        How far back runs are shown.
    ignored : Callable
        Counts what landed and started no run.
    interval : float
        Seconds between two looks at the same part, at least.
    """

    def __init__(
        self, stack: Stack, span: timedelta, ignored: Callable[[], Ignored], interval: float = 2.0
    ) -> None:
        self.stack, self.span = stack, span
        self.runs = RunsFeed(stack, span)
        start_on = stack.output("StartOn")
        slots = slots_of(stack, stack.client("dynamodb")) if max_concurrent_runs(stack) else None
        looks: dict[str, Callable[[], Any]] = {
            "runs": self.runs.look,
            "queues": queue_reader(stack),
            **({"pending landings": backlog_reader(stack)} if start_on == "schedule" else {}),
            **({"concurrency slots": slots.usage} if slots else {}),
            "ignored objects": ignored,
        }
        self._pauses = dict.fromkeys(looks, interval)
        self._pauses["ignored objects"] = interval * 15 if stack.laptop else IGNORED_SECONDS
        self.parts = {name: Part(name, look, self._pauses[name]) for name, look in looks.items()}
        self._start_on, self._started = start_on, utc_now()
        self._wanted, self._stopping = time.monotonic(), threading.Event()

    @contextmanager
    def kept_up_to_date(self) -> Iterator[None]:
        """Read all parts again and again in the block, as long as the page asks for them."""
        for part in self.parts.values():
            threading.Thread(target=self._keep, args=(part,), name=part.name, daemon=True).start()
        try:
            yield
        finally:
            self._stopping.set()

    def _keep(self, part: Part[Any]) -> None:
        while not self._stopping.wait(max(part.once(), self._pauses[part.name])):
            while time.monotonic() - self._wanted > UNWATCHED_SECONDS:
                if self._stopping.wait(1):
                    return

    def update(self, after: int) -> dict[str, Any]:
        """Return how the stack stands, and the runs that changed after a version, as JSON."""
        self._wanted = time.monotonic()
        version, changed = self.runs.changed(after)
        now, values = utc_now(), {name: part.value for name, part in self.parts.items()}
        queues, pending = values["queues"], values.get("pending landings")
        slots, ignored = values.get("concurrency slots"), values["ignored objects"]
        tick = next_tick(self.stack.parameters, self._start_on, now)
        return {
            "version": version,
            "made_at": milliseconds(now),
            "loaded": self.parts["runs"].seen is not None,
            "more": self.runs.more,
            "notes": [note for part in self.parts.values() if (note := self._note(part, now))],
            "queues": queues and {name: asdict(one) for name, one in queues.depths.items()},
            "dead_letters": queues and dict(queues.dead),
            "pending": pending and asdict(pending) | {"oldest": _time(pending.oldest)},
            "slots": slots and {"limit": slots.limit, "in_use": slots.in_use, "more": slots.more},
            "waiting": slots.positions if slots else {},
            "next_tick": tick and {"expression": tick.expression, "at": _time(tick.at)},
            "ignored": ignored and ignored.as_json(),
            **columns(changed),
        }

    def _note(self, part: Part[Any], now: datetime) -> str:
        """Say that a part is not up to date; nothing of one that is, or is being read first."""
        age = (now - (part.seen or self._started)).total_seconds()
        since = f"{part.name}: as of {age:.0f} s ago" if part.seen else f"{part.name}: not read yet"
        if part.trouble:
            return f"{since}; {part.trouble}"
        # A call that is under way has no trouble yet: it ends within its time-outs.
        return since if age > self._pauses[part.name] + LATE_SECONDS else ""

    def dead_letters(self) -> dict[str, list[dict[str, Any]]]:
        """Look into the dead-letter queues: the messages, by what kept them from being processed.

        Raises
        ------
        ServiceError
            When SQS refuses a call or cannot be reached.
        """
        sqs = self.stack.client("sqs")
        queues = {name: DeadLetterQueue(sqs, self.stack.output(url)) for name, url in DEAD.items()}
        return {
            name: [_as_json(group) for group in grouped(queue.peek(MOST_DEAD_LETTERS))]
            for name, queue in queues.items()
        }


def _as_json(group: Group) -> dict[str, Any]:
    about = [one.subject for one in group.messages[:MOST_SUBJECTS]]
    return {"reason": group.reason or group.why.value, "count": len(group.messages), "about": about}


def _time(at: datetime | None) -> str | None:
    return timestamp(milliseconds(at)) if at else None
