"""What an execution did, read from its history: attempts, waits and redrives.

Times are in UTC; ``ended`` is None as long as something lasts; a ``reason`` is one line. An event
of the history (AWS Step Functions API reference, "HistoryEvent") names the one before it, so that
the events of a task are found although branches of a Map or a Parallel state write between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from landrun.adapters.clients import translated
from landrun.models.processing_job import ProcessingJob
from landrun.sanitize import json_object, one_line

Result = Literal["running", "succeeded", "failed", "stopped"]
"""The state of an attempt; "stopped" means that its execution ended before it did."""

WAITING = "WAITING"
"""The status shown for a run that waits for a concurrency slot; Step Functions says RUNNING."""

BY_OTHERS = {
    "ABORTED": "somebody stopped the execution",
    "TIMED_OUT": "the execution ran into its time limit",
}
"""Why an execution ended, by its status, if not by its own doing."""

_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_RESULTS: dict[str, Result] = {
    "TaskSucceeded": "succeeded",
    **dict.fromkeys(
        ("TaskFailed", "TaskStartFailed", "TaskSubmitFailed", "TaskTimedOut"), "failed"
    ),
    **dict.fromkeys(_ENDS, "stopped"),
}
_REFUSED = ("SageMaker.", "ThrottlingException")
"""How errors begin by which SageMaker takes no job; those of a job are States.TaskFailed."""


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


def read_history(client: Any, arn: str) -> list[dict[str, Any]]:
    """Read an execution's history, oldest event first.

    Raises ServiceError when Step Functions refuses the call, or no longer knows the execution.
    """
    pages = client.get_paginator("get_execution_history")
    with translated("states:GetExecutionHistory"):
        found = pages.paginate(
            executionArn=arn, includeExecutionData=True, PaginationConfig={"PageSize": 1000}
        )
        return [event for page in found for event in page["events"]]


def attempts(events: Iterable[HistoryEvent]) -> list[Attempt]:
    """Return the attempts among the events."""
    return [event for event in events if isinstance(event, Attempt)]


def timeline(history: Iterable[dict[str, Any]]) -> tuple[HistoryEvent, ...]:
    """Return what an execution did, in order.

    Refusals in a row are one wait, and so are requests for a concurrency slot.
    """
    found: list[HistoryEvent] = []
    number = 1
    for group in _groups(history):
        event = _event(group, number)
        number += isinstance(event, Attempt)
        last = found[-1] if found else None
        if isinstance(last, Wait | SlotWait) and last.ended is None:
            if isinstance(event, Wait | SlotWait) and _waits_for(event) == _waits_for(last):
                found[-1] = replace(event, times=last.times + 1, began=last.began)
                continue
            found[-1] = replace(last, ended=_time(group[0]))
        if event:
            found.append(event)
    return tuple(found)


def plain(error: str | None, cause: str | None) -> str:
    """Return why something failed in one line, in the words nearest to the reason.

    A failed job is described by ``cause``, as JSON; the Java SDK appends its own facts to others.
    """
    job = ProcessingJob.from_json(cause)
    said = (job and job.exit_message) or (cause or "").partition(" (Service: ")[0]
    if not error or error == "States.TaskFailed":
        return one_line(str(said or error or ""))
    return one_line(f"{error}: {said}" if said else error)


def _groups(history: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the events of each task, and on their own an execution's ends and redrives.

    An end also belongs to each task that it stopped.
    """
    groups: list[list[dict[str, Any]]] = []
    group_of: dict[int, list[dict[str, Any]]] = {}
    for event in history:
        kind, group = event["type"], group_of.get(event.get("previousEventId", 0))
        if kind in _ENDS:
            for one in groups:
                if not any(earlier["type"] in _RESULTS for earlier in one):
                    one.append(event)
        if kind in ("TaskScheduled", "ExecutionRedriven", *_ENDS):
            group = []
            groups.append(group)
        if group is not None:
            group.append(event)
            group_of[event["id"]] = group
    return groups


def _event(group: list[dict[str, Any]], number: int) -> HistoryEvent | None:
    """Return what a task did, or a redrive; None for an execution's end."""
    first, details, began = group[0], _details(group[0]), _time(group[0])
    if first["type"] in _ENDS:
        return None
    if first["type"] == "ExecutionRedriven":
        return Redrive(began, int(details.get("redriveCount") or 0))
    end = next((one for one in group if one["type"] in _RESULTS), {})
    result, error, reason = _result(end)
    ended = _time(end) if end else None
    parameters, failed = details.get("parameters"), result == "failed"
    if _asks_for_slot(json_object(parameters)):
        # After States.Timeout the state asks again: its message may have been lost.
        said = reason if failed and error != "States.Timeout" else ""
        acquired = result == "succeeded"
        return SlotWait(1, began, None if failed else ended, acquired=acquired, reason=said)
    submitted = any(one["type"] == "TaskSubmitted" for one in group)
    if failed and not submitted and error.startswith(_REFUSED):
        said = reason.removeprefix(f"{error}: ")
        return Wait("ResourceLimitExceeded" in error, 1, began, reason=said)
    job = ProcessingJob.from_json(parameters)
    name, instances = (job.ProcessingJobName, job.InstanceCount or 1) if job else ("", 1)
    called = f"{details.get('resourceType', '')}:{details.get('resource', '')}"
    return Attempt(number, name, called, instances, began, ended, result, reason)


def _result(end: dict[str, Any]) -> tuple[Result, str, str]:
    """Return how a task ended, its error, and the reason; ``end`` is empty while it runs."""
    said, kind = _details(end), end.get("type", "")
    error, cause = said.get("error") or "", said.get("cause") or ""
    if kind not in _ENDS:
        return _RESULTS.get(kind, "running"), error, plain(error, cause)
    why = filter(None, (BY_OTHERS.get(_ENDS[kind]), cause or error))
    return "stopped", "", one_line(": ".join(why))


def _asks_for_slot(asked: dict[str, Any]) -> bool:
    """Return True for the parameters of the task that waits for a concurrency slot."""
    body = asked.get("MessageBody")
    message = json_object(body) if isinstance(body, str) else body
    return isinstance(message, dict) and "SlotRequest" in message


def _waits_for(wait: Wait | SlotWait) -> str:
    if isinstance(wait, SlotWait):
        return "slot"
    return "quota" if wait.quota else "SageMaker"


def _details(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event's details: its only member whose name ends in EventDetails."""
    return next((value for name, value in event.items() if name.endswith("EventDetails")), {})


def _time(event: dict[str, Any]) -> datetime:
    time: datetime = event["timestamp"]
    return time.astimezone(UTC)
