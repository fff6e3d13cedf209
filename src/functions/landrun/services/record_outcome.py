"""Record the outcome of a run, and notify of a failure once.

The record is completed with what the Processing job says and what lies under the output URI. The
write that records a failure also notes that its notification is pending. If the function dies
before it has published, the redelivered event, the run's next event or `reconcile` finds the
notification overdue and sends it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from landrun.adapters.job_logs import JobLogs
from landrun.adapters.notifications import Notifications, failure_message, failure_subject
from landrun.adapters.outputs import Outputs
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.errors import InvalidS3Uri, NotificationPending, ServiceError
from landrun.models.job_log import failure_in
from landrun.models.processing_job import ProcessingJob, job_in, submitted_job_name
from landrun.models.run_record import NOTIFICATION_PENDING, RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import StatusChange
from landrun.observability import count, count_by

LEASE = timedelta(minutes=2)
"""How long a process that has claimed a notification may take: twice the function's timeout."""

_NEVER_READABLE = frozenset(
    {
        "AccessDenied",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "InvalidBucketName",
        "KeyTooLongError",
        "NoSuchBucket",
        "ParamValidationError",
        "PermanentRedirect",
    }
)
"""S3's errors that a retry does not help: a run by hand may use any bucket."""


@dataclass(frozen=True)
class OutcomeRecorder:
    """Writes the records of runs to the runs table; landrun's manifests lie under ``manifests``."""

    executions: Executions
    jobs: ProcessingJobs
    job_logs: JobLogs
    outputs: Outputs
    runs_table: RunsTable
    notifications: Notifications
    manifests: S3Uri
    logger: Logger
    clock: Callable[[], datetime]

    def record(self, change: StatusChange) -> bool:
        """Write the record of a status change and, if it is a new failure, notify.

        False if the stored record is as new as this one. Raises NotificationPending when the run's
        earlier failure has to be notified of first; ServiceError when AWS refuses a call; recording
        again is safe.
        """
        record = self._complete(change)
        stored = self.runs_table.write(record)
        if stored and stored.is_older_than(record):  # its pending notification is in the way
            if not self.notify_if_overdue(stored):
                raise NotificationPending(
                    f"the notification of {stored.name}'s earlier failure is pending: retry later"
                )
            stored = self.runs_table.write(record)
        if stored and not _is_same_write(stored, record):
            count("StatusChangesSuperseded")
            self.logger.info("status change superseded", extra={"status": record.status})
            self.notify_if_overdue(stored)
            return False
        self._report(record)
        if record.notification_is_pending:
            self._notify(record)
        return True

    def notify_if_overdue(self, record: RunRecord) -> bool:
        """Notify of a failure if the process that recorded it has not done so in time.

        False if no notification is overdue, or if another process has claimed it. Raises
        ServiceError when AWS refuses a call; the notification stays pending.
        """
        due_at = record.notification_due_at
        if not record.notification_is_pending or due_at is None or due_at > self._in(timedelta()):
            return False
        claimed_until = self._in(LEASE)
        if not self.runs_table.claim_notification(record, claimed_until):
            return False
        self._notify(record.model_copy(update={"notification_due_at": claimed_until}))
        return True

    def _notify(self, record: RunRecord) -> None:
        """Publish; if SNS refuses, the notification is overdue at once for the next attempt."""
        try:
            self.notifications.publish(failure_subject(record), failure_message(record))
        except ServiceError:
            self.runs_table.claim_notification(record, self._in(timedelta()))
            raise
        self.runs_table.mark_notified(record)

    def _in(self, time: timedelta) -> str:
        return (self.clock() + time).isoformat(timespec="microseconds")

    def _complete(self, change: StatusChange) -> RunRecord:
        """Make the record of a status change, with all that AWS knows of the run."""
        if change.left_out:
            # Step Functions forgets an execution after 90 days. The event alone has to do then.
            change = change.completed(self.executions.find(change.executionArn) or {})
        record = self._with_input_matches(RunRecord.from_status_change(change))
        if not change.ended:
            return record
        if job := self._job(change):
            record = self._with_failure(record.with_job(job), job)
        record = self._with_output(record)
        if change.status == "SUCCEEDED":
            return record
        pending = {"unfinished": NOTIFICATION_PENDING, "notification_due_at": self._in(LEASE)}
        return record.model_copy(update=pending)

    def _with_input_matches(self, record: RunRecord) -> RunRecord:
        """Add other objects that the job reads because the input is a prefix of their keys."""
        uri = record.input_message or ""
        if not uri or uri.endswith("/") or uri.startswith(str(self.manifests)):
            return record
        try:
            matches = self.outputs.keys_that_begin_with(S3Uri.parse(uri))
        except (InvalidS3Uri, ServiceError) as error:
            if _may_pass(error):
                raise
            return record
        return record.model_copy(update={"input_also_matches": matches})

    def _job(self, change: StatusChange) -> ProcessingJob | None:
        """Find the job of this attempt in its output or cause, otherwise through its history."""
        if job := job_in(change):
            return job
        history = self.executions.last_tasks(change.executionArn)
        name = submitted_job_name(history, change.redriveCount)
        return self.jobs.find(name) if name else None

    def _with_failure(self, record: RunRecord, job: ProcessingJob) -> RunRecord:
        """Add the error in the job's log, if nothing else says why the job failed.

        A log that cannot be read yet, or at all, does not keep the failure from the record.
        """
        if not job.failed_without_reason:
            return record
        try:
            tails = self.job_logs.tails(job.ProcessingJobName)
        except ServiceError as error:
            self.logger.warning("the job's log was not read", extra={"problem": str(error)})
            return record
        reason = job.FailureReason or "the job failed"
        found = failure_in(tails, reason)
        return record.model_copy(update={"exit_message": found or record.exit_message})

    def _with_output(self, record: RunRecord) -> RunRecord:
        """Add what the run left under its output URI, or why that is not known."""
        if record.output_processed_message is None:
            return record
        try:
            under = S3Uri.parse(record.output_processed_message)
            objects, size, complete = self.outputs.measure(under)
            summary = self.outputs.summary(under)
        except (InvalidS3Uri, ServiceError) as error:
            if _may_pass(error):
                raise
            return record.model_copy(update={"output_problem": str(error)})
        problem = None if complete else f"counted the first {objects} objects only"
        return record.model_copy(
            update={
                "output_objects": objects,
                "output_bytes": size,
                "output_problem": problem,
                "summary": summary,
            }
        )

    def _report(self, record: RunRecord) -> None:
        count_by("Executions", "Status", record.status)
        if record.duration_seconds is not None:
            Metrics().add_metric("RunDuration", MetricUnit.Seconds, record.duration_seconds)
        self.logger.info("status change recorded", extra={"status": record.status})
        if record.input_also_matches:
            self.logger.warning(
                "the job also reads other objects whose keys begin with its input's key",
                extra={"input": record.input_message, "others": record.input_also_matches},
            )


def _may_pass(error: InvalidS3Uri | ServiceError) -> bool:
    """Return True if the same call may succeed later."""
    return isinstance(error, ServiceError) and error.code not in _NEVER_READABLE


def _is_same_write(stored: RunRecord, record: RunRecord) -> bool:
    """Return True if the stored record is this very write: botocore repeats calls without answer.

    The first write then makes the condition of the second one fail.
    """
    due_at = record.notification_due_at
    return due_at is not None and stored.notification_due_at == due_at
