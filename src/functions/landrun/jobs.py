"""The door to SageMaker: what became of a run's Processing job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from landrun.clients import translated
from landrun.status import StatusChange, json_object


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


def job_in(change: StatusChange) -> dict[str, Any] | None:
    """Find the job's description in an execution's end, where ``.sync`` puts it.

    A success has it as output, a failed job as the JSON of its cause.
    """
    for text in (change.output, change.cause):
        found = json_object(text)
        if isinstance(found.get("ProcessingJobName"), str):
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
        if isinstance(name, str):
            return name
    return None


def job_row(job: dict[str, Any]) -> dict[str, Any]:
    """Make the ledger's attributes of a job; what is not known has none."""
    found = {
        "job_name": job.get("ProcessingJobName"),
        "job_arn": job.get("ProcessingJobArn"),
        "exit_message": job.get("ExitMessage") or job.get("FailureReason") or _why_stopped(job),
        "instance_seconds": _instance_seconds(job),
    }
    return {name: value for name, value in found.items() if value is not None}


def _why_stopped(job: dict[str, Any]) -> str | None:
    """Say why a job has stopped; SageMaker gives no reason when the time limit did it."""
    if job.get("ProcessingJobStatus") != "Stopped":
        return None
    limit = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    seconds = _seconds(job)
    if limit and seconds is not None and seconds >= limit:
        return f"the job was stopped at its time limit of {limit} seconds (MaxRuntimeInSeconds)"
    return "the job was stopped"


def _instance_seconds(job: dict[str, Any]) -> float | None:
    seconds = _seconds(job)
    cluster = job.get("ProcessingResources", {}).get("ClusterConfig", {})
    return None if seconds is None else round(seconds * int(cluster.get("InstanceCount", 1)), 3)


def _seconds(job: dict[str, Any]) -> float | None:
    start, end = (_epoch(job.get(field)) for field in ("ProcessingStartTime", "ProcessingEndTime"))
    return None if start is None or end is None else end - start


def _epoch(value: object) -> float | None:
    """Read a time: boto3's datetime, or the epoch milliseconds that ``.sync`` gives."""
    if isinstance(value, datetime):
        return value.timestamp()
    return value / 1000 if isinstance(value, (int, float)) else None
