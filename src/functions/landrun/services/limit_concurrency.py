"""Give runs their turn: never more at once than the bound, those that started first first.

Whoever handles a message of the status queue also does what is left to do: tells machines that
may not have been told, and gives free places to those who wait. Nothing is decided by memory, so
whoever dies is followed by somebody who finds what is left: the message itself when it comes
again, any other, or reconcile. The protocol is in
docs/decisions/0009-runs-wait-their-turn-in-the-machine.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from landrun.adapters.concurrency_table import ConcurrencyTable, Given
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import InvalidEvent, JobStopping, ServiceError
from landrun.models.concurrency import Place
from landrun.models.processing_job import job_in
from landrun.models.status_change import RANKS, SlotRequest, StatusChange, timestamp
from landrun.observability import Telemetry

LEASE = timedelta(minutes=15)
"""After which reconcile looks whether a holder still runs: an end's event may have been lost."""

STOPPING = timedelta(minutes=10)
"""For which the event of a stop comes again while the job ends: SageMaker gives it two minutes."""

AT_ONCE = 25
"""Turns that are given on one message, at most: its function has a minute."""

PAGES = 20
"""Pages of 1,000 executions that run, that a sweep looks through at most."""

LOOK_UPS = 500
"""Runs that a sweep describes to find those that are not counted, at most."""

Piece = tuple[str, Callable[[], object]]
"""A run's name, and what mends it: true when there was something to mend."""


