from __future__ import annotations

import json
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from landrun.handlers.batches import overlapping

from landrun.errors import ServiceError
from landrun.handlers.object_created import ObjectCreated, OnArrival, OnSchedule, build
from landrun.models.landing import LandingFilter
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import RunStarter
from landrun.settings import ObjectCreatedSettings

from .conftest import (
    MACHINE,
    NOW,
    FakeDeadLetters,
    FakeExecutions,
    FakeManifests,
    FakeWaiting,
    messages,
)

OUTPUTS = "landrun-outputbucket-6f5e4d3c2b1a"
OWN = ((OUTPUTS, "processed/"), (OUTPUTS, "manifests/"))


@pytest.fixture
def landrun(telemetry, request):
    """The handler with fakes for doors; ``landrun`` may be parametrised with a LandingSuffix."""
    manifests, executions, dead = FakeManifests(), FakeExecutions(), FakeDeadLetters()
    runs = RunStarter(manifests, executions, S3Uri("outputs", "processed/"), clock=lambda: NOW)
    function = ObjectCreated(
        take=OnArrival(runs, "landrun", telemetry),
        filter=LandingFilter("incoming/", getattr(request, "param", ".jsonl"), OWN),
        dead_letters=dead,
        telemetry=telemetry,
    )
    return SimpleNamespace(function=function, manifests=manifests, executions=executions, dead=dead)


def handle(landrun: Any, event: dict[str, Any], context: Any) -> list[str]:
    answer = landrun.function.handle(event, context)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.mark.parametrize(
    "name",
    ["object-created", "object-created-unversioned", "object-created-version-null"],
)
def test_a_landed_object_starts_one_run_over_exactly_that_object(
    landrun, load_event, context, name
):
    event = load_event(name)
    assert handle(landrun, event, context) == []
    [(run, manifest)] = landrun.manifests.stored.items()
    assert manifest.keys == (messages(event)[0]["detail"]["object"]["key"],)
    assert list(landrun.executions.started) == [run]


@pytest.mark.parametrize(
    ("name", "landrun"),
    [
        ("object-created-multipart", ".csv.gz"),
        ("object-created-copy", ".parquet"),
        ("object-created-post", ".csv"),
    ],
    indirect=["landrun"],
)
def test_however_an_object_came_it_starts_a_run(landrun, load_event, context, name):
    handle(landrun, load_event(name), context)
    assert len(landrun.executions.started) == 1


def test_a_batch_starts_a_run_for_each_object(landrun, load_event, context):
    handle(landrun, load_event("object-created-batch"), context)
    assert len(landrun.executions.started) == 10


def test_odd_keys_make_the_exact_round_trip_into_the_manifest(landrun, load_event, context):
    event = load_event("object-created-odd-keys")
    assert handle(landrun, event, context) == []
    given = {message["detail"]["object"]["key"] for message in messages(event)}
    assert len(given) == 10
    assert {key for m in landrun.manifests.stored.values() for key in m.keys} == given


def test_keys_no_file_can_have_go_to_the_dead_letter_queue_with_their_reason(
    landrun, load_event, context, told
):
    event = load_event("object-created-refused-keys")
    assert handle(landrun, event, context) == []
    assert [body for body, _ in landrun.dead.put_there] == [r["body"] for r in event["Records"]]
    assert all("key" in reason for _, reason in landrun.dead.put_there)
    assert landrun.executions.started == {}
    assert told().count("MessagesRefused") == 5


@pytest.mark.parametrize("name", ["object-created-malformed", "object-created-test-event"])
def test_what_is_no_landing_goes_to_the_dead_letter_queue_with_its_reason(
    landrun, load_event, context, name
):
    assert handle(landrun, load_event(name), context) == []
    [(_, reason)] = landrun.dead.put_there
    assert reason


