"""What an execution did: attempts, waits for a quota or a concurrency slot, and redrives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Result = Literal["running", "succeeded", "failed", "stopped"]
"""The state of an attempt; "stopped" means that its execution ended before it did."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A task that was accepted; in landrun's state machine, a Processing job.

    Attributes
    ----------
    number : int
        Counts from 1, in the order in which the attempts began.
    job : str
        The Processing job's name; empty for a task of another service.
    task : str
        What was called, such as ``sagemaker:createProcessingJob.sync``.
    instances : int
        How many instances the job has.
    began, ended : datetime
        In UTC; ``ended`` is None while it runs.
    reason : str
        Why it failed or was stopped, in one line; otherwise empty.
    """

    number: int
    job: str
    task: str
    instances: int
    began: datetime
    ended: datetime | None = None
    result: Result = "running"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Refusals in a row, after each of which the state machine waited and asked again.

    Attributes
    ----------
    quota : bool
        Whether no instance of the type was free.
    times : int
        How often SageMaker refused.
    began, ended : datetime
        In UTC; ``ended`` is None while it lasts.
    reason : str
        What SageMaker said last, in one line.
    """

    quota: bool
    times: int
    began: datetime
    ended: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SlotWait:
    """Waiting for a concurrency slot (MaxConcurrentRuns).

    Attributes
    ----------
    times : int
        How often the execution asked for a slot.
    began, ended : datetime
        In UTC; ``ended`` is None while it lasts.
    acquired : bool
        Whether it got the slot.
    reason : str
        Why the last request failed, in one line; otherwise empty.
    """

    times: int
    began: datetime
    ended: datetime | None = None
    acquired: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Redrive:
    """Somebody resumed the execution from where it had failed."""

    began: datetime
    number: int


HistoryEvent = Attempt | SlotWait | Wait | Redrive


def attempts(events: Iterable[HistoryEvent]) -> list[Attempt]:
    """Return the attempts among the events."""
    return [event for event in events if isinstance(event, Attempt)]
