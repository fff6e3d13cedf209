from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from landrun.contract import S3Uri
from landrun.errors import ServiceError
from landrun.handlers.object_created import ObjectCreated
from landrun.landing import Filter
from landrun.runs import Runs

from .conftest import NOW, FakeDeadLetters, FakeExecutions, FakeManifests, messages

OUTPUTS = "landrun-outputbucket-6f5e4d3c2b1a"
OWN = ((OUTPUTS, "processed/"), (OUTPUTS, "manifests/"))


@pytest.fixture
def landrun(telemetry, request):
    """The handler with fakes for doors; ``landrun`` may be parametrised with a LandingSuffix."""
    manifests, executions, dead = FakeManifests(), FakeExecutions(), FakeDeadLetters()
    runs = Runs(manifests, executions, S3Uri("outputs", "processed/"), clock=lambda: NOW)
    function = ObjectCreated(
        runs=runs,
        filter=Filter("incoming/", getattr(request, "param", ".jsonl"), OWN),
        run_name_prefix="landrun",
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


@pytest.mark.parametrize(
    "name", ["object-created-malformed", "object-created-test-event", "object-deleted"]
)
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
