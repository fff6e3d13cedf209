"""Data landed: start its run, or let it wait for the next tick.

Lambda behind the landing queue. What repeats finds the run, or the record, that is there; what can
never be processed goes to the dead-letter queue with its reason; what failed for now is reported
as an item failure and comes again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from landrun.adapters import clients
from landrun.adapters.dead_letters import DeadLetters
from landrun.adapters.landings_table import LandingsTable
from landrun.adapters.manifests import Manifests
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import NoLanding
from landrun.handlers.batches import Mapper, overlapping, process_batch
from landrun.models.landing import Landing, LandingFilter, check_key, parse_landing
from landrun.models.run import ObjectCreatedTrigger, landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun.observability import Telemetry
from landrun.services.start_run import RunStarter
from landrun.settings import ObjectCreatedSettings


@dataclass(frozen=True)
class OnArrival:
    """Starts one run for each landing."""

    runs: RunStarter
    run_name_prefix: str
    telemetry: Telemetry

    def __call__(self, landing: Landing) -> None:
        """Start the landing's run."""
        bucket, key, version = landing.bucket, landing.key, landing.version
        name = landing_run_name(self.run_name_prefix, bucket, key, version)
        self.telemetry.run(name)
        run = self.runs.start(name, bucket, [key], trigger(landing))
        self.telemetry.started(run, bucket=bucket, key=key, version=version)


@dataclass(frozen=True)
class OnSchedule:
    """Lets each landing wait for a tick."""

    waiting: LandingsTable
    telemetry: Telemetry

    def __call__(self, landing: Landing) -> None:
        """Record the landing."""
        recorded = self.waiting.record(landing)
        self.telemetry.recorded(
            recorded, bucket=landing.bucket, key=landing.key, version=landing.version
        )


@dataclass(frozen=True)
class ObjectCreated:
    """What the handler needs, and what it does with one message and with a batch."""

    take: Callable[[Landing], None]
    filter: LandingFilter
    dead_letters: DeadLetters
    telemetry: Telemetry
    mapper: Mapper = overlapping

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Process a batch of the landing queue; answer with the messages to bring again.

        They overlap: whatever repeats, or comes at the same time, meets the same conditions in S3,
        Step Functions and DynamoDB as it would in another process.
        """
        doors = (self.dead_letters, self.telemetry)
        return process_batch(event, context, self.process, *doors, mapper=self.mapper)

    def process(self, body: str) -> None:
        """Take the landing of one message, or say why there is none."""
        try:
            landing = parse_landing(body)
        except NoLanding as event:
            self.telemetry.ignored(event.reason)
            return
        reason = self.filter.why_ignored(landing.bucket, landing.key, landing.size)
        if reason:
            self.telemetry.ignored(reason, bucket=landing.bucket, key=landing.key)
        else:
            check_key(landing.key)
            self.take(landing)


def trigger(landing: Landing) -> ObjectCreatedTrigger:
    """Say what started the run of a landing."""
    return ObjectCreatedTrigger(
        Bucket=landing.bucket,
        Key=landing.key,
        VersionId=landing.version_id,
        Sequencer=landing.sequencer,
        Size=landing.size,
        EventTime=landing.event_time,
    )


def build(
    settings: ObjectCreatedSettings,
    client: Callable[[str], Any] = clients.client,
    *,
    clock: Callable[[], datetime] = utc_now,
    telemetry: Telemetry | None = None,
    mapper: Mapper = overlapping,
) -> ObjectCreated:
    """Build what the handler needs; ``client`` gives boto3's client of a service."""
    telemetry = telemetry or Telemetry()
    return ObjectCreated(
        take=_taking(settings, client, clock, telemetry),
        filter=settings.filter(settings.landing_prefix),
        dead_letters=DeadLetters(partial(client, "sqs"), settings.dead_letter_queue_url),
        telemetry=telemetry,
        mapper=mapper,
    )


def _taking(
    settings: ObjectCreatedSettings,
    client: Callable[[str], Any],
    clock: Callable[[], datetime],
    telemetry: Telemetry,
) -> Callable[[Landing], None]:
    if settings.start_on == "schedule":
        return OnSchedule(
            LandingsTable(client("dynamodb"), settings.landings_table, clock), telemetry
        )
    manifests = Manifests(client("s3"), settings.output_bucket, settings.manifest_prefix)
    executions = Executions(client("stepfunctions"), settings.state_machine_arn)
    output = S3Uri(settings.output_bucket, settings.output_prefix)
    runs = RunStarter(manifests, executions, output, settings.input_message_format, clock)
    return OnArrival(runs, settings.job_name_prefix, telemetry)


@lru_cache
def dependencies() -> ObjectCreated:
    """Build what the handler needs, once, from the environment."""
    return build(ObjectCreatedSettings.from_environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
