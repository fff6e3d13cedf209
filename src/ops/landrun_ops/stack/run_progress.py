"""Follow one run from its start to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from landrun.adapters.sagemaker import ProcessingJobs
from landrun.clock import utc_now
from landrun.errors import ServiceError
from landrun.models.run_record import UNFINISHED
from landrun_ops.stack.execution_history import History, plain, timeline
from landrun_ops.stack.history_events import Attempt, HistoryEvent, SlotWait, Wait, attempts
from landrun_ops.stack.waiting_executions import QueuePosition, queue_position

if TYPE_CHECKING:
    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.stack import Stack

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two looks: a twentieth of how long it has taken so far, within these."""

BLIND_SECONDS = 300.0
"""How long AWS may be out of reach before the command gives up."""

RECORD_SECONDS = 15.0
"""How long to wait for the runs table to have a run's end: the event takes a second or two."""

FRESH_SECONDS = 30.0
"""How long Step Functions may not know what it has just started (DescribeExecution's reference)."""

PASSING = frozenset(
    {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "HTTPClientError",
        "ProxyConnectionError",
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
        "InternalServerError",
        "InternalFailure",
        "ServiceUnavailable",
        "500",
        "503",
    }
)
"""Error codes after which the same call may succeed later."""


class Phase(Enum):
    """What a run does."""

    QUEUED = "queued"
    WAITING_FOR_SLOT = "waiting for a concurrency slot"
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    PROCESSING = "processing"
    RETRYING = "about to try again"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is.

    Attributes
    ----------
    phase : Phase
        What it does.
    since : datetime
        Since when, in UTC.
    attempt : int
        How many Processing jobs it has had; 0 before the first.
    job : str
        The newest one's name; empty before the first.
    note : str
        Why it waits, or failed last, in one line; otherwise empty.
    trouble : str
        Why this is not up to date: AWS could not be asked; otherwise empty.
    described : dict
        DescribeExecution's answer.
    """

    phase: Phase
    since: datetime
    attempt: int = 0
    job: str = ""
    note: str = ""
    trouble: str = ""
    described: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def status(self) -> str:
        """The execution's status."""
        return str(self.described.get("status", "RUNNING"))

    @property
    def seconds(self) -> float | None:
        """From start to end; None while it runs."""
        stopped, started = self.described.get("stopDate"), self.described.get("startDate")
        return (stopped - started).total_seconds() if stopped and started else None

    @property
    def reason(self) -> str:
        """Why it failed, in one line; empty unless it did."""
        if self.phase is not Phase.ENDED or self.status == "SUCCEEDED":
            return ""
        said = plain(self.described.get("error"), self.described.get("cause"))
        return said or self.note or "Step Functions gave no cause"


def progress(
    described: dict[str, Any],
    events: Sequence[HistoryEvent],
    job_began: datetime | None,
    in_line: QueuePosition | None = None,
) -> RunProgress:
    """Return how far a run is.

    Parameters
    ----------
    described : dict
        DescribeExecution's answer.
    events : sequence of HistoryEvent
        What its execution has done so far.
    job_began : datetime or None
        When the newest Processing job's container began to work; None when it has not.
    in_line : QueuePosition or None
        Its place, where it waits for a concurrency slot; None when that is not known.
    """
    started: datetime = described["startDate"].astimezone(UTC)
    jobs = attempts(events)
    last = events[-1] if events else None
    phase, since, note = Phase.QUEUED, last.began if last else started, ""
    if described["status"] not in UNFINISHED:
        phase, since = Phase.ENDED, described.get("stopDate", started).astimezone(UTC)
        note = jobs[-1].reason if jobs else ""
    elif isinstance(last, SlotWait):
        phase, since, note = _waiting_for_slot(last, in_line)
    elif isinstance(last, Wait):
        phase, note = Phase.WAITING, _why_waiting(last)
    elif isinstance(last, Attempt):
        phase, since, note = _trying(last, job_began)
    newest = jobs[-1].job if jobs else ""
    return RunProgress(phase, since, len(jobs), newest, note, described=described)


