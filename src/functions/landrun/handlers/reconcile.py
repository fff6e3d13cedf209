"""Every few minutes: record and finish what events lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from landrun.adapters import clients
from landrun.adapters.checkpoints import Checkpoints
from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.adapters.landings_table import LandingsTable
from landrun.adapters.manifests import Manifests
from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import InvalidEvent
from landrun.models.s3_uri import S3Uri
from landrun.observability import Telemetry
from landrun.sanitize import shown
from landrun.services.collect_landings import LandingCollector, Mapper, at_once
from landrun.services.limit_concurrency import ConcurrencyLimiter
from landrun.services.reconcile import Reconciler
from landrun.services.record_outcome import OutcomeRecorder
from landrun.services.start_run import RunStarter
from landrun.settings import ReconcileSettings

LONGEST_GRACE = 7_776_000
"""Seconds of the 90 days after which Step Functions forgets an execution."""


@dataclass(frozen=True)
class Reconcile:
    """What the handler needs, and what it does when it is called."""

    reconciler: Reconciler
    telemetry: Telemetry

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Mend what was lost; answer with the number of losses by kind."""
        with self.telemetry.invocation(context):
            mended = self.reconciler.reconcile(parse_grace(event))
            self.telemetry.logger.info("reconciled", extra=mended)
        return dict(mended)


def parse_grace(event: dict[str, Any]) -> timedelta | None:
    """Read how young a loss may be that is mended; None for the usual.

    Raises
    ------
    InvalidEvent
        When ``GraceSeconds`` is there and is not a number of seconds, of 90 days at most.
    """
    seconds = event.get("GraceSeconds") if isinstance(event, dict) else None
    if seconds is None:
        return None
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 <= seconds <= LONGEST_GRACE:
        raise InvalidEvent(
            f"GraceSeconds is {shown(seconds)}: pass a number of seconds from 0 to {LONGEST_GRACE}"
        )
    return timedelta(seconds=seconds)


def build(
    settings: ReconcileSettings,
    client: Callable[[str], Any] = clients.client,
    *,
    clock: Callable[[], datetime] = utc_now,
    telemetry: Telemetry | None = None,
    mapper: Mapper = at_once,
) -> Reconcile:
    """Build what the handler needs; ``client`` gives boto3's client of a service."""
    telemetry = telemetry or Telemetry()
    executions = Executions(client("stepfunctions"), settings.state_machine_arn)
    manifests = Manifests(client("s3"), settings.output_bucket, settings.manifest_prefix)
    jobs = ProcessingJobs(client("sagemaker"))
    ledger = RunsTable(client("dynamodb"), settings.runs_table)
    waiting = LandingsTable(client("dynamodb"), settings.landings_table, clock)
    output = S3Uri(settings.output_bucket, settings.output_prefix)
    runs = RunStarter(manifests, executions, output, settings.input_message_format, clock)
    prefix, most = settings.job_name_prefix, settings.max_objects_per_run
    reconciler = Reconciler(
        executions=executions,
        ledger=ledger,
        manifests=manifests,
        waiting=waiting,
        cursors=Checkpoints(client("dynamodb"), settings.landings_table),
        collector=LandingCollector(waiting, manifests, runs, prefix, most, mapper),
        recorder=OutcomeRecorder(
            executions=executions,
            jobs=jobs,
            outputs=Outputs(client("s3")),
            runs_table=ledger,
            notifications=Notifications(client("sns"), settings.notifications_topic_arn),
            manifests=S3Uri(settings.output_bucket, settings.manifest_prefix),
            logger=telemetry.logger,
            metrics=telemetry.metrics,
            clock=clock,
        ),
        runs=runs,
        admission=ConcurrencyLimiter(
            turns=ConcurrencyTable(client("dynamodb"), settings.concurrency_table),
            executions=executions,
            jobs=jobs,
            telemetry=telemetry,
            limit=settings.max_concurrent_runs,
            clock=clock,
        ),
        telemetry=telemetry,
        collects=settings.start_on == "schedule",
        clock=clock,
    )
    return Reconcile(reconciler, telemetry)


@lru_cache
def dependencies() -> Reconcile:
    """Build what the handler needs, once, from the environment."""
    return build(ReconcileSettings.from_environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
