"""Every 15 minutes, or on request: find and recover what missed events left undone."""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field, ValidationError

from landrun.adapters.clients import client
from landrun.adapters.concurrency_table import ConcurrencyTable
from landrun.adapters.job_logs import JobLogs
from landrun.adapters.landings_table import LandingsTable
from landrun.adapters.manifests import Manifests
from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.sagemaker import ProcessingJobs
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import InvalidEvent
from landrun.models.events import problems
from landrun.models.s3_uri import S3Uri
from landrun.observability import create_logger, create_metrics
from landrun.services.collect_landings import LandingCollector
from landrun.services.limit_concurrency import ConcurrencyLimiter
from landrun.services.reconcile import Reconciler
from landrun.services.record_outcome import OutcomeRecorder
from landrun.services.start_run import RunStarter
from landrun.settings import ReconcileSettings

LONGEST_GRACE = 7_776_000
"""Seconds of the 90 days after which Step Functions forgets an execution."""

settings = ReconcileSettings.load()
logger = create_logger()
metrics = create_metrics()

s3, dynamodb = client("s3"), client("dynamodb")
executions = Executions(client("stepfunctions"), settings.state_machine_arn)
jobs = ProcessingJobs(client("sagemaker"))
manifests = Manifests(s3, settings.output_bucket, settings.manifest_prefix)
landings_table = LandingsTable(dynamodb, settings.landings_table, utc_now)
runs_table = RunsTable(dynamodb, settings.runs_table)
run_starter = RunStarter(
    manifests,
    executions,
    S3Uri(settings.output_bucket, settings.output_prefix),
    settings.input_message_format,
    utc_now,
)
collector = LandingCollector(
    landings_table,
    manifests,
    run_starter,
    settings.job_name_prefix,
    settings.max_objects_per_run if settings.input_message_format == "manifest" else 1,
)
job_logs = JobLogs(client("logs"))
recorder = OutcomeRecorder(
    executions=executions,
    jobs=jobs,
    job_logs=job_logs,
    outputs=Outputs(s3),
    runs_table=runs_table,
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
reconciler = Reconciler(
    executions=executions,
    runs_table=runs_table,
    manifests=manifests,
    landings_table=landings_table,
    collector=collector,
    recorder=recorder,
    run_starter=run_starter,
    limiter=limiter,
    collects=settings.start_on == "schedule",
    logger=logger,
    clock=utc_now,
)


class ReconcileEvent(BaseModel):
    """What reconcile is invoked with; a schedule's other fields are not read."""

    GraceSeconds: float | None = Field(None, ge=0, le=LONGEST_GRACE, strict=True)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Recover what missed events left undone; return how much of each kind."""
    job_logs.start_batch()
    recovered = reconciler.reconcile(parse_grace(event))
    logger.info("reconciled", extra=recovered)
    return recovered


def parse_grace(event: Any) -> timedelta | None:
    """Read how old a missed event must be to be recovered; None for the default.

    Raises InvalidEvent when ``GraceSeconds`` is not a number of seconds, of 90 days at most.
    """
    try:
        seconds = ReconcileEvent.model_validate(event).GraceSeconds
    except ValidationError as error:
        raise InvalidEvent(
            f"{problems(error)}: pass a number of seconds from 0 to {LONGEST_GRACE}"
        ) from error
    return None if seconds is None else timedelta(seconds=seconds)
