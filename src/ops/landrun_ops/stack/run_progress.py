"""What a run does at the moment, looked at again and again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import ServiceError
from landrun.models.run_record import UNFINISHED
from landrun_ops.stack.execution_history import History, plain, timeline
from landrun_ops.stack.history_events import Attempt, HistoryEvent, SlotWait, Wait, attempts
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import QueuePosition, queue_position

T = TypeVar("T")

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two looks: a twentieth of how long it has taken so far, within these."""

BLIND_SECONDS = 300.0
"""How long AWS may be out of reach before the command gives up."""

FRESH_SECONDS = 30.0
"""How long Step Functions may not know what it has just started (DescribeExecution's reference)."""

PASSING = re.compile("Timeout|Connection|Throttl|TooMany|Exceeded|Internal|Unavailable|^50")
"""The codes of errors after which the same call may succeed later."""


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
    """What a run does, and since when.

    ``attempt`` counts its Processing jobs, ``note`` is why it waits or failed last, in one line,
    and ``described`` DescribeExecution's answer.
    """

    phase: Phase
    since: datetime
    attempt: int = 0
    note: str = ""
    described: dict[str, Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        """Say what the run does, and why it waits or failed last."""
        attempt = f" (job {self.attempt})" if self.attempt else ""
        return ": ".join(filter(None, (f"{self.phase.value}{attempt}", self.note)))

    @property
    def status(self) -> str:
        """The execution's status."""
        return str(self.described.get("status", "RUNNING"))

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
    job_began: datetime | None = None,
    position: QueuePosition | None = None,
) -> RunProgress:
    """Read what a run does from DescribeExecution's answer and its history.

    ``job_began`` is when the newest job's container began to work, and ``position`` the run's among
    the waiting executions, each where it is known.
    """
    jobs, last = attempts(events), events[-1] if events else None
    since = getattr(last, "ended", None) or getattr(last, "began", described["startDate"])
    phase, note = _doing(last, position)
    if described["status"] not in UNFINISHED:
        phase, since = Phase.ENDED, described.get("stopDate", since)
        note = jobs[-1].reason if jobs else ""
    elif phase is Phase.STARTING and job_began:
        phase, since = Phase.PROCESSING, job_began
    return RunProgress(phase, since.astimezone(UTC), len(jobs), note, described)


def _doing(last: HistoryEvent | None, position: QueuePosition | None) -> tuple[Phase, str]:
    match last:
        case SlotWait(ended=None):
            return Phase.WAITING_FOR_SLOT, last.reason or str(position or "")
        case Wait():
            what = "for a quota" if last.quota else "for SageMaker"
            times = f", refused {last.times} times" if last.times > 1 else ""
            return Phase.WAITING, f"{what}{times}: {last.reason}"
        case Attempt(result="running"):
            return Phase.STARTING if last.job else Phase.RUNNING, ""
        case Attempt():
            return Phase.RETRYING, last.reason
    return Phase.QUEUED, ""


class Watcher:
    """Looks at one run, by its execution's ARN."""

    def __init__(self, stack: Stack, arn: str) -> None:
        self._stack, self._arn = stack, arn

    def look(self) -> RunProgress:
        """Return what it does now.

        Raises ServiceError when Step Functions refuses a call or cannot be reached. A role that may
        not look at jobs, or at who waits, can still follow runs.
        """
        described = self._stack.executions().describe(self._arn)
        events = timeline(History(self._stack.client("stepfunctions")).events(self._arn))
        began, position = None, None
        try:
            match events[-1:]:
                case [Attempt(result="running", job=job)] if job:
                    jobs = ProcessingJobs(self._stack.client("sagemaker"))
                    began = jobs.describe(job).ProcessingStartTime
                case [SlotWait(ended=None)]:
                    position = queue_position(self._stack, self._arn.rpartition(":")[2])
        except ServiceError:
            pass
        return progress(described, events, began, position)


def repeated(
    look: Callable[[], T], *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[T]:
    """Look again and again, less often the longer it takes; errors that pass are waited out.

    Raises ServiceError when AWS refuses a call, or cannot be reached for five minutes.
    """
    began = seen = clock()
    while True:
        try:
            found = look()
        except ServiceError as error:
            fresh = error.code == "ExecutionDoesNotExist" and clock() - began < FRESH_SECONDS
            passes = PASSING.search(error.code) and clock() - seen < BLIND_SECONDS
            if not (fresh or passes):
                raise
        else:
            seen = clock()
            yield found
        sleep(min(LONGEST_PAUSE, max(SHORTEST_PAUSE, (clock() - began) / 20)))


def follow(
    look: Callable[[], RunProgress], *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[RunProgress]:
    """Yield what a run does, again and again; the last one is its end. Raises as `repeated`."""
    for found in repeated(look, clock=clock, sleep=sleep):
        yield found
        if found.phase is Phase.ENDED:
            return
