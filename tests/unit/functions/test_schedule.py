from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ConfigurationError, InvalidEvent
from landrun.handlers.schedule import Listing, Schedule, build
from landrun.models.s3_uri import S3Uri
from landrun.services.collect_landings import LandingCollector
from landrun.services.start_run import RunStarter
from landrun.settings import ScheduleSettings

from .conftest import MACHINE, NOW, FakeExecutions, FakeManifests, FakeWaiting, one_by_one

SETTINGS = ScheduleSettings(
    state_machine_arn=MACHINE,
    job_name_prefix="landrun",
    output_bucket="outputs",
    output_prefix="processed/",
    manifest_prefix="manifests/",
    input_message_format="manifest",
    landing_bucket="landings",
    landing_prefix="incoming/",
    landing_suffix="",
    start_on="arrival",
    landings_table="landings",
    max_objects_per_run=2,
    scheduled_input="s3://landings/incoming/{date:%Y}/",
    schedule_timezone="UTC",
)
THERE = [
    ListedObject("incoming/2026/", 0),
    ListedObject("incoming/2026/a.csv", 10),
    ListedObject("incoming/2026/b.csv", 0),
    ListedObject("incoming/2026/c+d.csv", 10),
    ListedObject("incoming/2026/../e.csv", 10),
    ListedObject("incoming/2025/old.csv", 10),
]


@pytest.fixture
def landrun(telemetry):
    manifests, executions = FakeManifests(objects=list(THERE)), FakeExecutions()
    runs = RunStarter(manifests, executions, S3Uri("outputs", "processed/"), clock=lambda: NOW)
    return SimpleNamespace(
        function=Schedule(Listing(runs, manifests, SETTINGS, telemetry), telemetry),
        manifests=manifests,
        executions=executions,
        runs=runs,
    )


@pytest.mark.parametrize("name", ["schedule-tick", "schedule-classic", "schedule-default-input"])
def test_a_tick_starts_one_run_over_all_that_lies_there(landrun, load_event, context, name):
    answer = landrun.function.handle(load_event(name), context)
    [(run, manifest)] = landrun.manifests.stored.items()
    assert manifest.keys == ("incoming/2026/a.csv", "incoming/2026/c+d.csv")
    assert answer == {
        "PreprocessingJobName": run,
        "ExecutionArn": landrun.executions.arn(run),
        "Objects": 2,
    }


def test_what_is_left_out_of_a_tick_is_counted_with_its_reason(landrun, load_event, context, told):
    landrun.function.handle(load_event("schedule-tick"), context)
    output = told()
    for reason in ("folder-marker", "zero-bytes", "unreadable-key"):
        assert output.count("LandingsIgnored", Reason=reason) == 1


def test_a_tick_with_nothing_there_starts_no_run_and_says_so(landrun, load_event, context, told):
    landrun.manifests.objects.clear()
    assert landrun.function.handle(load_event("schedule-tick"), context) == {"Objects": 0}
    assert (landrun.manifests.stored, landrun.executions.started) == ({}, {})
    output = told()
    assert output.count("TicksWithoutObjects") == 1
    assert output.logs[0]["input"] == "s3://landings/incoming/2026/"


def test_a_second_attempt_of_a_tick_goes_on_with_the_manifest_of_the_first(
    landrun, load_event, context
):
    first = landrun.function.handle(load_event("schedule-tick"), context)
    landrun.manifests.objects.append(ListedObject("incoming/2026/late.csv", 1))
    assert landrun.function.handle(load_event("schedule-tick"), context) == first
    assert len(landrun.executions.started) == 1


def test_a_tick_that_died_after_its_manifest_is_started_by_its_retry(landrun, load_event, context):
    first = landrun.function.handle(load_event("schedule-tick"), context)
    landrun.executions.started.clear()
    landrun.manifests.objects.clear()
    assert landrun.function.handle(load_event("schedule-tick"), context) == first
    assert list(landrun.executions.started) == [first["PreprocessingJobName"]]