def _why_waiting(wait: Wait) -> str:
    what = "for a quota" if wait.quota else "for SageMaker"
    times = f", refused {wait.times} times" if wait.times > 1 else ""
    return f"{what}{times}: {wait.reason}"


def _waiting_for_slot(last: SlotWait, in_line: QueuePosition | None) -> tuple[Phase, datetime, str]:
    if last.ended:
        return Phase.QUEUED, last.ended, ""
    return Phase.WAITING_FOR_SLOT, last.began, last.reason or (str(in_line) if in_line else "")


def _trying(last: Attempt, job_began: datetime | None) -> tuple[Phase, datetime, str]:
    if last.result != "running":
        return Phase.RETRYING, last.ended or last.began, last.reason
    if not last.job:
        return Phase.RUNNING, last.began, ""
    if job_began is None:
        return Phase.STARTING, last.began, ""
    return Phase.PROCESSING, job_began, ""


class Watcher:
    """Looks at one run.

    Parameters
    ----------
    stack : Stack
        Where it is.
    arn : str
        Its execution's ARN.
    """

    def __init__(self, stack: Stack, arn: str) -> None:
        self._executions = stack.executions()
        self._history = History(stack.client("stepfunctions"))
        self._jobs = ProcessingJobs(stack.client("sagemaker"))
        self._ledger = stack.ledger()
        self._stack = stack
        self._arn = arn

    def look(self) -> RunProgress:
        """Return how far it is now.

        Raises
        ------
        ServiceError
            When AWS refuses a call or cannot be reached.
        """
        described = self._executions.describe(self._arn)
        events = timeline(self._history.events(self._arn))
        return progress(described, events, self._job_began(events), self._in_line(events))

    def recorded(self, name: str) -> RunRecord | None:
        """Return the run's row once it has its end; None before."""
        try:
            row = self._ledger.get(name)
        except ServiceError:
            return None
        return row if row and row.finished else None

    def _in_line(self, events: Sequence[HistoryEvent]) -> QueuePosition | None:
        last = events[-1] if events else None
        if not isinstance(last, SlotWait) or last.ended:
            return None
        try:
            return queue_position(self._stack, self._arn.rpartition(":")[2])
        except ServiceError:  # a role that may not read the table can still wait for runs
            return None

    def _job_began(self, events: Sequence[HistoryEvent]) -> datetime | None:
        last = events[-1] if events else None
        if not isinstance(last, Attempt) or not last.job or last.result != "running":
            return None
        try:
            began = self._jobs.describe(last.job).ProcessingStartTime
        except ServiceError:  # a role that may not look at jobs can still wait for runs
            return None
        return began.astimezone(UTC) if began else None


def follow(
    look: Callable[[], RunProgress],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    now: Callable[[], datetime] = utc_now,
) -> Iterator[RunProgress]:
    """Yield how far a run is, again and again; the last one is its end.

    Parameters
    ----------
    look : Callable
        Returns how far the run is.
    clock, sleep, now : Callable
        A monotonic clock in seconds, a wait of so many, and the time.

    Raises
    ------
    ServiceError
        When AWS refuses a call, or cannot be reached for five minutes.
    """
    began = seen = clock()
    last = RunProgress(Phase.QUEUED, now())
    while True:
        try:
            last, seen = look(), clock()
        except ServiceError as error:
            fresh = error.code == "ExecutionDoesNotExist" and clock() - began < FRESH_SECONDS
            if not fresh and (error.code not in PASSING or clock() - seen > BLIND_SECONDS):
                raise
            last = replace(last, trouble=f"cannot look: {error}")
        yield last
        if last.phase is Phase.ENDED:
            return
        sleep(min(LONGEST_PAUSE, max(SHORTEST_PAUSE, (clock() - began) / 20)))


def recorded(
    watcher: Watcher, name: str, *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> RunRecord | None:
    """Wait until the runs table has a run's end; None when it takes too long."""
    began = clock()
    while True:
        row = watcher.recorded(name)
        if row or clock() - began > RECORD_SECONDS:
            return row
        sleep(SHORTEST_PAUSE)
