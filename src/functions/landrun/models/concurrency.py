"""The executions that ``MaxConcurrentRuns`` limits."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class SlotStatus(StrEnum):
    """How far an execution has come on its way to its Processing job."""

    WAITING = "waiting"
    """It has requested a slot and holds none yet."""

    RESUME_PENDING = "resume-pending"
    """It holds a slot, but it may not have been resumed (``SendTaskSuccess``) yet."""

    RESUMED = "resumed"
    """It holds a slot and has gone on to its job."""


class LimitedExecution(BaseModel):
    """An execution that waits for a concurrency slot or holds one."""

    model_config = ConfigDict(frozen=True)

    name: str
    execution_arn: str

    started_at: str
    """ISO 8601 in UTC, to the millisecond. Slots go to waiting executions in this order."""

    requested_at: datetime
    """When the execution first requested its slot."""

    acquired_at: datetime | None = None
    status: SlotStatus = SlotStatus.WAITING

    task_tokens: tuple[str, ...] = ()
    """The task tokens of all its requests. Only the newest one is valid, but messages arrive in any
    order, so nobody knows which one that is."""

    version: str = ""
    """Identifies the item as it was written last; empty if it is not stored. It is never used
    twice, so an item that was removed and stored again has another version."""

    @property
    def holds_slot(self) -> bool:
        """Whether the execution counts towards the limit."""
        return self.status != SlotStatus.WAITING
