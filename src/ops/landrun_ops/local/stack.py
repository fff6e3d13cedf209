"""What a deployed stack holds that moto does not see to: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from landrun_ops.local.functions import FunctionSettings


@dataclass(frozen=True)
class QueueSource:
    """A queue that feeds a function: an event source mapping, or a rule's target.

    ``window`` is in seconds. ``raw`` says that a message's body is the event itself, handed over
    asynchronously, as rules do.
    """

    queue_arn: str
    function: str
    batch_size: int = 10
    window: float = 0.0
    partial: bool = False
    raw: bool = False


@dataclass(frozen=True)
class ScheduleSettings:
    """A schedule that invokes a function; ``classic`` ones are rules with a ScheduleExpression."""

    logical_id: str
    arn: str
    expression: str
    timezone: str
    enabled: bool
    function: str
    input: str | None
    classic: bool = False
    role: str = ""


@dataclass(frozen=True)
class AsyncSettings:
    """What happens to asynchronous invocations that fail; ``destination`` is a queue's ARN."""

    retries: int = 2
    destination: str = ""


@dataclass(frozen=True)
class Stack:
    """What was created, with every reference resolved.

    Attributes
    ----------
    outputs
        The stack's outputs.
    not_here
        The resources that the laptop does without, each with the reason.
    """

    outputs: dict[str, str]
    functions: list[FunctionSettings]
    sources: list[QueueSource]
    schedules: list[ScheduleSettings]
    asynchronous: dict[str, AsyncSettings]
    not_here: dict[str, str] = field(default_factory=dict)
