"""SageMaker Processing jobs: how AWS describes them, and which one an execution submitted.

Shapes: SageMaker API reference, "DescribeProcessingJob"; Step Functions API reference,
"HistoryEvent". A state machine of the user's own may put anything in their place.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import (
    AliasPath,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from landrun.models.fields import Lenient, Text
from landrun.models.status_change import StatusChange
from landrun.sanitize import json_object

JobName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", max_length=63)]
"""SageMaker API, CreateProcessingJob."""

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
"""Where SageMaker puts the logs of all Processing jobs (developer guide, "Log groups")."""

_INSTANCE_COUNT = AliasPath("ProcessingResources", "ClusterConfig", "InstanceCount")
_INSTANCE_TYPE = AliasPath("ProcessingResources", "ClusterConfig", "InstanceType")
_MAX_RUNTIME = AliasPath("StoppingCondition", "MaxRuntimeInSeconds")
_ACCEPTED = ("TaskSubmitted", "TaskSucceeded")
"""History events that say that SageMaker accepted a job: with ``.sync``, and without."""

_NO_REASON = re.compile(
    r"(\w+Error)?[:,\s]*(See job logs for more information)?[.,\s]*(exit code: -?\d+)?",
    re.IGNORECASE,
)
"""SageMaker's failure reasons without a reason, such as ``AlgorithmError: , exit code: 1``."""


class ProcessingJob(BaseModel):
    """A job as DescribeProcessingJob describes it, or the output or cause of a ``.sync`` task.

    The one has boto3's datetimes, the other epoch milliseconds.
    """

    model_config = ConfigDict(frozen=True)

    ProcessingJobName: JobName
    ProcessingJobArn: Text = None
    ProcessingJobStatus: Text = None
    ExitMessage: Text = None
    FailureReason: Text = None
    ProcessingStartTime: Lenient[AwareDatetime] = None
    ProcessingEndTime: Lenient[AwareDatetime] = None
    InstanceCount: Lenient[int] = Field(None, validation_alias=_INSTANCE_COUNT)
    InstanceType: Text = Field(None, validation_alias=_INSTANCE_TYPE)
    MaxRuntimeInSeconds: Lenient[int] = Field(None, validation_alias=_MAX_RUNTIME)

    @classmethod
    def from_json(cls, text: str | None) -> Self | None:
        """Read the output or cause of a ``.sync`` task; None if it describes no job."""
        try:
            return cls.model_validate(json_object(text))
        except ValidationError:
            return None

    @property
    def seconds(self) -> float | None:
        """How long the job ran; None if that is not known."""
        if self.ProcessingStartTime is None or self.ProcessingEndTime is None:
            return None
        return (self.ProcessingEndTime - self.ProcessingStartTime).total_seconds()

    @property
    def instance_seconds(self) -> float | None:
        """How long the job ran, times its instances; None if that is not known."""
        if self.seconds is None or self.InstanceCount is None:
            return None
        return round(self.seconds * self.InstanceCount, 3)

    @property
    def exit_message(self) -> str | None:
        """What the container or SageMaker says of the job's end; None if neither says anything."""
        said, limit = self.ExitMessage or self.FailureReason, self.MaxRuntimeInSeconds
        if said or self.ProcessingJobStatus != "Stopped":
            return said
        # SageMaker gives no reason of its own when it stops a job at its time limit.
        if limit and self.seconds is not None and self.seconds >= limit:
            return f"the job was stopped at its time limit of {limit} seconds (MaxRuntimeInSeconds)"
        return "the job was stopped"

    @property
    def failed_without_reason(self) -> bool:
        """Return True if the job failed, and neither the container nor SageMaker says why."""
        if self.ProcessingJobStatus != "Failed" or self.ExitMessage:
            return False
        return _NO_REASON.fullmatch((self.FailureReason or "").strip()) is not None


def job_in(change: StatusChange) -> ProcessingJob | None:
    """Find the job that an execution's end describes: its output, or the cause of its failure."""
    return ProcessingJob.from_json(change.output) or ProcessingJob.from_json(change.cause)


def requested_job_name(event: dict[str, Any]) -> str | None:
    """Return the name of the job that a history event asks for; None for any other event."""
    scheduled = event.get("taskScheduledEventDetails") or {}
    requested = ProcessingJob.from_json(scheduled.get("parameters"))
    return requested.ProcessingJobName if requested else None


def submitted_job_name(newest_first: Iterable[dict[str, Any]], redrive_count: int) -> str | None:
    """Return the name of the job that one attempt of an execution submitted last.

    None if the attempt asked for no job, or if SageMaker did not accept the one that it asked for
    last: an earlier job's end is not the end of the attempt then. ``redrive_count`` names the
    attempt: 0 until the first redrive.
    """
    accepted = False
    for event in _events_of_attempt(newest_first, redrive_count):
        accepted = accepted or event.get("type") in _ACCEPTED
        if event.get("type") == "TaskScheduled":
            if name := requested_job_name(event):
                return name if accepted else None
            accepted = False
    return None


def _events_of_attempt(
    newest_first: Iterable[dict[str, Any]], redrive_count: int
) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for event in newest_first:
        redrive = event.get("executionRedrivenEventDetails")
        if redrive is None:
            events.append(event)
        elif redrive.get("redriveCount", 0) <= redrive_count:
            break
        else:  # what came after this event belongs to a later attempt
            events = []
    return events
