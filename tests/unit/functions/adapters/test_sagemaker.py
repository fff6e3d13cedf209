"""Processing jobs: one that SageMaker does not know is None, every other refusal an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.sagemaker import ProcessingJobs
from landrun.errors import ServiceError


class SageMaker:
    """SageMaker's client, with jobs that are in a status or whose look-up has an error code."""

    def __init__(self, **jobs: str) -> None:
        self.jobs = jobs

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803
        said = self.jobs.get(ProcessingJobName, "ValidationException")
        if said.endswith("Exception") or said == "ResourceNotFound":
            raise ClientError({"Error": {"Code": said, "Message": ""}}, "DescribeProcessingJob")
        return {"ProcessingJobName": ProcessingJobName, "ProcessingJobStatus": said}


def test_only_a_job_that_sagemaker_does_not_know_is_none():
    jobs = ProcessingJobs(SageMaker(known="Failed", gone="ResourceNotFound", busy="Exception"))
    assert jobs.find("known").ProcessingJobName == "known"
    assert (jobs.find("gone"), jobs.find("never")) == (None, None)
    with pytest.raises(ServiceError, match="sagemaker:DescribeProcessingJob: Exception"):
        jobs.find("busy")


@pytest.mark.parametrize(
    ("status", "at_work"),
    [("InProgress", True), ("Stopping", True), ("Stopped", False), ("ResourceNotFound", False)],
)
def test_the_job_that_an_execution_asked_for_last_is_at_work_until_it_has_stopped(status, at_work):
    jobs = ProcessingJobs(SageMaker(last=status, first="InProgress" if not at_work else "Stopped"))
    history: list[dict[str, Any]] = [{"type": "TaskStarted"}]
    for name in ("last", "first"):
        parameters = json.dumps({"ProcessingJobName": name})
        history.append({"taskScheduledEventDetails": {"parameters": parameters}})
    assert jobs.at_work(history) is at_work
    assert not jobs.at_work([])
