"""The handler of ticks, loaded as Lambda loads it, with fakes of the adapters."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from handler_loader import ENVIRONMENT, Context, Printed, load_handler
from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ConfigurationError, InvalidEvent
from landrun.models.s3_uri import S3Uri
from landrun.services.collect_landings import LandingCollector
from landrun.services.start_run import RunStarter

from .conftest import NOW, FakeExecutions, FakeManifests
from .fakes_landings import FakeLandingsTable

OWN = {"MAX_OBJECTS_PER_RUN": "2", "SCHEDULE_TIMEZONE": "UTC"}
OBJECTS = [
    ListedObject("incoming/2026/", 0),
    ListedObject("incoming/2026/a.csv", 10),
    ListedObject("incoming/2026/b.csv", 0),
    ListedObject("incoming/2026/c+d.csv", 10),
    ListedObject("incoming/2026/../e.csv", 10),
    ListedObject("incoming/2025/old.csv", 10),
]


class Function:
    """The function after a cold start; variables may be changed by name."""

    def __init__(self, capsys: pytest.CaptureFixture[str], **variables: str) -> None:
        self._capsys = capsys
        self.services: list[str] = []
        self.manifests, self.executions = FakeManifests(objects=list(OBJECTS)), FakeExecutions()
        self.landings = FakeLandingsTable()
        self.module = module = load_handler("schedule", ENVIRONMENT | OWN | variables, self._client)
        output, given = S3Uri("outputs", "processed/"), module.settings.input_message_format
        module.manifests = self.manifests
        module.run_starter = RunStarter(self.manifests, self.executions, output, given, lambda: NOW)
        if hasattr(module, "collector"):
            module.collector = LandingCollector(
                self.landings, self.manifests, module.run_starter, "landrun", 2
            )

    def _client(self, service: str) -> Any:
        self.services.append(service)
        return SimpleNamespace()

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        return self.module.handler(event, Context())

    def printed(self) -> Printed:
        return Printed(self._capsys.readouterr().out)


@pytest.fixture
def function(capsys):
    return Function(capsys)


@pytest.fixture
def collecting(capsys):
    return Function(capsys, START_ON="schedule", SCHEDULED_INPUT="")


@pytest.mark.parametrize("name", ["schedule-tick", "schedule-classic", "schedule-default-input"])
def test_a_tick_starts_one_run_over_what_lies_under_the_prefix(function, load_event, name):
    answer = function.handle(load_event(name))
    [(run, manifest)] = function.manifests.stored.items()
    assert manifest.keys == ("incoming/2026/a.csv", "incoming/2026/c+d.csv")
    arn = function.executions.arn(run)
    assert answer == {"PreprocessingJobName": run, "ExecutionArn": arn, "Objects": 2}
    printed = function.printed()
    assert printed.count("RunsStarted") == 1
    for reason in ("folder-marker", "zero-bytes", "unreadable-key"):
        assert printed.count("LandingsIgnored", Reason=reason) == 1


def test_with_uri_the_input_message_is_the_scheduled_prefix(capsys, load_event):
    function = Function(capsys, INPUT_MESSAGE_FORMAT="uri")
    function.handle(load_event("schedule-tick"))
    [text], [manifest] = function.executions.started.values(), function.manifests.stored.values()
    assert json.loads(text)["InputMessage"] == "s3://landings/incoming/2026/"
    assert manifest.prefix == S3Uri("landings", "incoming/2026/")
    assert len(manifest.keys) == 2


@pytest.mark.parametrize("mode", ["function", "collecting"])
def test_a_tick_with_nothing_to_read_starts_no_run_and_says_so(request, load_event, mode):
    function = request.getfixturevalue(mode)
    function.manifests.objects.clear()
    assert function.handle(load_event("schedule-tick")) == {"Objects": 0}
    assert (function.manifests.stored, function.executions.started) == ({}, {})
    assert function.printed().count("TicksWithoutObjects") == 1


@pytest.mark.parametrize("died", [False, True])
def test_a_second_attempt_of_a_tick_continues_with_the_manifest_of_the_first(
    function, load_event, died
):
    first = function.handle(load_event("schedule-tick"))
    function.manifests.objects.append(ListedObject("incoming/2026/late.csv", 1))
    if died:  # after its manifest was written
        function.executions.started.clear()
    assert function.handle(load_event("schedule-tick")) == first
    assert list(function.executions.started) == [first["PreprocessingJobName"]]


def test_the_trigger_is_the_schedule_and_its_due_time_in_input_and_manifest(function, load_event):
    event = load_event("schedule-tick")
    function.handle(event)
    [text], [manifest] = function.executions.started.values(), function.manifests.stored.values()
    given = {"ScheduleArn": event["ScheduleArn"], "ScheduledTime": event["ScheduledTime"]}
    assert json.loads(text)["Trigger"] == {"Kind": "schedule"} | given
    assert manifest.trigger.to_dict() == {"Kind": "schedule"} | given


def test_a_payload_whose_attributes_were_not_filled_in_is_an_error(function, load_event):
    with pytest.raises(InvalidEvent, match=r"<aws\.scheduler"):
        function.handle(load_event("schedule-unfilled"))


def test_without_a_scheduled_input_a_tick_is_an_error_that_names_the_parameter(capsys, load_event):
    function = Function(capsys, SCHEDULED_INPUT="")
    with pytest.raises(ConfigurationError, match="ScheduledInput"):
        function.handle(load_event("schedule-tick"))


@pytest.mark.parametrize(
    ("keys", "sizes"), [(["incoming/a", "incoming/b"], [2]), (list("abc"), [2, 1])]
)
def test_a_tick_over_landings_answers_with_each_of_its_runs(
    collecting, load_event, landed, keys, sizes
):
    for key in keys:
        collecting.landings.record(landed(key))
    answer = collecting.handle(load_event("schedule-tick"))
    started = list(collecting.executions.started)
    runs = answer.pop("Runs", [answer])
    assert [run["PreprocessingJobName"] for run in runs] == started
    assert [run["Objects"] for run in runs] == sizes
    assert answer == runs[0] | {"Objects": len(keys)}
    assert collecting.printed().count("RunsStarted") == len(sizes)
    assert collecting.manifests.listed == []


@pytest.mark.parametrize(
    ("variables", "services"),
    [
        ({"START_ON": "schedule", "SCHEDULED_INPUT": ""}, {"s3", "stepfunctions", "dynamodb"}),
        ({}, {"s3", "stepfunctions"}),
    ],
)
def test_the_clients_of_a_mode_are_made_at_init_and_no_others(capsys, variables, services):
    assert set(Function(capsys, **variables).services) == services
