"""What an execution did: attempts, waits for a quota or a concurrency slot, and redrives.

Times are in UTC; ``ended`` is None as long as something lasts; a ``reason`` is one line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Result = Literal["running", "succeeded", "failed", "stopped"]
"""The state of an attempt; "stopped" means that its execution ended before it did."""


WAITING = "WAITING"
"""The status shown for a run that waits for a concurrency slot; Step Functions says RUNNING."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A task that was accepted: in landrun's state machine, a Processing job.

    ``number`` counts from 1. ``job`` is empty for a task of another service. ``task`` is what was
    called, such as ``sagemaker:createProcessingJob.sync``.
    """

    number: int
    job: str
    task: str
    instances: int
    began: datetime
    ended: datetime | None = None
    result: Result = "running"
    reason: str = ""
    kind: str = field(default="attempt", init=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Refusals by SageMaker in a row, for a quota or otherwise; ``reason`` is the last one's."""

    quota: bool
    times: int
    began: datetime
    ended: datetime | None = None
    reason: str = ""
    kind: str = field(default="wait", init=False)


@dataclass(frozen=True, slots=True)
class SlotWait:
    """A wait for a concurrency slot, requested ``times`` times (MaxConcurrentRuns).

    ``reason`` says why the last request failed.
    """

    times: int
    began: datetime
    ended: datetime | None = None
    acquired: bool = False
    reason: str = ""
    kind: str = field(default="slot-wait", init=False)


@dataclass(frozen=True, slots=True)
class Redrive:
    """Somebody resumed the execution from where it had failed."""

    began: datetime
    number: int
    kind: str = field(default="redrive", init=False)


HistoryEvent = Attempt | SlotWait | Wait | Redrive


def attempts(events: Iterable[HistoryEvent]) -> list[Attempt]:
    """Return the attempts among the events."""
    return [event for event in events if isinstance(event, Attempt)]
