"""What the status queue carries: status changes, and requests for a concurrency slot.

Shapes: Amazon EventBridge events reference, "Step Functions Execution Status Change". ``input``
and ``output`` are JSON strings or null, dates are epoch milliseconds, and an output over 248 KB is
left out (``included`` is false).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from landrun.errors import InvalidEvent
from landrun.models.events import problems
from landrun.sanitize import whole

Status = Literal["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

RANKS = dict.fromkeys(get_args(Status), 1) | {"RUNNING": 0, "PENDING_REDRIVE": 0}
"""How far a status is: within one attempt, no record goes back to a lower rank."""


def timestamp(milliseconds: float) -> str:
    """Spell epoch milliseconds as ISO 8601 in UTC, to the millisecond."""
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Arn = Annotated[str, StringConstraints(pattern=r"^arn:[a-z0-9-]+:states:\S+$", max_length=512)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Milliseconds = Annotated[int, Field(ge=0, lt=253_402_300_800_000)]
"""Since 1970, before the year 10000."""

Redrives = Annotated[int, Field(ge=0, le=1_000_000)]


class StatusChange(BaseModel):
    """The ``detail`` of one status change; fields as the event names them."""

    model_config = ConfigDict(frozen=True)

    executionArn: Arn  # noqa: N815
    stateMachineArn: Arn  # noqa: N815
    name: Name
    status: Status
    startDate: Milliseconds  # noqa: N815
    stopDate: Milliseconds | None = None  # noqa: N815
    input: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    redriveCount: Redrives = 0  # noqa: N815

    @property
    def ended(self) -> bool:
        """Whether the execution has ended."""
        return RANKS[self.status] == 1

    @property
    def left_out(self) -> bool:
        """Whether the input, or the output of a success, has to be fetched."""
        return self.input is None or (self.status == "SUCCEEDED" and self.output is None)

    def completed(self, described: dict[str, Any]) -> StatusChange:
        """Fill in what the event left out, from DescribeExecution's answer."""
        missing = [name for name in ("input", "output") if getattr(self, name) is None]
        return self.model_copy(update={name: described.get(name) for name in missing})


class StatusChangeEvent(BaseModel):
    """EventBridge's *Step Functions Execution Status Change* event."""

    detail_type: Literal["Step Functions Execution Status Change"] = Field(alias="detail-type")
    detail: StatusChange


class SlotRequest(BaseModel):
    """An execution's request for a concurrency slot, as its state machine sends it."""

    model_config = ConfigDict(frozen=True)

    execution_arn: Arn = Field(alias="ExecutionArn")

    started_at: AwareDatetime = Field(alias="StartedAt")
    """When it started, which is its place in the order."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=2048)] = Field(
        alias="TaskToken"
    )
    """The task token that resumes it (Step Functions, "Wait for a Callback with the Task Token").
    A retried or redriven state has another one."""

    @property
    def name(self) -> str:
        """The execution's name, which ends its ARN."""
        return self.execution_arn.rpartition(":")[2]


class SlotRequestMessage(BaseModel):
    """The message that holds a request."""

    SlotRequest: SlotRequest


def parse_message(body: str) -> StatusChange | SlotRequest:
    """Read a message of the status queue.

    Raises InvalidEvent when the body is neither a status change nor a request; names the fields.
    """
    try:
        # Texts that were cut off, such as long causes, may end with half of a surrogate pair.
        content = json.loads(whole(json.dumps(json.loads(body), ensure_ascii=False)))
        if isinstance(content, dict) and "SlotRequest" in content:
            return SlotRequestMessage.model_validate(content).SlotRequest
        return StatusChangeEvent.model_validate(content).detail
    except ValidationError as error:
        raise InvalidEvent(
            f"neither a status change nor a request for a concurrency slot: {problems(error)}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"not a status change: the message is not JSON: {error}") from error


def described_change(described: dict[str, Any]) -> StatusChange:
    """Make the status change that DescribeExecution's answer stands for."""
    texts = {name: whole(text) for name, text in described.items() if isinstance(text, str)}
    times = {
        name: int(described[name].timestamp() * 1000)
        for name in ("startDate", "stopDate")
        if described.get(name) is not None
    }
    return StatusChange.model_validate({**described, **texts, **times})
