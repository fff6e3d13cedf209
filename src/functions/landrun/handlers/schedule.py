"""A schedule ticked: start its run.

A tick's run reads what has landed since the last tick (``StartOn=schedule``), or what lies under
the scheduled input. The tick's manifest is written once, and every further attempt of the tick
reads it: a tick is one run, however often Lambda retries it.
"""

from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from landrun.adapters.clients import client
from landrun.adapters.landings_table import LandingsTable
from landrun.adapters.manifests import Manifests
from landrun.adapters.s3_listing import list_objects
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import InvalidKey
from landrun.handlers.reporting import report_ignored, report_started
from landrun.models.events import parse_tick
from landrun.models.landing import check_key
from landrun.models.run import ScheduleTrigger, tick_run_name
from landrun.models.s3_uri import S3Uri
from landrun.models.tick import Tick, scheduled_input
from landrun.observability import count, create_logger, create_metrics
from landrun.services.collect_landings import LandingCollector
from landrun.services.start_run import RunStarter, StartedRun
from landrun.settings import ScheduleSettings

settings = ScheduleSettings.load()
logger = create_logger()
metrics = create_metrics()

s3 = client("s3")
manifests = Manifests(s3, settings.output_bucket, settings.manifest_prefix)
run_starter = RunStarter(
    manifests,
    Executions(client("stepfunctions"), settings.state_machine_arn),
    S3Uri(settings.output_bucket, settings.output_prefix),
    settings.input_message_format,
    utc_now,
)
if settings.start_on == "schedule":
    collector = LandingCollector(
        LandingsTable(client("dynamodb"), settings.landings_table, utc_now),
        manifests,
        run_starter,
        settings.job_name_prefix,
        settings.max_objects_per_run,
    )


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start the runs of a tick; return their names, executions and numbers of objects."""
    tick = parse_tick(event)
    runs = []
    for run in start_runs(tick):
        report_started(logger, run, scheduled_time=tick.scheduled_time)
        runs.append(run)
    if not runs:
        count("TicksWithoutObjects")
        logger.info("nothing to read, no run started")
    return answer(runs)


def start_runs(tick: Tick) -> Iterable[StartedRun]:
    """Start the tick's runs: several where more has landed than one run may read."""
    if settings.start_on == "schedule":
        return collector.collect(tick)
    run = start_over_prefix(tick)
    return [run] if run else []


def start_over_prefix(tick: Tick) -> StartedRun | None:
    """Start one run over the scheduled input, or continue what an earlier attempt began."""
    arn, time = tick.schedule_arn, tick.scheduled_time
    name = tick_run_name(settings.job_name_prefix, arn, time)
    trigger = ScheduleTrigger(ScheduleArn=arn, ScheduledTime=time)
    manifest = manifests.find(name)
    if manifest:
        return run_starter.start_from(manifest, name, trigger)
    prefix = scheduled_input(settings.scheduled_input, tick.due, settings.schedule_timezone)
    keys = keys_under(prefix)
    return run_starter.start(name, prefix.bucket, keys, trigger, prefix) if keys else None


def keys_under(prefix: S3Uri) -> list[str]:
    """List the keys that the run reads; the others are logged and counted with a reason."""
    wanted = settings.filter(prefix.key)
    keys = []
    for found in list_objects(s3, prefix):
        reason = wanted.why_ignored(prefix.bucket, found.key, found.size)
        try:
            check_key(found.key)
        except InvalidKey:
            reason = reason or "unreadable-key"
        if reason:
            report_ignored(logger, reason, bucket=prefix.bucket, key=found.key)
        else:
            keys.append(found.key)
    return keys


def answer(runs: list[StartedRun]) -> dict[str, Any]:
    """Describe the first run, with all objects counted, and every run where there are several."""
    if not runs:
        return {"Objects": 0}
    each = [
        {
            "PreprocessingJobName": run.name,
            "ExecutionArn": run.execution_arn,
            "Objects": run.objects,
        }
        for run in runs
    ]
    total = {**each[0], "Objects": sum(run.objects for run in runs)}
    return total | {"Runs": each} if len(each) > 1 else total
