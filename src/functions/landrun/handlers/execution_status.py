"""An execution changed status: record its outcome, and release or give concurrency slots.

Lambda polls the status queue. EventBridge sends status changes to it, and state machines send
their requests for a concurrency slot (``MaxConcurrentRuns``).
"""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from landrun.adapters.clients import client
from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.adapters.dead_letters import DeadLetters
from landrun.adapters.job_logs import JobLogs
from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.handlers.reporting import message_errors
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import SlotRequest, StatusChange, parse_message
from landrun.observability import create_logger, create_metrics
from landrun.services.limit_concurrency import ConcurrencyLimiter
from landrun.services.record_outcome import OutcomeRecorder
from landrun.settings import ExecutionStatusSettings

settings = ExecutionStatusSettings.load()
logger = create_logger()
metrics = create_metrics()
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

dynamodb = client("dynamodb")
dead_letters = DeadLetters(client("sqs"), settings.dead_letter_queue_url)
executions = Executions(client("stepfunctions"), settings.state_machine_arn)
jobs = ProcessingJobs(client("sagemaker"))
job_logs = JobLogs(client("logs"))
recorder = OutcomeRecorder(
    executions=executions,
    jobs=jobs,
    job_logs=job_logs,
    outputs=Outputs(client("s3")),
    runs_table=RunsTable(dynamodb, settings.runs_table),
    notifications=Notifications(client("sns"), settings.notifications_topic_arn),
    manifests=S3Uri(settings.output_bucket, settings.manifest_prefix),
    logger=logger,
    clock=utc_now,
)
limiter = ConcurrencyLimiter(
    table=ConcurrencyTable(dynamodb, settings.concurrency_table),
    executions=executions,
    jobs=jobs,
    logger=logger,
    limit=settings.max_concurrent_runs,
    clock=utc_now,
)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Process a batch of the status queue, in order."""
    job_logs.start_batch()
    return process_partial_response(event, process_message, processor, context)


def process_message(record: SQSRecord) -> None:
    """Record one status change, or take one request for a slot."""
    with message_errors(record.body, dead_letters, logger):
        message = parse_message(record.body)
        with logger.append_context_keys(run=message.name):
            if isinstance(message, SlotRequest):
                limiter.request_slot(message)
            else:
                follow_status(message)


def follow_status(change: StatusChange) -> None:
    """Record the change, then free or give slots: a failure of one does not stop the other."""
    try:
        recorder.record(change)
    finally:
        limiter.execution_changed(change)
