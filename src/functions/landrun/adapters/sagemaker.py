"""The door to SageMaker: what became of a run's Processing job."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun.models.status_change import StatusChange, kept
from landrun.sanitize import json_object

_NAME = re.compile(r"(?=.{1,63}$)[a-zA-Z0-9](?:-*[a-zA-Z0-9])*")
"""SageMaker API, CreateProcessingJob: whatever else calls itself one is no job's name."""

_UNKNOWN = frozenset({"ValidationException", "ResourceNotFound"})
"""How SageMaker answers for a job that it does not know."""

_AT_WORK = frozenset({"InProgress", "Stopping"})

_COUNTABLE = 1e15
"""Milliseconds until the year 33658; also keeps out what is endless or no number."""


class ProcessingJobs:
    """Processing jobs of the account.

    Parameters
    ----------
    client : SageMaker client
        boto3's.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, name: str) -> dict[str, Any]:
        """Fetch one job: DescribeProcessingJob's answer.

        Raises
        ------
        ServiceError
            When SageMaker refuses the call or cannot be reached.
        """
        with translated("sagemaker:DescribeProcessingJob"):
            answer: dict[str, Any] = self._client.describe_processing_job(ProcessingJobName=name)
        return answer

    def find(self, name: str) -> dict[str, Any] | None:
        """Fetch one job; None of one that SageMaker never took, or has forgotten.

        Raises
        ------
        ServiceError
            When SageMaker refuses the call for another reason, or cannot be reached.
        """
        try:
            return self.describe(name)
        except ServiceError as error:
            if error.code in _UNKNOWN:
                return None
            raise

    def at_work(self, history: list[dict[str, Any]]) -> bool:
        """Whether the newest job that an execution submitted runs, or is being stopped.

        Parameters
        ----------
        history : list of dict
            Events of GetExecutionHistory, newest first.

        Raises
        ------
        ServiceError
            When SageMaker refuses the call or cannot be reached.
        """
        name = submitted_job_name(history)
        found = self.find(name) if name else None
        return found is not None and found.get("ProcessingJobStatus") in _AT_WORK


def job_in(change: StatusChange) -> dict[str, Any] | None:
    """Find the job's description in an execution's end, where ``.sync`` puts it.

    A success has it as output, a failed job as the JSON of its cause.
    """
    for text in (change.output, change.cause):
        found = json_object(text)
        if _is_name(found.get("ProcessingJobName")):
            return found
    return None


def submitted_job_name(history: list[dict[str, Any]]) -> str | None:
    """Find the name of the newest job that an execution submitted.

    Parameters
    ----------
    history : list of dict
        Events of GetExecutionHistory, newest first.
    """
    for event in history:
        scheduled = event.get("taskScheduledEventDetails", {})
        name = json_object(scheduled.get("parameters")).get("ProcessingJobName")
        if _is_name(name):
            return str(name)
    return None


def _is_name(name: object) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def job_row(job: dict[str, Any]) -> dict[str, Any]:
    """Make the ledger's attributes of a job; what is not known, or not of its type, has none.

    The description of a job may be anything: an execution's output and cause are whatever its
    state machine gives, and an exit message whatever the container wrote.
    """
    said = (kept(job.get(field)) for field in ("ExitMessage", "FailureReason"))
    found = {
        "job_name": kept(job.get("ProcessingJobName")),
        "job_arn": kept(job.get("ProcessingJobArn")),
        "exit_message": next(filter(None, said), None) or _why_stopped(job),
        "instance_seconds": _instance_seconds(job),
    }
    return {name: value for name, value in found.items() if value is not None}


def _why_stopped(job: dict[str, Any]) -> str | None:
    """Say why a job has stopped; SageMaker gives no reason when the time limit did it."""
    if job.get("ProcessingJobStatus") != "Stopped":
        return None
    limit = _number(_part(job, "StoppingCondition").get("MaxRuntimeInSeconds"))
    seconds = _seconds(job)
    if limit and seconds is not None and seconds >= limit:
        return f"the job was stopped at its time limit of {limit:.0f} seconds (MaxRuntimeInSeconds)"
    return "the job was stopped"


def _instance_seconds(job: dict[str, Any]) -> float | None:
    seconds = _seconds(job)
    cluster = _part(_part(job, "ProcessingResources"), "ClusterConfig")
    count = _number(cluster.get("InstanceCount", 1))
    return None if seconds is None or count is None else round(seconds * count, 3)


def _seconds(job: dict[str, Any]) -> float | None:
    start, end = (_epoch(job.get(field)) for field in ("ProcessingStartTime", "ProcessingEndTime"))
    return None if start is None or end is None else end - start


def _epoch(value: object) -> float | None:
    """Read a time: boto3's datetime, or the epoch milliseconds that ``.sync`` gives."""
    if isinstance(value, datetime):
        return value.timestamp()
    number = _number(value)
    return None if number is None else number / 1000


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: object) -> float | None:
    """Read a number that can be counted with: neither endless nor beyond what a float holds."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if abs(value) < _COUNTABLE else None
