"""Processing jobs in moto's SageMaker that take their time.

moto marks a job ``Completed`` the moment it is created and accepts a name twice. Here a job is
``InProgress`` while it runs in the background, then ``Completed``, ``Failed`` or ``Stopped``.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import SagemakerClientError
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_job.job import Order, Outcome
from landrun_ops.local.processing_job.request import violations
from landrun_ops.local.settings import ACCOUNT, REGION
from landrun_ops.units import count

_log = logging.getLogger(__name__)


class ProcessingJob:
    """A job, where moto keeps its own; ``response_object`` is what Describe answers."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.processing_job_name = request["ProcessingJobName"]
        self.arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/{self.processing_job_name}"
        self.tags = request.get("Tags", [])
        cluster = request["ProcessingResources"]["ClusterConfig"]
        self.instances = cluster.get("InstanceType"), cluster.get("InstanceCount", 1)
        self.order = Order(request, self.arn, self.started)
        self.ended = threading.Event()
        self.processing_job_status = "InProgress"
        self.creation_time = self.last_modified_time = utcnow()
        self.processing_end_time: datetime | None = None
        self._more: dict[str, Any] = {}

    def started(self) -> None:
        """Note that inputs are in and the script runs."""
        self.last_modified_time = utcnow()
        self._more = {"ProcessingStartTime": self.last_modified_time}

    def end(self, outcome: Outcome) -> None:
        """Note how it ended, all at once: nobody sees half of it."""
        self.processing_end_time = self.last_modified_time = utcnow()
        end = {
            "ProcessingJobStatus": outcome.status,
            "ProcessingEndTime": self.processing_end_time,
            "FailureReason": outcome.failure_reason,
            "ExitMessage": outcome.exit_message,
        }
        known = {name: value for name, value in end.items() if value is not None}
        self._more = {**self._more, **known}
        self.processing_job_status = outcome.status
        self.ended.set()

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeProcessingJob's answer."""
        return {
            "ProcessingJobArn": self.arn,
            **{name: value for name, value in self.order.request.items() if name != "Tags"},
            "ProcessingJobStatus": self.processing_job_status,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            **self._more,
        }


class ProcessingJobs:
    """All jobs of the laptop's SageMaker; ``run`` runs one, in a thread of its own.

    ``quota`` is the most instances of one type at once; None for no limit, 0 to refuse every job.
    """

    def __init__(self, run: Callable[[Order], Outcome], quota: int | None = None) -> None:
        self.quota = quota
        self._run = run
        self._lock = threading.Lock()
        self._threads: dict[ProcessingJob, threading.Thread] = {}

    def create(self, request: Mapping[str, Any]) -> ProcessingJob:
        """Start a job. Raises SagemakerClientError, in SageMaker's words, when it is refused."""
        if problems := violations(request):
            found = f"{count(len(problems), 'validation error')} detected: {'; '.join(problems)}"
            raise SagemakerClientError("ValidationException", found)
        jobs = sagemaker_backends[ACCOUNT][REGION].processing_jobs
        with self._lock:
            job = ProcessingJob(request)
            self._refuse(job, jobs.get(job.processing_job_name))
            jobs[job.processing_job_name] = job
            thread = threading.Thread(target=self._work, args=(job,), daemon=True)
            self._threads[job] = thread
            thread.start()
        return job

    def stop(self, job: ProcessingJob) -> None:
        """Ask a running job to end; one that has ended stays as it is."""
        with self._lock:
            if not job.ended.is_set():
                job.processing_job_status = "Stopping"
                job.order.stop.set()

    def close(self, seconds: float) -> None:
        """Stop every job, outputs not uploaded, and wait for their threads."""
        with self._lock:
            running = dict(self._threads)
        for job in running:
            job.order.abandon.set()
            self.stop(job)
        deadline = time.monotonic() + seconds
        for job, thread in running.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                _log.error("%s: the job does not end", job.processing_job_name)

    def _work(self, job: ProcessingJob) -> None:
        try:
            outcome = self._run(job.order)
        except Exception as error:
            reason = f"InternalServerError: {type(error).__name__}: {error}"
            outcome = Outcome("Failed", reason)
            # A full disk is no news of this code's: one line says it.
            trace = not isinstance(error, OSError)
            _log.error("%s: %s", job.processing_job_name, reason, exc_info=trace)
        with self._lock:
            job.end(outcome)
            self._threads.pop(job, None)

    def _refuse(self, job: ProcessingJob, namesake: ProcessingJob | None) -> None:
        if namesake is not None:
            raise SagemakerClientError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this "
                f"name already exists ({namesake.arn})",
            )
        kind, wanted = job.instances
        used = sum(other.instances[1] for other in self._threads if other.instances[0] == kind)
        if self.quota is not None and used + wanted > self.quota:
            raise SagemakerClientError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind} for processing job usage' is "
                f"{self.quota} Instances, with current utilization of {used} Instances and a "
                f"request delta of {wanted} Instances. Please use AWS Service Quotas to request "
                "an increase for this quota.",
            )


def patch(patches: Patches, jobs: ProcessingJobs) -> None:
    """Let moto's CreateProcessingJob and StopProcessingJob go to ``jobs``."""

    def create_processing_job(self: Any) -> ActionResult:
        return ActionResult({"ProcessingJobArn": jobs.create(json.loads(self.body)).arn})

    def stop_processing_job(self: Any, processing_job_name: str) -> None:
        status = self.describe_processing_job(processing_job_name)["ProcessingJobStatus"]
        job = self.processing_jobs[processing_job_name]
        if job.ended.is_set():
            raise SagemakerClientError(
                "ValidationException",
                f"The request was rejected because the processing job is in status {status}.",
            )
        jobs.stop(job)

    patches.set(SageMakerResponse, "create_processing_job", create_processing_job)
    patches.set(SageMakerModelBackend, "stop_processing_job", stop_processing_job)
