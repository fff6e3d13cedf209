"""What an execution did and waited for, read out of its history.

Shapes: AWS Step Functions API reference, "HistoryEvent". An event names the one before it, so that
the events of a task are found although branches of a Map or a Parallel state write between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from landrun.adapters.clients import translated
from landrun.models.processing_job import ProcessingJob, requested_job_name
from landrun.sanitize import json_object, one_line
from landrun_ops.stack.history_events import (
    Attempt,
    HistoryEvent,
    Redrive,
    Result,
    SlotWait,
    Wait,
)

_ENDS = {
    "ExecutionSucceeded": "",
    "ExecutionFailed": "the execution failed",
    "ExecutionAborted": "somebody stopped the execution",
    "ExecutionTimedOut": "the execution ran into its time limit",
}
_REFUSED = ("SageMaker.", "ThrottlingException")
"""How errors begin by which SageMaker takes no job; those of a job are States.TaskFailed."""

_QUOTA = "ResourceLimitExceeded"
_JAVA = " (Service: "
"""What the Java SDK appends to a service's message: nothing that a person reads."""


class History:
    """Reads an execution's history.

    Parameters
    ----------
    client : Step Functions client
        boto3's.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def events(self, arn: str) -> Iterator[dict[str, Any]]:
        """Yield the events of an execution, oldest first; 25,000 at most.

        Raises
        ------
        ServiceError
            When Step Functions refuses the call, or no longer knows the execution: it forgets a
            closed one after 90 days.
        """
        pages = self._client.get_paginator("get_execution_history")
        with translated("states:GetExecutionHistory"):
            for page in pages.paginate(
                executionArn=arn, includeExecutionData=True, PaginationConfig={"PageSize": 1000}
            ):
                yield from page["events"]


def timeline(events: Iterable[dict[str, Any]]) -> tuple[HistoryEvent, ...]:
    """Return what an execution did, in order, read from its history.

    Parameters
    ----------
    events : iterable of dict
        GetExecutionHistory's, the oldest first.
    """
    return tuple(_events_of(_marks(events)))


def ended_as(events: Sequence[dict[str, Any]]) -> str:
    """Return the status that an execution ended with, or an empty text while it runs."""
    last = events[-1]["type"] if events else ""
    if last not in _ENDS:
        return ""
    return "TIMED_OUT" if last == "ExecutionTimedOut" else last.removeprefix("Execution").upper()


def plain(error: str | None, cause: str | None) -> str:
    """Return why something failed in one line, in the words nearest to the reason.

    Parameters
    ----------
    error, cause : str or None
        As Step Functions gives them; a failed job is described by its cause, as JSON.
    """
    job = ProcessingJob.from_json(cause)
    said = (job and job.exit_message) or (cause or "").partition(_JAVA)[0]
    if not error or error == "States.TaskFailed":
        return one_line(str(said or error or ""))
    return one_line(f"{error}: {said}" if said else error)


@dataclass(slots=True)
class _Task:
    """A task while its events are read."""

    job: str
    task: str
    instances: int
    began: datetime
    slot: bool = False
    ended: datetime | None = None
    result: Result = "running"
    submitted: bool = False
    error: str = ""
    cause: str = ""

    @property
    def refused(self) -> bool:
        return self.result == "failed" and not self.submitted and self.error.startswith(_REFUSED)

    def add(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "TaskSubmitted":
            self.submitted = True
        elif kind == "TaskSucceeded":
            self.end(event, "succeeded", {})
        elif kind in ("TaskFailed", "TaskStartFailed", "TaskSubmitFailed", "TaskTimedOut"):
            self.end(event, "failed", _details(event))

    def end(self, event: dict[str, Any], result: Result, said: dict[str, Any]) -> None:
        self.ended, self.result = _time(event), result
        self.error, self.cause = str(said.get("error") or ""), str(said.get("cause") or "")


@dataclass(slots=True)
class _End:
    """An execution's end, after which a redrive may come."""

    began: datetime


