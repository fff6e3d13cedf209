"""Processing jobs: one that SageMaker does not know is None, and none is at work then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.sagemaker import ProcessingJobs


class SageMaker:
    """SageMaker's client, with the status of each job that it knows."""

    def __init__(self, **jobs):
        self.jobs = jobs

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803
        if ProcessingJobName not in self.jobs:
            code = {"Code": "ValidationException", "Message": "no such job"}
            raise ClientError({"Error": code}, "DescribeProcessingJob")
        status = self.jobs[ProcessingJobName]
        return {"ProcessingJobName": ProcessingJobName, "ProcessingJobStatus": status}


@pytest.mark.parametrize(
    ("jobs", "at_work"),
    [
        ({"last": "InProgress", "first": "Completed"}, True),
        ({"last": "Stopping"}, True),
        ({"last": "Stopped", "first": "InProgress"}, False),
        ({"first": "InProgress"}, False),
    ],
)
def test_the_job_that_an_execution_asked_for_last_is_at_work_until_it_has_stopped(jobs, at_work):
    sagemaker = ProcessingJobs(SageMaker(**jobs))
    history: list[dict[str, Any]] = [{"type": "TaskStarted"}]
    for name in ("last", "first"):
        parameters = json.dumps({"ProcessingJobName": name})
        history.append({"taskScheduledEventDetails": {"parameters": parameters}})
    assert sagemaker.at_work(history) is at_work
    assert not sagemaker.at_work([])
    assert (sagemaker.find("last") is None) == ("last" not in jobs)
