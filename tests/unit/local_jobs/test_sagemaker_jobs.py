"""The register of jobs, with a runner of this test's own."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from moto.sagemaker.exceptions import SagemakerClientError

from landrun_ops.local.processing_job import Order, Outcome
from landrun_ops.local.sagemaker_jobs import ProcessingJob, ProcessingJobs


def request(**more: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": f"job-{uuid.uuid4().hex}",
        "RoleArn": "arn:aws:iam::123456789012:role/processing",
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["python3", "x.py"]},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 2,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 30,
            }
        },
        **more,
    }


class Held:
    """Runs each job until it is stopped or let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self, order: Order) -> Outcome:
        order.started()
        while not self.go.wait(0.005):
            if order.stop.is_set():
                return Outcome("Stopped")
        return Outcome("Completed", None, "done")


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.go.set()


def create(jobs: ProcessingJobs, **more: Any) -> ProcessingJob:
    return jobs.create("123456789012", "us-east-1", request(**more))


def test_description_of_a_job_grows_with_it(held: Held) -> None:
    jobs = ProcessingJobs(held)
    job = create(jobs, Tags=[{"Key": "a", "Value": "b"}])
    assert job.response_object["ProcessingJobStatus"] == "InProgress"
    held.go.set()
    assert job.ended.wait(30)
    described = job.response_object
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ExitMessage"] == "done"
    assert described["ProcessingStartTime"] <= described["ProcessingEndTime"]
    assert "Tags" not in described
    assert job.tags == [{"Key": "a", "Value": "b"}]


def test_stop_goes_by_stopping(held: Held) -> None:
    jobs = ProcessingJobs(held)
    job = create(jobs)
    jobs.stop(job)
    assert job.processing_job_status in ("Stopping", "Stopped")
    assert job.ended.wait(30)
    assert job.processing_job_status == "Stopped"
    jobs.stop(job)
    assert job.processing_job_status == "Stopped"


def test_runner_that_breaks_is_a_failed_job_and_a_logged_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(order: Order) -> Outcome:
        raise RuntimeError("no disk")

    with caplog.at_level(logging.ERROR):
        job = create(ProcessingJobs(broken))
        assert job.ended.wait(30)
    assert job.response_object["ProcessingJobStatus"] == "Failed"
    assert "RuntimeError: no disk" in job.response_object["FailureReason"]
    assert "processing job broke" in caplog.text


def test_quota_counts_instances_of_the_type(held: Held) -> None:
    jobs = ProcessingJobs(held, quota=3)
    create(jobs)
    with pytest.raises(SagemakerClientError, match="utilization of 2 Instances and a request"):
        create(jobs)
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
    create(jobs, ProcessingResources={"ClusterConfig": cluster})


def test_refused_job_leaves_its_name_free(held: Held) -> None:
    jobs = ProcessingJobs(held, quota=0)
    with pytest.raises(SagemakerClientError):
        create(jobs, ProcessingJobName="again")
    jobs.quota = None
    assert create(jobs, ProcessingJobName="again").arn.endswith("/again")


def test_close_stops_every_job_and_its_thread(held: Held) -> None:
    jobs = ProcessingJobs(held)
    running = [create(jobs) for _ in range(3)]
    jobs.close(5)
    assert [job.processing_job_status for job in running] == ["Stopped"] * 3
    assert not [t for t in threading.enumerate() if t.name.startswith("job-")]
