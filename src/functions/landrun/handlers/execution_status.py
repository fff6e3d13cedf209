"""An execution changed status: record it, and tell when it failed.

Lambda behind the status queue. The row is completed with what the Processing job says and what
lies under the output URI; only a write that takes the record further notifies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from landrun.clients import client
from landrun.contract import S3Uri
from landrun.deadletters import DeadLetters
from landrun.errors import InvalidS3Uri, ServiceError
from landrun.executions import Executions
from landrun.handlers.batches import process_batch
from landrun.jobs import ProcessingJobs, job_in, job_row, submitted_job_name
from landrun.ledger import Ledger
from landrun.notifications import Notifications, failure_message, failure_subject
from landrun.outputs import Outputs
from landrun.settings import ExecutionStatusSettings
from landrun.status import StatusChange, parse_status_change, row
from landrun.telemetry import Telemetry

OUT_OF_REACH = frozenset({"AccessDenied", "AllAccessDisabled", "NoSuchBucket", "PermanentRedirect"})
"""S3's errors that no retry mends: a run by hand may write to a bucket that is not the stack's."""

FORGOTTEN_EXECUTION = frozenset({"ExecutionDoesNotExist"})
"""Step Functions keeps a closed execution for 90 days; a message may have waited longer."""

UNKNOWN_JOB = frozenset({"ValidationException", "ResourceNotFound"})
"""How SageMaker answers for a job that it does not know."""

Known = TypeVar("Known")


def _nothing_if(error: ServiceError, codes: frozenset[str], nothing: Known) -> Known:
    """Go on with what is known when a look-up failed for good; else the message comes again."""
    if error.code not in codes:
        raise error
    return nothing


@dataclass(frozen=True)
class ExecutionStatus:
    """What the handler needs, and what it does with one message and with a batch."""

    executions: Executions
    jobs: ProcessingJobs
    outputs: Outputs
    ledger: Ledger
    notifications: Notifications
    dead_letters: DeadLetters
    telemetry: Telemetry

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Process a batch of the status queue; answer with the messages to bring again."""
        return process_batch(event, context, self.process, self.dead_letters, self.telemetry)

    def process(self, body: str) -> None:
        """Record the status change of one message."""
        change = parse_status_change(body)
        self.telemetry.run(change.name)
        self.record(change)

    def record(self, change: StatusChange) -> None:
        """Write the row of a change and, when it took the record further, say so."""
        if change.left_out:
            change = change.completed(self._execution(change.executionArn))
        found = row(change)
        if change.ended:
            found |= self._job(change) | self._output(found.get("output_processed_message"))
        if not self.ledger.record(found):
            self.telemetry.count("StatusChangesSuperseded")
            self.telemetry.logger.info("status known", extra={"status": change.status})
            return
        self._measured(found)
        self.telemetry.logger.info("status recorded", extra={"status": change.status})
        if change.ended and change.status != "SUCCEEDED":
            self.notifications.publish(failure_subject(found), failure_message(found))

    def _execution(self, arn: str) -> dict[str, Any]:
        """Describe an execution; of one that Step Functions has forgotten, nothing is known."""
        try:
            return self.executions.describe(arn)
        except ServiceError as error:
            return _nothing_if(error, FORGOTTEN_EXECUTION, {})

    def _job(self, change: StatusChange) -> dict[str, Any]:
        job = job_in(change)
        if job is None:
            name = submitted_job_name(self._history(change.executionArn))
            job = self._described(name) if name else {}
        return job_row(job)

    def _history(self, arn: str) -> list[dict[str, Any]]:
        try:
            return self.executions.last_tasks(arn)
        except ServiceError as error:
            return _nothing_if(error, FORGOTTEN_EXECUTION, [])

    def _described(self, name: str) -> dict[str, Any]:
        """Describe a job; of one that SageMaker never took, or has forgotten, the name remains."""
        try:
            return self.jobs.describe(name)
        except ServiceError as error:
            return _nothing_if(error, UNKNOWN_JOB, {"ProcessingJobName": name})

    def _output(self, uri: object) -> dict[str, Any]:
        if not isinstance(uri, str):
            return {}
        try:
            return self._left_under(S3Uri.parse(uri))
        except InvalidS3Uri as error:
            return {"output_problem": str(error)}
        except ServiceError as error:
            return _nothing_if(error, OUT_OF_REACH, {"output_problem": str(error)})

    def _left_under(self, under: S3Uri) -> dict[str, Any]:
        size = self.outputs.measure(under)
        summary = self.outputs.summary(under)
        counted = {"output_objects": size.objects, "output_bytes": size.bytes}
        return counted | ({"summary": summary} if summary else {})

    def _measured(self, found: dict[str, Any]) -> None:
        self.telemetry.count("Executions", "Status", found["status"])
        if "duration_seconds" in found:
            self.telemetry.duration("RunDuration", found["duration_seconds"])


@lru_cache
def dependencies() -> ExecutionStatus:
    """Build what the handler needs, once, from the environment."""
    settings = ExecutionStatusSettings.from_environment()
    return ExecutionStatus(
        executions=Executions(client("stepfunctions"), settings.state_machine_arn),
        jobs=ProcessingJobs(client("sagemaker")),
        outputs=Outputs(client("s3")),
        ledger=Ledger(client("dynamodb"), settings.runs_table),
        notifications=Notifications(client("sns"), settings.notifications_topic_arn),
        dead_letters=DeadLetters(client("sqs"), settings.dead_letter_queue_url),
        telemetry=Telemetry(),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