def test_the_trigger_of_a_tick_is_its_schedule_and_due_time(landrun, load_event, context):
    event = load_event("schedule-tick")
    landrun.function.handle(event, context)
    [text] = landrun.executions.started.values()
    assert json.loads(text)["Trigger"] == {
        "Kind": "schedule",
        "ScheduleArn": event["ScheduleArn"],
        "ScheduledTime": event["ScheduledTime"],
    }


def test_a_payload_whose_attributes_were_not_filled_in_is_an_error(landrun, load_event, context):
    with pytest.raises(InvalidEvent, match=r"<aws\.scheduler"):
        landrun.function.handle(load_event("schedule-unfilled"), context)


def test_without_a_scheduled_input_a_tick_is_an_error_that_names_the_parameter(
    landrun, load_event, context, telemetry
):
    settings = replace(SETTINGS, scheduled_input="")
    listing = Listing(landrun.runs, landrun.manifests, settings, telemetry)
    function = Schedule(listing, telemetry)
    with pytest.raises(ConfigurationError, match="ScheduledInput"):
        function.handle(load_event("schedule-tick"), context)


def test_the_manifest_of_a_tick_holds_the_trigger_that_its_run_starts_with(
    landrun, load_event, context
):
    event = load_event("schedule-tick")
    landrun.function.handle(event, context)
    [manifest] = landrun.manifests.stored.values()
    assert manifest.trigger.ScheduleArn == event["ScheduleArn"]
    assert manifest.trigger.ScheduledTime == event["ScheduledTime"]


@pytest.fixture
def collecting(landrun, telemetry):
    """The handler with StartOn=schedule."""
    waiting = FakeWaiting()
    collector = LandingCollector(waiting, landrun.manifests, landrun.runs, "landrun", 2, one_by_one)
    landrun.function, landrun.waiting = Schedule(collector.tick, telemetry), waiting
    return landrun


def test_a_tick_over_what_waits_answers_as_a_tick_over_a_prefix_does(
    collecting, load_event, context, landed, told
):
    for key in ("incoming/a.csv", "incoming/b.csv"):
        collecting.waiting.record(landed(key))
    answer = collecting.function.handle(load_event("schedule-tick"), context)
    [run] = collecting.executions.started
    assert answer == {
        "PreprocessingJobName": run,
        "ExecutionArn": collecting.executions.arn(run),
        "Objects": 2,
    }
    assert told().count("RunsStarted") == 1


def test_a_tick_that_needs_several_runs_answers_with_each_of_them(
    collecting, load_event, context, landed, told
):
    for key in ("incoming/a.csv", "incoming/b.csv", "incoming/c.csv"):
        collecting.waiting.record(landed(key))
    answer = collecting.function.handle(load_event("schedule-tick"), context)
    runs = answer.pop("Runs")
    assert [run["PreprocessingJobName"] for run in runs] == list(collecting.executions.started)
    assert [run["Objects"] for run in runs] == [2, 1]
    assert answer == runs[0] | {"Objects": 3}
    assert told().count("RunsStarted") == 2


def test_a_tick_with_nothing_waiting_starts_no_run_and_says_so(
    collecting, load_event, context, told
):
    assert collecting.function.handle(load_event("schedule-tick"), context) == {"Objects": 0}
    assert (collecting.manifests.stored, collecting.executions.started) == ({}, {})
    assert told().count("TicksWithoutObjects") == 1


def test_a_tick_over_what_waits_lists_no_prefix(collecting, load_event, context, landed):
    collecting.waiting.record(landed("incoming/a.csv"))
    collecting.function.handle(load_event("schedule-tick"), context)
    assert collecting.manifests.listed == []


@pytest.mark.parametrize(
    ("start_on", "services"),
    [("schedule", {"s3", "stepfunctions", "dynamodb"}), ("arrival", {"s3", "stepfunctions"})],
)
def test_the_function_is_built_with_the_services_of_its_mode_and_no_other(
    telemetry, start_on, services
):
    asked: list[str] = []
    settings = replace(SETTINGS, start_on=start_on, scheduled_input="")
    function = build(settings, asked.append, telemetry=telemetry)
    assert set(asked) == services
    assert isinstance(function.start, Listing) == (start_on == "arrival")
