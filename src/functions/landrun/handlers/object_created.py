"""Data landed: start its run.

Lambda behind the landing queue. One run for each landed version of an object; what repeats finds
the run that is there, what can never be processed goes to the dead-letter queue with its reason,
what failed for now is reported as an item failure and comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from landrun.clients import client
from landrun.contract import ObjectCreatedTrigger, S3Uri, landing_run_name
from landrun.deadletters import DeadLetters
from landrun.executions import Executions
from landrun.handlers.batches import process_batch
from landrun.landing import Filter, Landing, check_key, parse_landing
from landrun.manifests import Manifests
from landrun.runs import Runs
from landrun.settings import ObjectCreatedSettings
from landrun.telemetry import Telemetry


@dataclass(frozen=True)
class ObjectCreated:
    """What the handler needs, and what it does with one message and with a batch."""

    runs: Runs
    filter: Filter
    run_name_prefix: str
    dead_letters: DeadLetters
    telemetry: Telemetry

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Process a batch of the landing queue; answer with the messages to bring again."""
        return process_batch(event, context, self.process, self.dead_letters, self.telemetry)

    def process(self, body: str) -> None:
        """Start the run of one message, or say why there is none."""
        landing = parse_landing(body)
        reason = self.filter.why_ignored(landing.bucket, landing.key, landing.size)
        if reason:
            self.telemetry.ignored(reason, bucket=landing.bucket, key=landing.key)
        else:
            self._start(landing)

    def _start(self, landing: Landing) -> None:
        key = check_key(landing.key)
        name = landing_run_name(self.run_name_prefix, landing.bucket, key, landing.version)
        self.telemetry.run(name)
        run = self.runs.start(name, landing.bucket, [key], trigger(landing))
        self.telemetry.started(run, bucket=landing.bucket, key=key, version=landing.version)


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


@lru_cache
def dependencies() -> ObjectCreated:
    """Build what the handler needs, once, from the environment."""
    settings = ObjectCreatedSettings.from_environment()
    return ObjectCreated(
        runs=Runs(
            Manifests(client("s3"), settings.output_bucket, settings.manifest_prefix),
            Executions(client("stepfunctions"), settings.state_machine_arn),
            S3Uri(settings.output_bucket, settings.output_prefix),
        ),
        filter=settings.filter(settings.landing_prefix),
        run_name_prefix=settings.job_name_prefix,
        dead_letters=DeadLetters(client("sqs"), settings.dead_letter_queue_url),
        telemetry=Telemetry(),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
