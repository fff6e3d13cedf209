"""Execution status changes, and what a state machine asks of the status queue.

Shapes: Amazon EventBridge events reference, "Step Functions Execution Status Change". ``input``
and ``output`` are JSON strings or null, dates are epoch milliseconds, output over 248 KB is left
out and ``included`` is false.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from landrun.errors import InvalidEvent
from landrun.sanitize import json_object, shown, whole

RANKS = {
    "RUNNING": 0,
    "PENDING_REDRIVE": 0,
    "SUCCEEDED": 1,
    "FAILED": 1,
    "TIMED_OUT": 1,
    "ABORTED": 1,
}
"""How far a status is; within one redrive no row goes back to a lower rank, or changes its end."""

Arn = Annotated[str, StringConstraints(pattern=r"^arn:[a-z0-9-]+:states:\S+$", max_length=512)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Milliseconds = Annotated[int, Field(ge=0, lt=253_402_300_800_000)]
"""Since 1970, before the year 10000."""

Redrives = Annotated[int, Field(ge=0, le=1_000_000)]
Status = Literal["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


class _Included(BaseModel):
    included: bool = True


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
    inputDetails: _Included | None = None  # noqa: N815
    output: str | None = None
    outputDetails: _Included | None = None  # noqa: N815
    error: str | None = None
    cause: str | None = None
    redriveCount: Redrives = 0  # noqa: N815
    redriveDate: Milliseconds | None = None  # noqa: N815

    @property
    def ended(self) -> bool:
        """Whether the execution has come to its end."""
        return RANKS[self.status] == 1

    @property
    def left_out(self) -> bool:
        """Whether input, or the output of a success, has to be fetched."""
        return self.input is None or (self.status == "SUCCEEDED" and self.output is None)

    def completed(self, described: dict[str, Any]) -> StatusChange:
        """Fill what the event left out from DescribeExecution's answer."""
        return self.model_copy(
            update={
                field: described.get(field)
                for field in ("input", "output")
                if getattr(self, field) is None
            }
        )


class _SlotRequest(BaseModel):
    TaskToken: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    ExecutionArn: Arn
    Name: Name
    StartedAt: AwareDatetime


class _SlotMessage(BaseModel):
    SlotRequest: _SlotRequest


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """An execution's request for its turn, as its machine sends it to the status queue.

    Attributes
    ----------
    name, execution_arn : str
        The execution.
    started_at : str
        When it started: its place in line; ISO 8601 in UTC, to the millisecond.
    token : str
        What its machine waits to be told by (Step Functions, "Wait for a Callback with the Task
        Token"); a state that is retried or redriven has another.
    """

    name: str
    execution_arn: str
    started_at: str
    token: str


class _Event(BaseModel):
    detail_type: str = Field(alias="detail-type")
    detail: StatusChange


def parse_message(body: str) -> StatusChange | SlotRequest:
    """Read what the status queue carries: what became of an execution, or its asking for a turn.

    Raises
    ------
    InvalidEvent
        When the body is neither; names the fields.
    """
    asks = '"SlotRequest"' in body and "SlotRequest" in json_object(body)
    return parse_turn(body) if asks else parse_status_change(body)


def parse_turn(body: str) -> SlotRequest:
    """Read an execution's request for its turn.

    Raises
    ------
    InvalidEvent
        When the body is none; names the fields.
    """
    try:
        turn = _SlotMessage.model_validate_json(_whole_json(body)).SlotRequest
    except ValidationError as error:
        raise InvalidEvent(f"not an execution that asks for its turn: {_fields(error)}") from error
    if turn.ExecutionArn.rpartition(":")[2] != turn.Name:
        raise InvalidEvent(f"{shown(turn.Name)} is not the name in {shown(turn.ExecutionArn)}")
    try:
        started_at = timestamp(turn.StartedAt.timestamp() * 1000)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidEvent("it started out of the calendar: check SlotRequest.StartedAt") from error
    return SlotRequest(turn.Name, turn.ExecutionArn, started_at, turn.TaskToken)


def _fields(error: ValidationError) -> str:
    fields = ", ".join(".".join(map(str, e["loc"])) or "event" for e in error.errors()[:5])
    return f"check {fields}"


def parse_status_change(body: str) -> StatusChange:
    """Read a status change as the status queue carries it.

    Raises
    ------
    InvalidEvent
        When the body is not a *Step Functions Execution Status Change* event; names the fields.
    """
    try:
        event = _Event.model_validate_json(_whole_json(body))
    except ValidationError as error:
        raise InvalidEvent(f"not a Step Functions status change: {_fields(error)}") from error
    if event.detail_type != "Step Functions Execution Status Change":
        raise InvalidEvent(f"expected a status change, got {shown(event.detail_type)}")
    return event.detail


def _whole_json(body: str) -> bytes:
    """Spell JSON anew without halves of surrogate pairs.

    They come of texts that were cut off in the middle of a pair, as long causes may be, and no
    model and no database takes them.
    """
    try:
        return whole(json.dumps(json.loads(body), ensure_ascii=False)).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"not a status change, for it is no JSON to read: {error}") from error


def described_change(described: dict[str, Any]) -> StatusChange:
    """Make the status change that DescribeExecution's answer stands for."""
    texts = {name: whole(text) for name, text in described.items() if isinstance(text, str)}
    times = {
        field: int(described[field].timestamp() * 1000)
        for field in ("startDate", "stopDate", "redriveDate")
        if described.get(field) is not None
    }
    return StatusChange.model_validate({**described, **texts, **times})


def timestamp(milliseconds: float) -> str:
    """Spell epoch milliseconds as ISO 8601 in UTC, to the millisecond."""
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