@dataclass(frozen=True)
class ConcurrencyLimiter:
    """Lets runs go on to their jobs.

    Attributes
    ----------
    limit : int
        How many may have their job at a time; 0 for any number.
    """

    turns: ConcurrencyTable
    executions: Executions
    jobs: ProcessingJobs
    telemetry: Telemetry
    limit: int
    clock: Callable[[], datetime] = utc_now

    def ask(self, asked: SlotRequest) -> None:
        """Put an execution in line, or tell one again that has its place; then go on.

        Raises
        ------
        InvalidEvent
            When it is an execution of another machine: nobody may tell it to go on.
        ServiceError
            When AWS refuses a call; asking again is safe.
        """
        if not self.executions.ours(asked.execution_arn):
            raise InvalidEvent(
                f"{asked.execution_arn} asks for its turn, and is of another machine:"
                " stop it, and start its run again"
            )
        if self.turns.asks_again(asked.name, asked.token, self._now()):
            self.executions.let_go_on(asked.token)
        else:
            self.turns.wait(asked, self._now())
            self._given_between(asked)
        self.give()

    def follow(self, change: StatusChange) -> None:
        """Take the place of an execution that ended; count one that was redriven; then go on.

        Raises
        ------
        JobStopping
            When the execution was stopped, and its job is at work still: its place is kept.
        ServiceError
            When AWS refuses a call; following again is safe.
        """
        if not self.limit:
            return
        if change.ended:
            try:
                self._ended(change)
            finally:
                self.give()
        elif change.redriveCount:
            self._goes_on(change.name, change.executionArn)

    def give(self, most: int = AT_ONCE) -> int:
        """Tell who may not have been told, and give free places to those who wait.

        Returns
        -------
        int
            How many places were given.

        Raises
        ------
        ServiceError
            When AWS refuses a call. One that cannot be told keeps no other from its turn: the
            error is raised after the others had theirs.
        """
        failed = [
            error for name in sorted(self.turns.standing().untold) if (error := self._tried(name))
        ]
        given, looks = 0, 0
        while given < most and looks < 2 * most and self._room():
            waiter = self.turns.first()
            if waiter is None:
                break
            given += self._given(waiter)
            looks += 1
        if failed:
            raise failed[0]
        return given

    def _tried(self, name: str) -> ServiceError | None:
        """Tell a holder; give the error when AWS refuses a call."""
        try:
            self.tell(name)
        except ServiceError as error:
            self.telemetry.logger.warning("not told", extra={"run": name, "reason": str(error)})
            return error
        return None

    def tell(self, name: str) -> bool:
        """Let the machine of a holder go on; False when it knew, or there is nothing to tell.

        One that has ended meanwhile, as when it was stopped in line, gives its place back.
        """
        holder = self.turns.holder(name)
        told = holder is not None and self._told(holder)
        if holder and not told:
            self._still_there(holder)
        self.turns.told(name)
        return told

    def _told(self, holder: Place) -> bool:
        """Try each token, for only one is alive, and none once its machine knows.

        Another machine, as the stack had before, cannot be told: its role may not.
        """
        ours = self.executions.ours(holder.execution_arn)
        return ours and any(self.executions.let_go_on(token) for token in sorted(holder.tokens))

    def _room(self) -> bool:
        return not self.limit or self.turns.standing().holding < self.limit

    def _given(self, waiter: Place) -> bool:
        """Give the place to the first in line; False when that is to be looked at again."""
        now = self.clock()
        outcome = self.turns.give(waiter, self.limit, self._now(), _iso(now + LEASE))
        if outcome is Given.HELD:
            self._twice(waiter)
        if outcome is not Given.YES:
            return False
        self.telemetry.logger.info("turn given", extra={"run": waiter.name})
        waited = now - datetime.fromisoformat(waiter.asked_at)
        self.telemetry.duration("WaitForSlot", max(0.0, waited.total_seconds()))
        self.tell(waiter.name)
        return True

    def _twice(self, waiter: Place) -> None:
        """Let one go on that is in line though it has its place: it was asked for twice at once."""
        for token in sorted(waiter.tokens):
            if not self.turns.asks_again(waiter.name, token, self._now()):
                return  # it has given its place back since: its turn is to come
            self.executions.let_go_on(token)
        self.turns.leave(waiter)

    def _given_between(self, asked: SlotRequest) -> None:
        """Let one go on that was given its place, by an older token, just before it came in line.

        Nobody else would: those who hold a place are not looked for in the line while it is full.
        """
        waiter = self.turns.holder(asked.name) and self.turns.waiter(asked.name, asked.started_at)
        if waiter:
            self._twice(waiter)

    def _ended(self, change: StatusChange) -> None:
        """Take the place of an execution, or let it leave the line.

        What was taken to be running later than this end is looked at: it was redriven, or it asked
        after its end.
        """
        waiter = self.turns.waiter(change.name, timestamp(change.startDate))
        if waiter and self._over(waiter):
            self.turns.leave(waiter)
        ended_at = timestamp(change.startDate if change.stopDate is None else change.stopDate)
        if self._stopping(change, ended_at):
            return
        holder = self.turns.give_back(change.name, ended_at)
        if holder:
            self._still_there(holder)

    def _stopping(self, change: StatusChange, ended_at: str) -> bool:
        """Whether a stopped execution keeps its place for its job, which reconcile then follows."""
        if change.status == "SUCCEEDED" or job_in(change):
            return False
        holder = self.turns.holder(change.name)
        stale = holder is None or holder.alive_at >= ended_at
        if stale or not self._job_at_work(change.executionArn):
            return False
        if ended_at > _iso(self.clock() - STOPPING):
            raise JobStopping(f"the job of {change.name}, which was stopped, is still at work")
        return True

    def _still_there(self, holder: Place) -> bool:
        """Take the place of a holder that has ended, else renew its lease; True if it was taken."""
        now = self.clock()
        status = self._status(holder)
        done = status in ("", "SUCCEEDED")
        if done or (RANKS[status] and not self._job_at_work(holder.execution_arn)):
            return self.turns.take_back(holder)
        self.turns.renew(holder, _iso(now), _iso(now + LEASE))
        return False

    def _status(self, place: Place) -> str:
        """Look what an execution's status is; of another machine's, or a forgotten one, none."""
        arn = place.execution_arn
        described = self.executions.find(arn) if self.executions.ours(arn) else None
        return str(described["status"]) if described else ""

    def _over(self, place: Place) -> bool:
        """Whether an execution has ended; one of another machine counts as ended."""
        status = self._status(place)
        return not status or RANKS[status] == 1

    def _job_at_work(self, arn: str) -> bool:
        """Whether the job of an execution that has ended is at work: stopping one takes minutes."""
        return self.jobs.at_work(self.executions.last_tasks(arn))

    def _goes_on(self, name: str, arn: str) -> bool:
        """Count an execution that goes on with its job, unasked; False if it is counted, or waits.

        One that was redriven where it waited for its turn asks for it anew.
        """
        described = self.executions.find(arn)
        if described is None or RANKS[described["status"]] == 1 or self.executions.waits(arn):
            return False
        now = self.clock()
        if not self.turns.hold(name, arn, _iso(now), _iso(now + LEASE)):
            holder = self.turns.holder(name)
            if holder:
                self._still_there(holder)
            return False
        holder = self.turns.holder(name)
        return holder is not None and not self._still_there(holder)

    # ---- what reconcile asks for -------------------------------------------------------------

    def not_told(self, before: datetime) -> Iterator[Piece]:
        """Find holders due to be looked at; a piece is true when its machine did not know."""
        yield from ((one.name, partial(self._told, one)) for one in self._due(before))

    def kept(self, before: datetime) -> Iterator[Piece]:
        """Find holders due to be looked at; a piece is true when the place of an end was kept."""
        yield from ((one.name, partial(self._still_there, one)) for one in self._due(before))

    def _due(self, before: datetime) -> list[Place]:
        """Give holders whose lease began before a time."""
        until = _iso(before + LEASE)
        return [one for one in self.turns.holders() if one.lease_until <= until]

    def measure(self) -> None:
        """Report how many wait in line, and for how long."""
        asked = [one.asked_at for one in self.turns.waiting()]
        if self.limit or asked:
            since = datetime.fromisoformat(min(asked, default=self._now()))
            oldest = max(0.0, (self.clock() - since).total_seconds())
            self.telemetry.in_line(len(asked), oldest)

    def uncounted(self, before: datetime) -> Iterator[Piece]:
        """Find runs at work that hold no place, as when the bound is new; a piece counts one.

        Of many the oldest, for each is described.
        """
        if not self.limit:
            return
        known = {one.name for one in (*self.turns.holders(), *self.turns.waiting())}
        found: list[dict[str, Any]] = []
        token = ""
        for _ in range(PAGES):
            page, token = self.executions.page(token, statusFilter="RUNNING")
            new = (one for one in page if one["startDate"] <= before)
            found += (one for one in new if one["name"] not in known)
            if not token:
                break
        for one in sorted(found, key=lambda one: one["startDate"])[:LOOK_UPS]:
            yield one["name"], partial(self._goes_on, one["name"], one["executionArn"])

    def _now(self) -> str:
        return _iso(self.clock())


def _iso(time: datetime) -> str:
    """Spell a time as the ends of executions are spelled, so that they compare as text."""
    return timestamp(time.timestamp() * 1000)
