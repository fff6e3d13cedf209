"""A run's record: one row of the runs table, which ``docs/reference/runs-table.md`` describes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, SkipValidation

from landrun.models.fields import Lenient, Text, Uri
from landrun.models.job_summary import is_count
from landrun.models.processing_job import ProcessingJob
from landrun.models.run import check_run_name
from landrun.models.status_change import RANKS, Status, StatusChange, timestamp
from landrun.sanitize import json_object, one_line

EXECUTION_RUNNING: Literal["execution"] = "execution"
NOTIFICATION_PENDING: Literal["notification"] = "notification"
"""Values of the attribute ``unfinished``: which step of a run is still pending."""

UNFINISHED = frozenset({"RUNNING", "PENDING_REDRIVE"})
"""Statuses after which more will come (Step Functions API, DescribeExecution)."""

OUTSIDE = {"Kind": "outside"}
"""The trigger of a run that somebody started by hand, outside landrun."""


RunName = Annotated[str, AfterValidator(check_run_name)]
JsonObject = SkipValidation[dict[str, Any]]
"""A JSON object that somebody else wrote: of any size and depth, with any names in it."""


class RunRecord(BaseModel):
    """One run. Unknown fields are None, and are not stored in the row."""

    model_config = ConfigDict(frozen=True)

    name: str
    execution_arn: str
    state_machine_arn: str
    status: Status
    redrive_count: int
    status_rank: int
    month: str
    started_at: str
    stopped_at: str | None = None
    duration_seconds: float | None = None
    trigger: JsonObject = {}
    rerun_of: Lenient[RunName] = None
    preprocessing_job_name: Uri = None
    input_message: Uri = None
    input_also_matches: tuple[str, ...] = ()
    output_processed_message: Uri = None
    output: str | None = None
    error: Text = None
    cause: Text = None
    job_name: str | None = None
    job_arn: Text = None
    exit_message: Text = None
    instance_seconds: float | None = None
    output_objects: int | None = None
    output_bytes: int | None = None
    output_problem: str | None = None
    summary: JsonObject = {}
    left_out: tuple[str, ...] = ()
    unfinished: Literal["execution", "notification"] | None = None
    notification_due_at: str | None = None

    @classmethod
    def from_status_change(cls, change: StatusChange) -> Self:
        """Make the record that a status change stands for."""
        given = json_object(change.input)
        trigger = given.get("Trigger")
        if not isinstance(trigger, dict):
            trigger = {} if change.input is None else OUTSIDE
        started_at = timestamp(change.startDate)
        record = {
            "name": change.name,
            "execution_arn": change.executionArn,
            "state_machine_arn": change.stateMachineArn,
            "status": change.status,
            "redrive_count": change.redriveCount,
            "status_rank": RANKS[change.status],
            "month": started_at[: len("2026-11")],
            "started_at": started_at,
            "trigger": trigger,
            "rerun_of": trigger.get("RerunOf"),
            "preprocessing_job_name": given.get("PreprocessingJobName"),
            "input_message": given.get("InputMessage"),
            "output_processed_message": given.get("OutputProcessedMessage"),
            "unfinished": EXECUTION_RUNNING,
        }
        return cls.model_validate(record | (_end(change) if change.ended else {}))

    @property
    def progress(self) -> tuple[int, int]:
        """How far the run is: a later attempt, then a later status, is further."""
        return self.redrive_count, self.status_rank

    def is_older_than(self, other: RunRecord) -> bool:
        """Return True if the run had not come as far as in the other record."""
        return self.progress < other.progress

    @property
    def notification_is_pending(self) -> bool:
        """Return True if nobody has been notified of the run's failure yet."""
        return self.unfinished == NOTIFICATION_PENDING

    @property
    def finished(self) -> bool:
        """Return True if the execution has ended."""
        return self.status not in UNFINISHED

    @property
    def succeeded(self) -> bool:
        """Return True if the execution has ended well."""
        return self.status == "SUCCEEDED"

    @property
    def started(self) -> datetime:
        """When the execution started, in UTC."""
        return datetime.fromisoformat(self.started_at)

    @property
    def stopped(self) -> datetime | None:
        """When the execution ended, in UTC; None while it runs."""
        return datetime.fromisoformat(self.stopped_at) if self.stopped_at else None

    @property
    def reason(self) -> str:
        """Why the run failed, in the words nearest to the reason, as one line; or empty.

        A stopped job does not know why; the call that stopped its execution may have said why.
        """
        jobs_word = None if self.status == "ABORTED" else self.exit_message
        return one_line(jobs_word or self.cause or self.error or "")

    def count(self, name: str) -> int | None:
        """Give one count of the job's summary: ``rows_in``, ``rows_out``, ``duplicates``, ….

        None where the summary, which is the job's own, has no such number.
        """
        number = self.summary.get(name)
        return number if is_count(number) else None

    @property
    def can_be_redriven(self) -> bool:
        """Return False if it succeeded, or a redrive would ask for a job name that is taken.

        SageMaker takes each name once, and some machines name the job as the run.
        """
        names = (self.name, self.preprocessing_job_name)
        named_as_the_run = self.job_name is not None and self.job_name in names
        name_is_taken = named_as_the_run or "ResourceInUse" in (self.error or "")
        return not (self.succeeded or name_is_taken)

    def with_job(self, job: ProcessingJob) -> Self:
        """Add the facts about the run's Processing job."""
        return self.model_copy(
            update={
                "job_name": job.ProcessingJobName,
                "job_arn": job.ProcessingJobArn,
                "exit_message": job.exit_message,
                "instance_seconds": job.instance_seconds,
            }
        )

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the row by name, without those that are not known."""
        return {name: value for name, value in self if value not in (None, (), {})}


def _end(change: StatusChange) -> dict[str, Any]:
    ended: dict[str, Any] = {
        "output": change.output,
        "error": change.error,
        "cause": change.cause,
        "unfinished": None,
    }
    if change.stopDate is not None:
        ended["stopped_at"] = timestamp(change.stopDate)
        ended["duration_seconds"] = (change.stopDate - change.startDate) / 1000
    return ended