@pytest.mark.parametrize(
    ("name", "landrun", "reason"),
    [
        ("object-created-folder-marker", "", "folder-marker"),
        ("object-created-zero-bytes", "", "zero-bytes"),
        ("object-created-wrong-prefix", "", "prefix"),
        ("object-created-wrong-suffix", ".jsonl", "suffix"),
        ("object-created-own-output", "", "own-output"),
        ("object-deleted", "", "object-deleted"),
    ],
    indirect=["landrun"],
)
def test_what_starts_no_run_is_counted_and_logged_with_its_reason(
    landrun, load_event, context, told, name, reason
):
    event = load_event(name)
    assert handle(landrun, event, context) == []
    assert landrun.executions.started == {}
    assert landrun.dead.put_there == []
    output = told()
    assert output.count("LandingsIgnored", Reason=reason) == len(event["Records"])
    assert [line["reason"] for line in output.logs] == [reason] * len(event["Records"])


def test_one_version_delivered_twice_starts_one_execution_and_both_succeed(
    landrun, load_event, context
):
    assert handle(landrun, load_event("object-created-twice"), context) == []
    assert len(landrun.executions.started) == 1


def test_a_delivery_after_the_run_has_closed_succeeds_without_starting_another(
    landrun, load_event, context, told
):
    handle(landrun, load_event("object-created"), context)
    landrun.executions.closed |= set(landrun.executions.started)
    told()
    assert handle(landrun, load_event("object-created"), context) == []
    assert len(landrun.executions.started) == 1
    output = told()
    assert (output.count("DuplicateDeliveries"), output.count("RunsStarted")) == (1, 0)


def test_two_versions_of_one_key_start_two_runs(landrun, load_event, context, told):
    handle(landrun, load_event("object-created-versions"), context)
    assert len(landrun.executions.started) == 2
    assert told().count("RunsStarted") == 2


def test_in_a_mixed_batch_each_message_gets_what_it_deserves(landrun, load_event, context, told):
    assert handle(landrun, load_event("object-created-mixed-batch"), context) == []
    assert len(landrun.executions.started) == 2
    assert len(landrun.dead.put_there) == 2
    assert told().count("LandingsIgnored") == 2


def test_a_refused_call_fails_its_message_alone_and_the_others_are_done(
    landrun, load_event, context, told
):
    event = load_event("object-created-batch")
    unlucky = messages(event)[3]["detail"]["object"]["key"]
    refusal = ServiceError("states:StartExecution", "ExecutionLimitExceeded", "too many")
    landrun.executions.failing[unlucky] = refusal
    assert handle(landrun, event, context) == [event["Records"][3]["messageId"]]
    assert len(landrun.executions.started) == 9
    assert told().count("MessagesFailed") == 1


def test_when_every_message_fails_each_is_reported_and_nothing_is_raised(
    landrun, load_event, context
):
    event = load_event("object-created")
    key = messages(event)[0]["detail"]["object"]["key"]
    landrun.executions.failing[key] = ServiceError("states:StartExecution", "Throttling", "")
    assert handle(landrun, event, context) == [event["Records"][0]["messageId"]]


def test_every_line_about_a_run_has_its_name(landrun, load_event, context, told):
    event = load_event("object-created-batch")
    unlucky = messages(event)[3]["detail"]["object"]["key"]
    landrun.executions.failing[unlucky] = ServiceError("states:StartExecution", "Throttling", "")
    handle(landrun, event, context)
    names = [line["run"] for line in told().logs]
    assert len(set(names)) == 10
    assert set(landrun.executions.started) < set(names)


def test_a_run_starts_with_the_whole_landing_as_its_trigger_in_input_and_manifest(
    landrun, load_event, context
):
    event = load_event("object-created")
    handle(landrun, event, context)
    [message] = messages(event)
    thing = message["detail"]["object"]
    [text] = landrun.executions.started.values()
    trigger = json.loads(text)["Trigger"]
    assert trigger == {
        "Kind": "object-created",
        "Bucket": message["detail"]["bucket"]["name"],
        "Key": thing["key"],
        "VersionId": thing["version-id"],
        "Sequencer": thing["sequencer"],
        "Size": thing["size"],
        "EventTime": message["time"],
    }
    [manifest] = landrun.manifests.stored.values()
    assert manifest.trigger.to_dict() == trigger


