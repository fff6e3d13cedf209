"""An execution changed status: record it, and tell when it failed; or it asks for its turn.

Lambda behind the status queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from landrun.adapters import clients
from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.adapters.dead_letters import DeadLetters
from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.handlers.batches import process_batch
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import SlotRequest, parse_message
from landrun.observability import Telemetry
from landrun.services.limit_concurrency import ConcurrencyLimiter
from landrun.services.record_outcome import OutcomeRecorder
from landrun.settings import ExecutionStatusSettings


@dataclass(frozen=True)
class ExecutionStatus:
    """What the handler needs, and what it does with one message and with a batch."""

    recorder: OutcomeRecorder
    admission: ConcurrencyLimiter
    dead_letters: DeadLetters
    telemetry: Telemetry

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Process a batch of the status queue; answer with the messages to bring again."""
        return process_batch(event, context, self.process, self.dead_letters, self.telemetry)

    def process(self, body: str) -> None:
        """Record the status change of one message, or let a run wait for its turn."""
        message = parse_message(body)
        self.telemetry.run(message.name)
        if isinstance(message, SlotRequest):
            self.admission.ask(message)
            return
        try:
            self.admission.follow(message)
        finally:  # neither is to wait for the other
            self.recorder.record(message)


def build(
    settings: ExecutionStatusSettings,
    client: Callable[[str], Any] = clients.client,
    *,
    clock: Callable[[], datetime] = utc_now,
    telemetry: Telemetry | None = None,
) -> ExecutionStatus:
    """Build what the handler needs; ``client`` gives boto3's client of a service."""
    telemetry = telemetry or Telemetry()
    executions = Executions(client("stepfunctions"), settings.state_machine_arn)
    jobs = ProcessingJobs(client("sagemaker"))
    turns = ConcurrencyTable(client("dynamodb"), settings.concurrency_table)
    recorder = OutcomeRecorder(
        executions=executions,
        jobs=jobs,
        outputs=Outputs(client("s3")),
        runs_table=RunsTable(client("dynamodb"), settings.runs_table),
        notifications=Notifications(client("sns"), settings.notifications_topic_arn),
        manifests=S3Uri(settings.output_bucket, settings.manifest_prefix),
        logger=telemetry.logger,
        metrics=telemetry.metrics,
        clock=clock,
    )
    dead_letters = DeadLetters(partial(client, "sqs"), settings.dead_letter_queue_url)
    admission = ConcurrencyLimiter(
        turns, executions, jobs, telemetry, settings.max_concurrent_runs, clock
    )
    return ExecutionStatus(recorder, admission, dead_letters, telemetry)


@lru_cache
def dependencies() -> ExecutionStatus:
    """Build what the handler needs, once, from the environment."""
    return build(ExecutionStatusSettings.from_environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
