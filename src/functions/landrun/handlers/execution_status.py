"""An execution changed status: record it, and tell when it failed; or it asks for its turn.

Lambda behind the status queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from landrun import clients
from landrun.admitting import Admission
from landrun.clock import utc_now
from landrun.deadletters import DeadLetters
from landrun.executions import Executions
from landrun.handlers.batches import process_batch
from landrun.jobs import ProcessingJobs
from landrun.ledger import Ledger
from landrun.notifications import Notifications
from landrun.outputs import Outputs
from landrun.recording import Recorder
from landrun.settings import ExecutionStatusSettings
from landrun.status import TurnAsked, parse_message
from landrun.telemetry import Telemetry
from landrun.turns import Turns


@dataclass(frozen=True)
class ExecutionStatus:
    """What the handler needs, and what it does with one message and with a batch."""

    recorder: Recorder
    admission: Admission
    dead_letters: DeadLetters
    telemetry: Telemetry

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Process a batch of the status queue; answer with the messages to bring again."""
        return process_batch(event, context, self.process, self.dead_letters, self.telemetry)

    def process(self, body: str) -> None:
        """Record the status change of one message, or let a run wait for its turn."""
        message = parse_message(body)
        self.telemetry.run(message.name)
        if isinstance(message, TurnAsked):
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
    turns = Turns(client("dynamodb"), settings.turns_table)
    recorder = Recorder(
        executions=executions,
        jobs=jobs,
        outputs=Outputs(client("s3")),
        ledger=Ledger(client("dynamodb"), settings.runs_table),
        notifications=Notifications(client("sns"), settings.notifications_topic_arn),
        telemetry=telemetry,
        clock=clock,
    )
    dead_letters = DeadLetters(partial(client, "sqs"), settings.dead_letter_queue_url)
    admission = Admission(turns, executions, jobs, telemetry, settings.max_concurrent_runs, clock)
    return ExecutionStatus(recorder, admission, dead_letters, telemetry)


@lru_cache
def dependencies() -> ExecutionStatus:
    """Build what the handler needs, once, from the environment."""
    return build(ExecutionStatusSettings.from_environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
