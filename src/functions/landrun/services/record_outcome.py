"""Record what became of an execution, and tell of failures: once for each.

The row is completed with what the Processing job says and what lies under the output URI. Only a
write that takes the record further notifies. It also leaves a note in the row that the failure is
to be told, in the same write: whoever finds the note overdue tells it, so that a function that
dies between writing and publishing loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from landrun.adapters.notifications import Notifications, failure_message, failure_subject
from landrun.adapters.outputs import Outputs
from landrun.adapters.runs_table import RUNNING, UNTOLD, RunsTable
from landrun.adapters.sagemaker import ProcessingJobs, job_in, job_row, submitted_job_name
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import InvalidS3Uri, NotificationPending, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import StatusChange, row
from landrun.observability import Metric, count, count_by

LEASE = timedelta(minutes=2)
"""How long the telling of a failure is left to whoever took it: twice the function's timeout."""

OUT_OF_REACH = frozenset(
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
"""S3's errors that no retry mends: a run by hand may write to a bucket that is not the stack's."""


@dataclass(frozen=True)
class OutcomeRecorder:
    """Writes the ledger's rows of status changes."""

    executions: Executions
    jobs: ProcessingJobs
    outputs: Outputs
    runs_table: RunsTable
    notifications: Notifications
    logger: Logger
    metrics: Metric
    clock: Callable[[], datetime] = utc_now

    def record(self, change: StatusChange) -> bool:
        """Write the row of a change and, when it took the record further, say so.

        Returns
        -------
        bool
            Whether it did.

        Raises
        ------
        NotToldYet
            When an earlier failure of the run has to be told first.
        ServiceError
            When AWS refuses a call; recording again is safe.
        """
        found = self._row(change)
        stands = self.runs_table.record(found)
        if stands is not None and _behind(stands, found):
            self._tell_first(stands)
            stands = self.runs_table.record(found)
        if stands is not None and not _same(stands, found):
            count(self.metrics, "StatusChangesSuperseded")
            self.logger.info("status known", extra={"status": change.status})
            self.tell_overdue(stands)
            return False
        self._measured(found)
        self.logger.info("status recorded", extra={"status": change.status})
        if found.get("unfinished") == UNTOLD:
            self._tell(found)
        return True

    def tell_overdue(self, found: dict[str, Any]) -> bool:
        """Tell a failure that whoever recorded it has not told in time; False if none is overdue.

        Raises
        ------
        ServiceError
            When AWS refuses a call; the failure stays to be told.
        """
        due_at = found.get("notification_due_at")
        if found.get("unfinished") != UNTOLD or due_at is None or due_at > self._in(timedelta()):
            return False
        taken = self._in(LEASE)
        if not self.runs_table.take_notification(found, taken):
            return False
        self._tell(found | {"notification_due_at": taken})
        return True

    def _tell_first(self, stands: dict[str, Any]) -> None:
        if not self.tell_overdue(stands):
            raise NotificationPending(
                f"the failure of {stands['name']} is being told: its record waits"
            )

    def _tell(self, found: dict[str, Any]) -> None:
        """Publish, then take the note away; when SNS refuses, let the next attempt come at once."""
        try:
            self.notifications.publish(failure_subject(found), failure_message(found))
        except ServiceError:
            self.runs_table.take_notification(found, self._in(timedelta()))
            raise
        self.runs_table.told(found)

    def _in(self, time: timedelta) -> str:
        return (self.clock() + time).isoformat(timespec="microseconds")

    def _row(self, change: StatusChange) -> dict[str, Any]:
        if change.left_out:
            change = change.completed(self._execution(change.executionArn))
        found = row(change)
        if not change.ended:
            return found | {"unfinished": RUNNING}
        found |= self._job(change) | self._output(found.get("output_processed_message"))
        if change.status == "SUCCEEDED":
            return found
        return found | {"unfinished": UNTOLD, "notification_due_at": self._in(LEASE)}

    def _execution(self, arn: str) -> dict[str, Any]:
        """Describe an execution; of one that Step Functions has forgotten, nothing is known."""
        return self.executions.find(arn) or {}

    def _job(self, change: StatusChange) -> dict[str, Any]:
        job = job_in(change)
        if job is None:
            name = submitted_job_name(self.executions.last_tasks(change.executionArn))
            job = (self.jobs.find(name) or {"ProcessingJobName": name}) if name else {}
        return job_row(job)

    def _output(self, uri: object) -> dict[str, Any]:
        if not isinstance(uri, str):
            return {}
        try:
            return self._left_under(S3Uri.parse(uri))
        except InvalidS3Uri as error:
            return {"output_problem": str(error)}
        except ServiceError as error:
            if error.code not in OUT_OF_REACH:
                raise
            return {"output_problem": str(error)}

    def _left_under(self, under: S3Uri) -> dict[str, Any]:
        size = self.outputs.measure(under)
        summary = self.outputs.summary(under)
        found: dict[str, Any] = {"output_objects": size.objects, "output_bytes": size.bytes}
        if not size.complete:
            found["output_problem"] = f"counted the first {size.objects} objects only"
        return found | ({"summary": summary} if summary else {})

    def _measured(self, found: dict[str, Any]) -> None:
        count_by("Executions", "Status", found["status"])
        if "duration_seconds" in found:
            self.metrics.add_metric(
                name="RunDuration", unit=MetricUnit.Seconds, value=found["duration_seconds"]
            )


def _behind(stands: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether what stands should have been overwritten: then an untold failure was in the way."""
    return _far(stands) < _far(found)


def _far(found: dict[str, Any]) -> tuple[int, int]:
    return (int(found["redrive_count"]), int(found["status_rank"]))


def _same(stands: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether what stands is this very write, whose answer was lost and which was tried again."""
    due_at = found.get("notification_due_at")
    return due_at is not None and stands.get("notification_due_at") == due_at
