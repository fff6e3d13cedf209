"""Let at most ``MaxConcurrentRuns`` executions have their Processing job at once, oldest first.

Every step is idempotent: after a crash, the redelivered message, the next message of any execution
or `reconcile` completes the interrupted work. docs/decisions/0009 explains the protocol.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from landrun.adapters.concurrency_table import UNLIMITED, ConcurrencyTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.errors import InvalidEvent, ServiceError, SlotNotReleased
from landrun.models.concurrency import LimitedExecution, SlotStatus
from landrun.models.status_change import RANKS, SlotRequest, StatusChange, timestamp

STOPPING_TIME = timedelta(minutes=10)
"""How long an end's message is retried while the job still stops, which may take minutes."""

SLOTS_PER_MESSAGE = 25
"""Slots that are acquired for one message at most: the function has one minute."""

Repairs = Iterator[tuple[str, Callable[[], bool]]]
"""Names of executions, each with a function that repairs it and returns whether it had to."""


@dataclass(frozen=True)
class ConcurrencyLimiter:
    """Decides which executions go on to their Processing jobs.

    ``limit`` is the number of concurrency slots (``MaxConcurrentRuns``), or 0 for no limit. Every
    method raises `ServiceError` when AWS refuses a call, and may be repeated.
    """

    table: ConcurrencyTable
    executions: Executions
    jobs: ProcessingJobs
    logger: Logger
    limit: int
    clock: Callable[[], datetime]

    def request_slot(self, request: SlotRequest) -> None:
        """Let an execution wait for a slot, or resume it if it holds one, and acquire free slots.

        Raises InvalidEvent if the execution is another state machine's, which landrun's role must
        not resume.
        """
        if not self.executions.ours(request.execution_arn):
            raise InvalidEvent(
                f"{request.execution_arn} requests a concurrency slot, but belongs to another"
                " state machine: stop it and start its run again"
            )
        if self._record(request).holds_slot:
            self.executions.resume(request.token)
        self.acquire_free_slots()

    def execution_changed(self, change: StatusChange) -> None:
        """Release the slot of an execution that ended, or count an execution that was redriven.

        Raises SlotNotReleased if the slot must be kept for now: the change has to come again.
        """
        if not self.limit:
            return
        if change.ended:
            self._release_after(change)
            self.acquire_free_slots()
        elif change.redriveCount:
            self._count(change.name, change.executionArn, timestamp(change.startDate))

    def acquire_free_slots(self, most: int = SLOTS_PER_MESSAGE) -> None:
        """Resume slot holders that may not have been; give free slots to those that wait."""
        for holder in self.table.with_status(SlotStatus.RESUME_PENDING):
            try:
                self._resume(holder)
            except ServiceError:  # must not keep the other executions waiting
                self.logger.warning("execution not resumed", run=holder.name, exc_info=True)
        for _ in range(most):
            slot_is_free = self.table.slots_in_use() < (self.limit or UNLIMITED)
            execution = self.table.first_waiting() if slot_is_free else None
            if execution is None:
                return
            self._acquire(execution)

    def _record(self, request: SlotRequest) -> LimitedExecution:
        """Record a request, and return its execution as it is stored then."""
        while True:  # until nobody else writes the item between reading and writing it
            execution = self.table.find(request.name) or LimitedExecution(
                name=request.name,
                execution_arn=request.execution_arn,
                started_at=timestamp(request.started_at.timestamp() * 1000),
                requested_at=self.clock(),
            )
            if request.token in execution.task_tokens:
                return execution
            tokens = (*execution.task_tokens, request.token)
            changes = {"task_tokens": tokens, "execution_arn": request.execution_arn}
            if saved := self.table.save(execution.model_copy(update=changes)):
                return saved

    def _acquire(self, waiting: LimitedExecution) -> None:
        """Let an execution acquire a slot and resume it, unless another function was faster."""
        now = self.clock()
        changes = {"status": SlotStatus.RESUME_PENDING, "acquired_at": now}
        holder = self.table.acquire(waiting.model_copy(update=changes), self.limit or UNLIMITED)
        if holder:
            self.logger.info("concurrency slot acquired", run=holder.name)
            waited = max(0.0, (now - holder.requested_at).total_seconds())
            Metrics().add_metric("WaitForSlot", MetricUnit.Seconds, waited)
            self._resume(holder)

    def _resume(self, holder: LimitedExecution) -> bool:
        """Resume a slot holder; return False if none of its task tokens is valid.

        It was resumed before then, or has ended, or has made another request: that one's message
        is still to come, and resumes it.
        """
        ours = self.executions.ours(holder.execution_arn)
        resumed = ours and any(map(self.executions.resume, reversed(holder.task_tokens)))
        if resumed or not self._release_if_ended(holder):
            self.table.save(holder.model_copy(update={"status": SlotStatus.RESUMED}))
        return resumed

    def _release_after(self, change: StatusChange) -> None:
        """Release the slot of an execution that ended, unless it was redriven since."""
        execution = self.table.find(change.name)
        if execution is None:
            return
        final = change.status == "SUCCEEDED"  # Step Functions does not redrive it
        released = self.table.release(execution) if final else self._release_if_ended(execution)
        ended_at = datetime.fromtimestamp((change.stopDate or change.startDate) / 1000, UTC)
        if execution.holds_slot and not released and ended_at > self.clock() - STOPPING_TIME:
            raise SlotNotReleased(
                f"{change.name} keeps its concurrency slot for now: its job has not ended"
            )

    def _release_if_ended(
        self, execution: LimitedExecution, before: datetime | None = None
    ) -> bool:
        """Release the slot of an execution if it and its job have ended; return whether it was.

        The job of a stopped execution runs on for some minutes. Executions that Step Functions has
        forgotten count as ended, and so do those of another state machine, which landrun's role
        must not describe.
        """
        arn = execution.execution_arn
        described = self.executions.find(arn) if self.executions.ours(arn) else None
        if described:
            if RANKS[described["status"]] == 0 or (before and described["stopDate"] > before):
                return False
            if self.jobs.at_work(self.executions.last_tasks(arn)):
                return False
        return self.table.release(execution)

    def _count(self, name: str, arn: str, started_at: str) -> bool:
        """Count an execution that has gone on to its job without a request for a slot.

        A redriven execution does so. If it failed while it waited, it makes a request instead.
        """
        now = self.clock()
        execution = self.table.find(name) or LimitedExecution(
            name=name, execution_arn=arn, started_at=started_at, requested_at=now
        )
        described = self.executions.find(arn)
        if described is None or RANKS[described["status"]] == 1 or self.executions.waits(arn):
            return False
        if execution.holds_slot:
            self.table.save(execution)  # a check that began before the redrive must not release it
            return False
        changes = {"status": SlotStatus.RESUMED, "acquired_at": now}
        return self.table.acquire(execution.model_copy(update=changes), UNLIMITED) is not None

    def missed_resumes(self, before: datetime) -> Repairs:
        """Find executions that acquired a slot before a time and may not have been resumed."""
        for holder in self.table.with_status(SlotStatus.RESUME_PENDING):
            if holder.acquired_at and holder.acquired_at <= before:
                yield holder.name, partial(self._resume, holder)

    def missed_releases(self, before: datetime) -> Repairs:
        """Find slot holders that may have ended before a time."""
        for holder in self.table.with_status(SlotStatus.RESUMED):
            yield holder.name, partial(self._release_if_ended, holder, before)

    def missed_counts(self, running: Iterable[dict[str, Any]], before: datetime) -> Repairs:
        """Find those of the running executions that may have gone on without a slot, oldest first.

        They are ``ListExecutions``' entries. Those that started after ``before`` are left out.
        """
        if not self.limit:
            return
        known = {one.name for status in SlotStatus for one in self.table.with_status(status)}
        new = (one for one in running if one["startDate"] <= before and one["name"] not in known)
        for one in sorted(new, key=lambda one: one["startDate"]):
            started_at = timestamp(one["startDate"].timestamp() * 1000)
            yield one["name"], partial(self._count, one["name"], one["executionArn"], started_at)

    def measure(self) -> None:
        """Report how many executions wait for a slot, and how many seconds the longest of them."""
        now = self.clock()
        requests = [one.requested_at for one in self.table.with_status(SlotStatus.WAITING)]
        if self.limit or requests:
            oldest = max(0.0, (now - min(requests, default=now)).total_seconds())
            Metrics().add_metric("RunsWaiting", MetricUnit.Count, len(requests))
            Metrics().add_metric("OldestWaitForSlot", MetricUnit.Seconds, oldest)
