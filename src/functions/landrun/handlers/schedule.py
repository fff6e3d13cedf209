"""A schedule ticked: start its run.

Over what has landed since (``StartOn=schedule``), or over what lies under the scheduled input. The
tick's manifest is written once. Whichever attempt wrote it, every later attempt reads it and goes
on: a tick is one run, however often it is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from landrun.adapters import clients
from landrun.adapters.landings_table import LandingsTable
from landrun.adapters.manifests import Manifests
from landrun.adapters.s3_listing import ListedObject
from landrun.adapters.step_functions import Executions
from landrun.clock import utc_now
from landrun.errors import InvalidKey
from landrun.models.landing import LandingFilter, check_key
from landrun.models.run import ScheduleTrigger, tick_run_name
from landrun.models.s3_uri import S3Uri
from landrun.models.tick import Tick, parse_tick, scheduled_input
from landrun.observability import Telemetry
from landrun.services.collect_landings import LandingCollector, Mapper, at_once
from landrun.services.start_run import RunStarter, StartedRun
from landrun.settings import ScheduleSettings


@dataclass(frozen=True)
class Listing:
    """Starts one run over what lies under the scheduled input."""

    runs: RunStarter
    manifests: Manifests
    settings: ScheduleSettings
    telemetry: Telemetry

    def __call__(self, tick: Tick) -> Iterator[StartedRun]:
        """Start the tick's run, or go on with the one that an earlier attempt began."""
        name = tick_run_name(self.settings.job_name_prefix, tick.schedule_arn, tick.scheduled_time)
        run = self._go_on(tick, name) or self._begin(tick, name)
        if run:
            yield run

    def _go_on(self, tick: Tick, name: str) -> StartedRun | None:
        manifest = self.manifests.find(name)
        return self.runs.start_over(manifest, name, trigger(tick)) if manifest else None

    def _begin(self, tick: Tick, name: str) -> StartedRun | None:
        settings = self.settings
        under = scheduled_input(settings.scheduled_input, tick.due, settings.schedule_timezone)
        keys = self._collect(under)
        if not keys:
            self.telemetry.logger.info("nothing lies there", extra={"input": str(under)})
            return None
        return self.runs.start(name, under.bucket, keys, trigger(tick), prefix=under)

    def _collect(self, under: S3Uri) -> list[str]:
        wanted = self.settings.filter(under.key)
        keys = []
        for found in self.manifests.list_objects(under):
            reason = why_left_out(wanted, under.bucket, found)
            if reason:
                self.telemetry.ignored(reason, bucket=under.bucket, key=found.key)
            else:
                keys.append(found.key)
        return keys


@dataclass(frozen=True)
class Schedule:
    """What the handler needs, and what it does with one tick."""

    start: Callable[[Tick], Iterable[StartedRun]]
    telemetry: Telemetry

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Start the tick's runs; answer with their names, executions and numbers of objects."""
        with self.telemetry.invocation(context):
            tick = parse_tick(event)
            runs = [self._told(run, tick) for run in self.start(tick)]
            if not runs:
                self.telemetry.count("TicksWithoutObjects")
                self.telemetry.logger.info("nothing there, no run started")
        return _answer(runs)

    def _told(self, run: StartedRun, tick: Tick) -> StartedRun:
        self.telemetry.run(run.name)
        self.telemetry.started(run, scheduled_time=tick.scheduled_time)
        return run


def _answer(runs: list[StartedRun]) -> dict[str, Any]:
    """Say which runs there are: the first as before, and all of them when they are several."""
    if not runs:
        return {"Objects": 0}
    each = [_run(run) for run in runs]
    total = {**each[0], "Objects": sum(run.objects for run in runs)}
    return total | ({"Runs": each} if len(runs) > 1 else {})


def _run(run: StartedRun) -> dict[str, Any]:
    return {
        "PreprocessingJobName": run.name,
        "ExecutionArn": run.execution_arn,
        "Objects": run.objects,
    }


def trigger(tick: Tick) -> ScheduleTrigger:
    """Say what started the run of a tick."""
    return ScheduleTrigger(ScheduleArn=tick.schedule_arn, ScheduledTime=tick.scheduled_time)


def why_left_out(wanted: LandingFilter, bucket: str, found: ListedObject) -> str | None:
    """Say why a listed object is not read, ``unreadable-key`` included; None when it is."""
    reason = wanted.why_ignored(bucket, found.key, found.size)
    try:
        check_key(found.key)
    except InvalidKey:
        return reason or "unreadable-key"
    return reason


def build(
    settings: ScheduleSettings,
    client: Callable[[str], Any] = clients.client,
    *,
    clock: Callable[[], datetime] = utc_now,
    telemetry: Telemetry | None = None,
    mapper: Mapper = at_once,
) -> Schedule:
    """Build what the handler needs; ``client`` gives boto3's client of a service."""
    telemetry = telemetry or Telemetry()
    manifests = Manifests(client("s3"), settings.output_bucket, settings.manifest_prefix)
    executions = Executions(client("stepfunctions"), settings.state_machine_arn)
    output = S3Uri(settings.output_bucket, settings.output_prefix)
    runs = RunStarter(manifests, executions, output, settings.input_message_format, clock)
    if settings.start_on == "arrival":
        return Schedule(Listing(runs, manifests, settings, telemetry), telemetry)
    collector = LandingCollector(
        waiting=LandingsTable(client("dynamodb"), settings.landings_table, clock),
        manifests=manifests,
        runs=runs,
        run_name_prefix=settings.job_name_prefix,
        max_objects=settings.max_objects_per_run,
        mapper=mapper,
    )
    return Schedule(collector.tick, telemetry)


@lru_cache
def dependencies() -> Schedule:
    """Build what the handler needs, once, from the environment."""
    return build(ScheduleSettings.from_environment())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
