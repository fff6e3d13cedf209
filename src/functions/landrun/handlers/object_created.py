"""Data landed in S3: start its run, or record the landing for the next tick.

Lambda polls the landing queue. A repeated message finds the run, or the record, that exists; one
that can never be processed goes to the dead-letter queue with its reason; one that fails is
reported as a batch item failure, and SQS delivers it again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    EventType,
    async_process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from landrun.adapters.clients import client
from landrun.adapters.dead_letters import DeadLetters
from landrun.adapters.landings_table import LandingsTable, Recorded
from landrun.adapters.manifests import Manifests
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import OtherEvent
from landrun.handlers.reporting import message_errors, report_ignored, report_started
from landrun.models.events import parse_object_created
from landrun.models.landing import Landing, check_key
from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun.observability import count, create_logger, create_metrics
from landrun.services.start_run import RunStarter
from landrun.settings import ObjectCreatedSettings

BATCH_SIZE = 10
"""Messages of one batch (template.yaml, ``BatchSize``). All of them overlap."""

Result = TypeVar("Result")

settings = ObjectCreatedSettings.load()
logger = create_logger()
metrics = create_metrics()
processor = AsyncBatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
threads = ThreadPoolExecutor(BATCH_SIZE)

landing_filter = settings.filter(settings.landing_prefix)
dead_letters = DeadLetters(client("sqs"), settings.dead_letter_queue_url)
if settings.start_on == "schedule":
    landings_table = LandingsTable(client("dynamodb"), settings.landings_table, utc_now)
else:
    run_starter = RunStarter(
        Manifests(client("s3"), settings.output_bucket, settings.manifest_prefix),
        Executions(client("stepfunctions"), settings.state_machine_arn),
        S3Uri(settings.output_bucket, settings.output_prefix),
        settings.input_message_format,
        utc_now,
    )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Process a batch of the landing queue, all messages at the same time."""
    return async_process_partial_response(event, process_message, processor, context)


async def process_message(record: SQSRecord) -> None:
    """Start the run of one landing, record the landing, or ignore the event."""
    with message_errors(record.body, dead_letters, logger):
        try:
            landing = parse_object_created(record.body)
        except OtherEvent as event:
            report_ignored(logger, event.reason)
            return
        reason = landing_filter.why_ignored(landing.bucket, landing.key, landing.size)
        if reason:
            report_ignored(logger, reason, bucket=landing.bucket, key=landing.key)
            return
        check_key(landing.key)
        if settings.start_on == "schedule":
            await record_landing(landing)
        else:
            await start_run(landing)


async def start_run(landing: Landing) -> None:
    """Start the landing's run, or find the one that an earlier delivery started."""
    bucket, key, version = landing.bucket, landing.key, landing.version
    name = landing_run_name(settings.job_name_prefix, bucket, key, version)
    logger.thread_safe_append_keys(run=name)
    run = await in_thread(run_starter.start, name, bucket, [key], landing.trigger)
    report_started(logger, run, bucket=bucket, key=key, version=version)


async def record_landing(landing: Landing) -> None:
    """Record the landing for the next tick, unless it or a newer one of its key is recorded."""
    recorded = await in_thread(landings_table.record, landing)
    if recorded in (Recorded.REPLACES, Recorded.OLDER):
        count("LandingsSuperseded")
    duplicate = recorded is Recorded.DUPLICATE
    count("DuplicateDeliveries" if duplicate else "LandingsRecorded")
    logger.info(
        "landing recorded",
        outcome=recorded.value,
        bucket=landing.bucket,
        key=landing.key,
        version=landing.version,
    )


async def in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function that waits for AWS, while other messages go on."""
    call = copy_context().run
    return await asyncio.get_running_loop().run_in_executor(threads, call, function, *arguments)