def _marks(events: Iterable[dict[str, Any]]) -> list[_Task | Redrive | _End]:
    marks: list[_Task | Redrive | _End] = []
    tasks: dict[int, _Task] = {}
    for event in events:
        kind, before = event["type"], event.get("previousEventId", 0)
        if kind == "TaskScheduled":
            tasks[event["id"]] = task = _task(event)
            marks.append(task)
        elif kind == "ExecutionRedriven":
            marks.append(Redrive(_time(event), int(_details(event).get("redriveCount") or 0)))
        elif kind in _ENDS:
            _stop([mark for mark in marks if isinstance(mark, _Task)], event)
            marks.append(_End(_time(event)))
        elif before in tasks:
            tasks[event["id"]] = tasks[before]
            tasks[before].add(event)
    return marks


def _task(event: dict[str, Any]) -> _Task:
    given = _details(event)
    asked = json_object(given.get("parameters"))
    cluster: Any = asked
    for name in ("ProcessingResources", "ClusterConfig"):
        cluster = cluster.get(name) if isinstance(cluster.get(name), dict) else {}
    count = cluster.get("InstanceCount")
    return _Task(
        job=requested_job_name(event) or "",
        task=f"{given.get('resourceType', '')}:{given.get('resource', '')}",
        instances=count if isinstance(count, int) and count > 0 else 1,
        began=_time(event),
        slot=_asks_for_slot(asked),
    )


def _asks_for_slot(asked: dict[str, Any]) -> bool:
    """Return True if a task is the one that waits for a concurrency slot."""
    body = asked.get("MessageBody")
    if isinstance(body, str):
        body = json_object(body)
    return isinstance(body, dict) and "SlotRequest" in body


def _stop(tasks: Sequence[_Task], event: dict[str, Any]) -> None:
    """End what still ran when the execution ended."""
    said = _details(event)
    why = said.get("cause") or said.get("error")
    words = _ENDS[event["type"]]
    for task in tasks:
        if task.result == "running":
            task.end(event, "stopped", {"cause": f"{words}: {why}" if why else words})


def _events_of(marks: Sequence[_Task | Redrive | _End]) -> Iterator[HistoryEvent]:
    found = _merged(marks)
    for event, following in zip_longest(found, found[1:]):
        if isinstance(event, SlotWait | Wait) and event.ended is None and following is not None:
            yield replace(event, ended=following.began)
        elif not isinstance(event, _End):
            yield event


def _merged(marks: Sequence[_Task | Redrive | _End]) -> list[HistoryEvent | _End]:
    """Count the attempts; merge refusals in a row, and requests for a slot, into one wait each."""
    found: list[HistoryEvent | _End] = []
    for mark in marks:
        if not isinstance(mark, _Task):
            found.append(mark)
        elif mark.slot:
            before = found.pop() if found and isinstance(found[-1], SlotWait) else None
            found.append(_slot_wait(mark, before if isinstance(before, SlotWait) else None))
        elif mark.refused:
            said, last = _refusal(mark), found[-1] if found else None
            if isinstance(last, Wait) and last.quota == said.quota:
                found[-1] = replace(last, times=last.times + 1, reason=said.reason)
            else:
                found.append(said)
        else:
            found.append(_attempt(1 + sum(isinstance(one, Attempt) for one in found), mark))
    return found


def _refusal(task: _Task) -> Wait:
    return Wait(_QUOTA in task.error, 1, task.began, reason=plain("", task.cause or task.error))


def _slot_wait(task: _Task, before: SlotWait | None) -> SlotWait:
    """Merge a request for a slot with the ones before it."""
    waits = task.result in ("running", "failed")  # the state asks again
    late = task.error == "States.Timeout"  # of one attempt: the message may have been lost
    return SlotWait(
        times=1 + (before.times if before else 0),
        began=before.began if before else task.began,
        ended=None if waits else task.ended,
        acquired=task.result == "succeeded",
        reason=plain(task.error, task.cause) if task.result == "failed" and not late else "",
    )


def _attempt(number: int, task: _Task) -> Attempt:
    return Attempt(
        number=number,
        job=task.job,
        task=task.task,
        instances=task.instances,
        began=task.began,
        ended=task.ended,
        result=task.result,
        reason=plain(task.error, task.cause) if task.result in ("failed", "stopped") else "",
    )


def _details(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event's details: its only member whose name ends in EventDetails."""
    found = (value for name, value in event.items() if name.endswith("EventDetails"))
    return next(found, {})


def _time(event: dict[str, Any]) -> datetime:
    time: datetime = event["timestamp"]
    return time.astimezone(UTC)
