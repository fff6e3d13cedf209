"""What an execution is said to have done: attempts, waits, turns and redrives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Result = Literal["running", "succeeded", "failed", "stopped"]
"""How an attempt stands; stopped are those whose execution ended before they did."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A task that was taken on; in landrun's state machine a Processing job.

    Attributes
    ----------
    number : int
        Counts from 1, in the order in which they began.
    job : str
        The Processing job's name; empty for a task of another service.
    task : str
        What was asked for, as ``sagemaker:createProcessingJob.sync``.
    instances : int
        How many instances the job has.
    began, ended : datetime
        In UTC; ``ended`` is None while it runs.
    result : str
        See `Result`.
    reason : str
        Why it failed or was stopped, in a line; else empty.
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
        Whether it was for a quota: no instance of the type was free.
    times : int
        How often it was refused.
    began, ended : datetime
        In UTC; ``ended`` is None while it lasts.
    reason : str
        What SageMaker said last, in a line.
    """

    quota: bool
    times: int
    began: datetime
    ended: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """Waiting for a turn, where MaxConcurrentRuns bounds how many runs have one.

    Attributes
    ----------
    times : int
        How often it was asked for.
    began, ended : datetime
        In UTC; ``ended`` is None while it lasts.
    given : bool
        Whether the turn came.
    reason : str
        Why it could not be asked for last, in a line; else empty.
    """

    times: int
    began: datetime
    ended: datetime | None = None
    given: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Redrive:
    """Somebody let the execution go on from where it had failed."""

    began: datetime
    number: int


Moment = Attempt | Turn | Wait | Redrive


def attempts(moments: Iterable[Moment]) -> list[Attempt]:
    """Give the attempts among the moments."""
    return [moment for moment in moments if isinstance(moment, Attempt)]
