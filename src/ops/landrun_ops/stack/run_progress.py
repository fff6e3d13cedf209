"""The current progress of a run, polled until it ends."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import ServiceError
from landrun.models.run_record import UNFINISHED
from landrun_ops.stack.history_events import (
    Attempt,
    HistoryEvent,
    SlotWait,
    Wait,
    attempts,
    plain,
    read_history,
    timeline,
)
from landrun_ops.stack.stack import Stack
from landrun_ops.stack.waiting_executions import slot_usage
from landrun_ops.units import count

T = TypeVar("T")

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Shortest and longest seconds between two polls: a twentieth of the time elapsed so far."""

BLIND_SECONDS = 300.0
"""Seconds that AWS may be unreachable before a command gives up."""

FRESH_SECONDS = 30.0
"""Seconds in which DescribeExecution may not know a new execution (its API reference)."""

PASSING = re.compile("Timeout|Connection|Throttl|TooMany|Exceeded|Internal|Unavailable|^50")
"""The codes of errors after which the same call may succeed later."""


class Phase(Enum):
    """What a run is doing."""

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
    """What a run is doing, and since when.

    ``attempt`` counts its Processing jobs, ``note`` is why it waits or failed last, in one line,
    ``described`` DescribeExecution's answer, and ``events`` what the execution has done.
    """

    phase: Phase
    since: datetime
    attempt: int = 0
    note: str = ""
    described: dict[str, Any] = field(default_factory=dict, compare=False)
    events: Sequence[HistoryEvent] = ()

    def __str__(self) -> str:
        """Describe the progress in a line, with the reason for waiting or the last failure."""
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
    position: str = "",
) -> RunProgress:
    """Derive a run's progress from DescribeExecution's answer and its history.

    ``job_began`` is when the newest job's container began to work, and ``position`` says where the
    run is among the waiting executions, each where it is known.
    """
    jobs, last = attempts(events), events[-1] if events else None
    since = getattr(last, "ended", None) or getattr(last, "began", described["startDate"])
    phase, note = Phase.QUEUED, ""
    if described["status"] not in UNFINISHED:
        phase, since = Phase.ENDED, described.get("stopDate", since)
        note = jobs[-1].reason if jobs else ""
        return RunProgress(phase, since.astimezone(UTC), len(jobs), note, described, events)
    match last:
        case SlotWait(ended=None):
            phase, note = Phase.WAITING_FOR_SLOT, last.reason or position
        case Wait():
            what = "for a quota" if last.quota else "for SageMaker"
            times = f", refused {count(last.times, 'time')}" if last.times > 1 else ""
            phase, note = Phase.WAITING, f"{what}{times}: {last.reason}"
        case Attempt(result="running") if last.job and job_began:
            phase, since = Phase.PROCESSING, job_began
        case Attempt(result="running"):
            phase = Phase.STARTING if last.job else Phase.RUNNING
        case Attempt():
            phase, note = Phase.RETRYING, last.reason
    return RunProgress(phase, since.astimezone(UTC), len(jobs), note, described, events)


class Watcher:
    """Looks at one run, by its execution's ARN."""

    def __init__(self, stack: Stack, arn: str) -> None:
        self._stack, self._arn = stack, arn

    def look(self) -> RunProgress:
        """Return the run's progress now.

        Raises ServiceError when Step Functions refuses a call or cannot be reached. A role that may
        not look at jobs, or at who waits, can still follow runs.
        """
        stack, began, position = self._stack, None, ""
        described = stack.executions().describe(self._arn)
        events = timeline(read_history(stack.client("stepfunctions"), self._arn))
        with suppress(ServiceError):
            match events[-1:]:
                case [Attempt(result="running", job=job)] if job:
                    jobs = ProcessingJobs(stack.client("sagemaker"))
                    began = jobs.describe(job).ProcessingStartTime
                case [SlotWait(ended=None)]:
                    position = slot_usage(stack).position(self._arn.rpartition(":")[2])
        return progress(described, events, began, position)


def repeated(
    look: Callable[[], T], *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[T]:
    """Poll repeatedly, less often the longer it takes; temporary errors are waited out.

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
