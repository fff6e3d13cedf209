"""What an execution did and waited for, read from its history.

Shapes: AWS Step Functions API reference, "HistoryEvent". An event names the one before it, so that
the events of a task are found although branches of a Map or a Parallel state write between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from landrun.adapters.clients import translated
from landrun.models.processing_job import ProcessingJob
from landrun.sanitize import json_object, one_line
from landrun_ops.stack.history_events import Attempt, HistoryEvent, Redrive, Result, SlotWait, Wait

_ENDS = {
    "ExecutionSucceeded": "",
    "ExecutionFailed": "the execution failed",
    "ExecutionAborted": "somebody stopped the execution",
    "ExecutionTimedOut": "the execution ran into its time limit",
}
_FAILURES = ("TaskFailed", "TaskStartFailed", "TaskSubmitFailed", "TaskTimedOut")
_REFUSED = ("SageMaker.", "ThrottlingException")
"""How errors begin by which SageMaker takes no job; those of a job are States.TaskFailed."""


class History:
    """Reads an execution's history through boto3's client of Step Functions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def events(self, arn: str) -> Iterator[dict[str, Any]]:
        """Yield the events of an execution, oldest first.

        Raises ServiceError when Step Functions refuses the call, or no longer knows the execution.
        """
        pages = self._client.get_paginator("get_execution_history")
        with translated("states:GetExecutionHistory"):
            for page in pages.paginate(
                executionArn=arn, includeExecutionData=True, PaginationConfig={"PageSize": 1000}
            ):
                yield from page["events"]


def timeline(events: Iterable[dict[str, Any]]) -> tuple[HistoryEvent, ...]:
    """Return what an execution did, in order; ``events`` are GetExecutionHistory's.

    Refusals in a row are one wait, and so are requests for a concurrency slot.
    """
    found: list[HistoryEvent] = []
    number = 0
    for entry in _entries(events):
        event = _event(entry, number + 1) if isinstance(entry, _Task) else entry
        number += isinstance(event, Attempt)
        last = found[-1] if found else None
        if isinstance(last, Wait | SlotWait) and last.ended is None:
            if isinstance(event, Wait | SlotWait) and _waits_for(event) == _waits_for(last):
                found[-1] = replace(event, times=last.times + 1, began=last.began)
                continue
            found[-1] = replace(last, ended=event.began)
        if not isinstance(event, _End):
            found.append(event)
    return tuple(found)


def ended_as(events: Sequence[dict[str, Any]]) -> str:
    """Return the status that an execution ended with, or an empty text while it runs."""
    last = events[-1]["type"] if events else ""
    if last not in _ENDS:
        return ""
    return "TIMED_OUT" if last == "ExecutionTimedOut" else last.removeprefix("Execution").upper()


def plain(error: str | None, cause: str | None) -> str:
    """Return why something failed in one line, in the words nearest to the reason.

    A failed job is described by ``cause``, as JSON; the Java SDK appends its own facts to others.
    """
    job = ProcessingJob.from_json(cause)
    said = (job and job.exit_message) or (cause or "").partition(" (Service: ")[0]
    if not error or error == "States.TaskFailed":
        return one_line(str(said or error or ""))
    return one_line(f"{error}: {said}" if said else error)


@dataclass(slots=True)
class _Task:
    details: dict[str, Any]
    began: datetime
    ended: datetime | None = None
    result: Result = "running"
    submitted: bool = False
    error: str = ""
    cause: str = ""

    def end(self, time: datetime, result: Result, error: str = "", cause: str = "") -> None:
        self.ended, self.result, self.error, self.cause = time, result, error, cause


@dataclass(slots=True)
class _End:
    """An execution's end, after which a redrive may come."""

    began: datetime


def _entries(events: Iterable[dict[str, Any]]) -> list[_Task | Redrive | _End]:
    entries: list[_Task | Redrive | _End] = []
    tasks: dict[int, _Task] = {}
    for event in events:
        kind, details = event["type"], _details(event)
        time: datetime = event["timestamp"].astimezone(UTC)
        task = tasks.get(event.get("previousEventId", 0))
        if kind == "TaskScheduled":
            task = _Task(details, time)
            entries.append(task)
        elif kind == "ExecutionRedriven":
            entries.append(Redrive(time, int(details.get("redriveCount") or 0)))
        elif kind in _ENDS:
            _stop(tasks.values(), time, _ENDS[kind], details)
            entries.append(_End(time))
        elif task:
            _add(task, kind, time, details)
        if task:
            tasks[event["id"]] = task
    return entries


def _add(task: _Task, kind: str, time: datetime, details: dict[str, Any]) -> None:
    if kind == "TaskSubmitted":
        task.submitted = True
    elif kind == "TaskSucceeded":
        task.end(time, "succeeded")
    elif kind in _FAILURES:
        task.end(time, "failed", details.get("error") or "", details.get("cause") or "")


def _stop(tasks: Iterable[_Task], time: datetime, how: str, details: dict[str, Any]) -> None:
    """End what still ran when the execution ended."""
    why = details.get("cause") or details.get("error")
    for task in tasks:
        if task.result == "running":
            task.end(time, "stopped", cause=f"{how}: {why}" if why else how)


def _event(task: _Task, number: int) -> Attempt | Wait | SlotWait:
    parameters, failed = task.details.get("parameters"), task.result == "failed"
    reason = plain(task.error, task.cause)
    if _asks_for_slot(json_object(parameters)):
        # After States.Timeout the state asks again: its message may have been lost.
        said = reason if failed and task.error != "States.Timeout" else ""
        ended = None if failed else task.ended
        return SlotWait(1, task.began, ended, acquired=task.result == "succeeded", reason=said)
    if failed and not task.submitted and task.error.startswith(_REFUSED):
        quota = "ResourceLimitExceeded" in task.error
        return Wait(quota, 1, task.began, reason=plain("", task.cause or task.error))
    job = ProcessingJob.from_json(parameters)
    return Attempt(
        number=number,
        job=job.ProcessingJobName if job else "",
        task=f"{task.details.get('resourceType', '')}:{task.details.get('resource', '')}",
        instances=(job and job.InstanceCount) or 1,
        began=task.began,
        ended=task.ended,
        result=task.result,
        reason=reason,
    )


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
