"""The SageMaker client: what became of a run's Processing job."""

from typing import Any

from landrun.adapters.clients import except_for, translated
from landrun.models.processing_job import ProcessingJob, requested_job_name

_UNKNOWN = ("ValidationException", "ResourceNotFound")
"""SageMaker's error codes for a job that it does not know."""

_AT_WORK = frozenset({"InProgress", "Stopping"})


class ProcessingJobs:
    """Processing jobs of the account, through boto3's client of SageMaker."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, name: str) -> ProcessingJob:
        """Describe one job."""
        with translated("sagemaker:DescribeProcessingJob"):
            answer = self._client.describe_processing_job(ProcessingJobName=name)
            return ProcessingJob.model_validate(answer)

    def find(self, name: str) -> ProcessingJob | None:
        """Describe one job; None if SageMaker does not know it."""
        with except_for(*_UNKNOWN):
            return self.describe(name)
        return None

    def at_work(self, history: list[dict[str, Any]]) -> bool:
        """Return True if the job that an execution asked for last runs, or is being stopped.

        ``history`` has events of GetExecutionHistory, the newest first.
        """
        name = next(filter(None, map(requested_job_name, history)), None)
        job = self.find(name) if name else None
        return job is not None and job.ProcessingJobStatus in _AT_WORK
