"""The handler of landings, loaded as Lambda loads it, with fakes of the adapters."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from handler_loader import ENVIRONMENT, Context, Printed, load_handler
from landrun.errors import ServiceError
from landrun.models.s3_uri import S3Uri
from landrun.services.start_run import RunStarter

from .conftest import NOW, FakeDeadLetters, FakeExecutions, FakeManifests, messages
from .fakes_landings import FakeLandingsTable

OUTPUTS = "landrun-outputbucket-6f5e4d3c2b1a"
OWN = {"LANDING_SUFFIX": ".jsonl", "OUTPUT_BUCKET": OUTPUTS}


class Function:
    """The function after a cold start; variables may be changed by name."""

    def __init__(self, capsys: pytest.CaptureFixture[str], **variables: str) -> None:
        self._capsys = capsys
        self.services: list[str] = []
        self.manifests, self.executions = FakeManifests(), FakeExecutions()
        self.landings, self.dead = FakeLandingsTable(), FakeDeadLetters()
        self.module = load_handler("object_created", ENVIRONMENT | OWN | variables, self._client)
        self.module.dead_letters = self.dead
        if hasattr(self.module, "landings_table"):
            self.module.landings_table = self.landings
        else:
            self.write_to("processed/")

    def _client(self, service: str) -> Any:
        self.services.append(service)
        return SimpleNamespace()

    def write_to(self, prefix: str) -> None:
        """Start runs with this OutputPrefix from now on."""
        output, given = S3Uri(OUTPUTS, prefix), self.module.settings.input_message_format
        doors = (self.manifests, self.executions)
        self.module.run_starter = RunStarter(*doors, output, given, lambda: NOW)

    def handle(self, event: dict[str, Any]) -> list[str]:
        answer = self.module.handler(event, Context())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def printed(self) -> Printed:
        return Printed(self._capsys.readouterr().out)


@pytest.fixture
def function(capsys):
    return Function(capsys)


@pytest.fixture
def collecting(capsys):
    return Function(capsys, START_ON="schedule")


def key_of(message: dict[str, Any]) -> str:
    return message["detail"]["object"]["key"]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("object-created", ".jsonl"),
        ("object-created-unversioned", ""),
        ("object-created-version-null", ""),
        ("object-created-batch", ""),
        ("object-created-odd-keys", ""),
        ("object-created-multipart", ".csv.gz"),
        ("object-created-copy", ".parquet"),
        ("object-created-post", ".csv"),
    ],
)
def test_each_landed_object_starts_a_run_over_exactly_its_key(capsys, load_event, name, suffix):
    function, event = Function(capsys, LANDING_SUFFIX=suffix), load_event(name)
    assert function.handle(event) == []
    stored = function.manifests.stored
    assert {m.keys for m in stored.values()} == {(key_of(one),) for one in messages(event)}
    assert list(function.executions.started) == list(stored)
    assert len(stored) == len(event["Records"])


def test_with_uri_the_input_message_is_the_objects_uri_and_the_manifest_is_written(
    capsys, load_event
):
    function, event = Function(capsys, INPUT_MESSAGE_FORMAT="uri"), load_event("object-created")
    function.handle(event)
    [message], [text] = messages(event), function.executions.started.values()
    bucket = message["detail"]["bucket"]["name"]
    assert json.loads(text)["InputMessage"] == f"s3://{bucket}/{key_of(message)}"
    assert len(function.manifests.stored) == 1


def test_a_uri_longer_than_sagemaker_accepts_goes_to_the_dead_letter_queue(capsys, load_event):
    function, event = Function(capsys, INPUT_MESSAGE_FORMAT="uri"), load_event("object-created")
    [message] = messages(event)
    message["detail"]["object"]["key"] = "incoming/" + "/".join(["k" * 200] * 5) + ".jsonl"
    event["Records"][0]["body"] = json.dumps(message)
    assert function.handle(event) == []
    [(_, reason)] = function.dead.put_there
    assert "more than the 1024" in reason
    assert (function.manifests.stored, function.executions.started) == ({}, {})


def test_the_trigger_is_the_whole_landing_in_input_and_manifest(function, load_event):
    event = load_event("object-created")
    function.handle(event)
    [message] = messages(event)
    landed = message["detail"]["object"]
    [text] = function.executions.started.values()
    trigger = json.loads(text)["Trigger"]
    assert trigger == {
        "Kind": "object-created",
        "Bucket": message["detail"]["bucket"]["name"],
        "Key": landed["key"],
        "VersionId": landed["version-id"],
        "Sequencer": landed["sequencer"],
        "Size": landed["size"],
        "EventTime": message["time"],
    }
    [manifest] = function.manifests.stored.values()
    assert manifest.trigger.to_dict() == trigger


@pytest.mark.parametrize(
    "name",
    ["object-created-malformed", "object-created-test-event", "object-created-refused-keys"],
)
@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_a_message_that_no_retry_can_help_goes_to_the_dead_letter_queue_with_its_reason(
    capsys, load_event, name, start_on
):
    function, event = Function(capsys, START_ON=start_on), load_event(name)
    assert function.handle(event) == []
    refused = dict(function.dead.put_there)
    assert list(refused) == [record["body"] for record in event["Records"]]
    assert all(refused.values())
    assert (function.executions.started, function.landings.items) == ({}, {})
    assert function.printed().count("MessagesRefused") == len(refused)


def test_a_refused_message_that_cannot_be_put_away_is_delivered_again(function, load_event):
    def unavailable(body: str, reason: str) -> None:
        raise ServiceError("sqs:SendMessage", "RequestThrottled", "later")

    function.dead.put = unavailable
    event = load_event("object-created-malformed")
    assert function.handle(event) == [event["Records"][0]["messageId"]]


@pytest.mark.parametrize(
    ("name", "suffix", "reason"),
    [
        ("object-created-folder-marker", "", "folder-marker"),
        ("object-created-zero-bytes", "", "zero-bytes"),
        ("object-created-wrong-prefix", "", "prefix"),
        ("object-created-wrong-suffix", ".jsonl", "suffix"),
        ("object-created-own-output", "", "own-output"),
        ("object-deleted", "", "object-deleted"),
    ],
)
def test_what_starts_no_run_is_counted_and_logged_with_its_reason(
    capsys, load_event, name, suffix, reason
):
    function, event = Function(capsys, LANDING_SUFFIX=suffix), load_event(name)
    assert function.handle(event) == []
    assert (function.executions.started, function.dead.put_there) == ({}, [])
    printed = function.printed()
    assert printed.count("LandingsIgnored", Reason=reason) == len(event["Records"])
    assert [line["reason"] for line in printed.logs] == [reason] * len(event["Records"])


def test_a_repeated_delivery_succeeds_and_starts_nothing_more(function, load_event):
    assert function.handle(load_event("object-created-twice")) == []
    function.executions.closed |= set(function.executions.started)
    function.printed()
    assert function.handle(load_event("object-created-twice")) == []
    assert len(function.executions.started) == 1
    printed = function.printed()
    assert (printed.count("DuplicateDeliveries"), printed.count("RunsStarted")) == (2, 0)


def test_a_repetition_after_a_change_of_settings_counts_the_mismatch(function, load_event):
    function.handle(load_event("object-created"))
    function.write_to("elsewhere/")
    assert function.handle(load_event("object-created")) == []
    assert len(function.executions.started) == 1
    printed = function.printed()
    assert (printed.count("InputMismatches"), printed.count("DuplicateDeliveries")) == (1, 1)


def test_two_versions_of_one_key_start_two_runs(function, load_event):
    function.handle(load_event("object-created-versions"))
    assert len(function.executions.started) == 2
    assert function.printed().count("RunsStarted") == 2


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_in_a_mixed_batch_each_message_is_processed_by_itself(capsys, load_event, start_on):
    function = Function(capsys, START_ON=start_on)
    assert function.handle(load_event("object-created-mixed-batch")) == []
    assert len(function.executions.started) + len(function.landings.items) == 2
    assert len(function.dead.put_there) == 2
    assert function.printed().count("LandingsIgnored") == 2


@pytest.mark.parametrize("name", ["object-created", "object-created-batch"])
def test_a_failed_call_fails_its_message_alone_and_the_log_names_the_run(
    function, load_event, name
):
    event = load_event(name)
    unlucky = messages(event)[-1]
    refusal = ServiceError("states:StartExecution", "ExecutionLimitExceeded", "too many")
    function.executions.failing[key_of(unlucky)] = refusal
    assert function.handle(event) == [event["Records"][-1]["messageId"]]
    assert len(function.executions.started) == len(event["Records"]) - 1
    printed = function.printed()
    assert printed.count("MessagesFailed") == 1
    runs = [line["run"] for line in printed.logs]
    assert len(set(runs)) == len(event["Records"])
    assert set(function.executions.started) < set(runs)


def test_the_messages_of_a_batch_overlap(function, load_event, monkeypatch, root):
    together, start = threading.Barrier(function.module.BATCH_SIZE), function.executions.start

    def started(run):
        together.wait(20)
        return start(run)

    monkeypatch.setattr(function.executions, "start", started)
    assert function.handle(load_event("object-created-batch")) == []
    template = (root / "template.yaml").read_text(encoding="utf-8")
    assert f"BatchSize: {function.module.BATCH_SIZE}\n" in template


def test_a_process_that_dies_in_a_message_answers_nothing(function, load_event, monkeypatch):
    class Killed(BaseException):
        pass

    def die(run):
        raise Killed

    monkeypatch.setattr(function.executions, "start", die)
    with pytest.raises(Killed):
        function.handle(load_event("object-created-batch"))


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": "no"}, {"detail": {}}])
def test_an_event_that_is_no_batch_of_a_queue_is_an_error(function, event):
    with pytest.raises(Exception, match=r"SQS|event"):
        function.module.handler(event, Context())


def test_when_landings_collect_each_is_recorded_for_the_tick(collecting, load_event):
    event = load_event("object-created-batch")
    assert collecting.handle(event) == []
    waiting = {found.landing.key for found in collecting.landings.items.values() if found.waiting}
    assert waiting == set(map(key_of, messages(event)))
    assert collecting.printed().count("LandingsRecorded") == 10


@pytest.mark.parametrize(
    ("name", "reverse", "metrics"),
    [
        ("object-created-twice", False, {"LandingsRecorded": 1, "DuplicateDeliveries": 1}),
        ("object-created-versions", False, {"LandingsRecorded": 2, "LandingsSuperseded": 1}),
        ("object-created-versions", True, {"LandingsRecorded": 2, "LandingsSuperseded": 1}),
    ],
)
def test_the_newest_version_of_a_key_is_recorded_in_whatever_order_they_come(
    collecting, load_event, name, reverse, metrics
):
    event = load_event(name)
    newest = messages(event)[-1]["detail"]["object"]["version-id"]
    if reverse:
        event["Records"].reverse()
    collecting.handle(event)
    [found] = collecting.landings.items.values()
    assert found.landing.version_id == newest
    printed = collecting.printed()
    assert {name: printed.count(name) for name in metrics} == metrics


@pytest.mark.parametrize(
    ("start_on", "services"),
    [("schedule", {"sqs", "dynamodb"}), ("arrival", {"sqs", "s3", "stepfunctions"})],
)
def test_the_clients_of_a_mode_are_made_at_init_and_no_others(capsys, start_on, services):
    assert set(Function(capsys, START_ON=start_on).services) == services
