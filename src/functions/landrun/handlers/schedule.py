"""A schedule ticked: start one run over what lies under the scheduled input.

The tick's manifest is written once. Whichever attempt wrote it, every later attempt reads it and
goes on: a tick is one run, however often it is tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from landrun.clients import client
from landrun.contract import S3Uri, ScheduleTrigger, tick_run_name
from landrun.errors import InvalidKey
from landrun.executions import Executions
from landrun.landing import Filter, check_key
from landrun.listing import ListedObject
from landrun.manifests import Manifests
from landrun.runs import Run, Runs
from landrun.settings import ScheduleSettings
from landrun.telemetry import Telemetry
from landrun.tick import Tick, parse_tick, scheduled_input


@dataclass(frozen=True)
class Schedule:
    """What the handler needs, and what it does with one tick."""

    runs: Runs
    manifests: Manifests
    settings: ScheduleSettings
    telemetry: Telemetry

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Start the tick's run; answer with its name, its execution and the number of objects."""
        with self.telemetry.invocation(context):
            run = self._run(parse_tick(event))
        if run is None:
            return {"Objects": 0}
        return {
            "PreprocessingJobName": run.name,
            "ExecutionArn": run.execution_arn,
            "Objects": run.objects,
        }

    def _run(self, tick: Tick) -> Run | None:
        name = tick_run_name(self.settings.job_name_prefix, tick.schedule_arn, tick.scheduled_time)
        self.telemetry.run(name)
        run = self._go_on(tick, name) or self._begin(tick, name)
        if run:
            self.telemetry.started(run, scheduled_time=tick.scheduled_time)
        return run

    def _go_on(self, tick: Tick, name: str) -> Run | None:
        manifest = self.manifests.find(name)
        return self.runs.start_over(manifest, name, trigger(tick)) if manifest else None

    def _begin(self, tick: Tick, name: str) -> Run | None:
        settings = self.settings
        under = scheduled_input(settings.scheduled_input, tick.due, settings.schedule_timezone)
        keys = self._collect(under)
        if keys:
            return self.runs.start(name, under.bucket, keys, trigger(tick))
        self.telemetry.count("TicksWithoutObjects")
        self.telemetry.logger.info("nothing there, no run started", extra={"input": str(under)})
        return None

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


def trigger(tick: Tick) -> ScheduleTrigger:
    """Say what started the run of a tick."""
    return ScheduleTrigger(ScheduleArn=tick.schedule_arn, ScheduledTime=tick.scheduled_time)


def why_left_out(wanted: Filter, bucket: str, found: ListedObject) -> str | None:
    """Say why a listed object is not read, ``unreadable-key`` included; None when it is."""
    reason = wanted.why_ignored(bucket, found.key, found.size)
    try:
        check_key(found.key)
    except InvalidKey:
        return reason or "unreadable-key"
    return reason


@lru_cache
def dependencies() -> Schedule:
    """Build what the handler needs, once, from the environment."""
    settings = ScheduleSettings.from_environment()
    manifests = Manifests(client("s3"), settings.output_bucket, settings.manifest_prefix)
    return Schedule(
        runs=Runs(
            manifests,
            Executions(client("stepfunctions"), settings.state_machine_arn),
            S3Uri(settings.output_bucket, settings.output_prefix),
        ),
        manifests=manifests,
        settings=settings,
        telemetry=Telemetry(),
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return dependencies().handle(event, context)