def test_a_duplicate_after_a_change_of_settings_succeeds_and_the_mismatch_is_counted(
    landrun, load_event, context, telemetry, told
):
    handle(landrun, load_event("object-created"), context)
    moved = RunStarter(
        landrun.manifests, landrun.executions, S3Uri("outputs", "elsewhere/"), clock=lambda: NOW
    )
    changed = replace(landrun.function, take=OnArrival(moved, "landrun", telemetry))
    told()
    answer = changed.handle(load_event("object-created"), context)
    assert answer == {"batchItemFailures": []}
    assert len(landrun.executions.started) == 1
    output = told()
    assert (output.count("InputMismatches"), output.count("DuplicateDeliveries")) == (1, 1)


@pytest.fixture
def collecting(telemetry):
    """The handler with StartOn=schedule."""
    waiting, dead = FakeWaiting(), FakeDeadLetters()
    function = ObjectCreated(
        take=OnSchedule(waiting, telemetry),
        filter=LandingFilter("incoming/", ".jsonl", OWN),
        dead_letters=dead,
        telemetry=telemetry,
    )
    return SimpleNamespace(function=function, waiting=waiting, dead=dead)


def test_when_landings_collect_each_waits_for_the_tick(collecting, load_event, context, told):
    event = load_event("object-created-batch")
    assert handle(collecting, event, context) == []
    waits = {found.landing.key for found in collecting.waiting.items.values() if found.waiting}
    assert waits == {message["detail"]["object"]["key"] for message in messages(event)}
    assert told().count("LandingsRecorded") == 10


def test_a_landing_that_waits_already_is_a_duplicate_delivery(
    collecting, load_event, context, told
):
    handle(collecting, load_event("object-created-twice"), context)
    assert len(collecting.waiting.items) == 1
    output = told()
    assert (output.count("LandingsRecorded"), output.count("DuplicateDeliveries")) == (1, 1)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_versions_of_a_key_the_newest_waits_in_whatever_order_they_come(
    collecting, load_event, context, told, turned
):
    event = load_event("object-created-versions")
    newest = messages(event)[1]["detail"]["object"]["version-id"]
    if turned:
        event["Records"].reverse()
    handle(collecting, event, context)
    [found] = collecting.waiting.items.values()
    assert found.landing.version_id == newest
    output = told()
    assert (output.count("LandingsRecorded"), output.count("LandingsSuperseded")) == (2, 1)


def test_what_is_refused_or_ignored_does_not_wait(collecting, load_event, context, told):
    handle(collecting, load_event("object-created-mixed-batch"), context)
    assert len(collecting.waiting.items) == 2
    assert len(collecting.dead.put_there) == 2
    assert told().count("LandingsIgnored") == 2


@pytest.mark.parametrize(
    ("start_on", "services"),
    [("schedule", {"dynamodb"}), ("arrival", {"s3", "stepfunctions"})],
)
def test_the_function_is_built_with_the_services_of_its_mode_and_no_other(
    telemetry, start_on, services
):
    settings = ObjectCreatedSettings(
        state_machine_arn=MACHINE,
        job_name_prefix="landrun",
        output_bucket=OUTPUTS,
        output_prefix="processed/",
        manifest_prefix="manifests/",
        input_message_format="manifest",
        landing_suffix="",
        landing_bucket="landings",
        landing_prefix="incoming/",
        start_on=start_on,
        landings_table="landings",
        dead_letter_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/dead",
    )
    asked: list[str] = []
    function = build(settings, asked.append, telemetry=telemetry)
    assert set(asked) == services
    assert isinstance(function.take, OnSchedule if start_on == "schedule" else OnArrival)
    assert function.mapper is overlapping


def test_the_starts_of_a_batch_are_all_under_way_at_the_same_time(
    landrun, load_event, context, monkeypatch
):
    together, start = threading.Barrier(10), landrun.executions.start

    def started(run):
        together.wait(20)
        return start(run)

    monkeypatch.setattr(landrun.executions, "start", started)
    assert handle(landrun, load_event("object-created-batch"), context) == []
    assert len(landrun.executions.started) == 10
