"""The handler of ticks: what a tick reads, and what it answers.

tests/faults/test_cases_ticks.py has the ticks that come again, late or at once, or die.
"""

from __future__ import annotations

import json

import pytest

from landrun.adapters.s3_listing import ListedObject
from landrun.errors import ConfigurationError, InvalidEvent

OBJECTS = [
    ListedObject("incoming/2026/", 0),
    ListedObject("incoming/2026/a.csv", 10),
    ListedObject("incoming/2026/b.csv", 0),
    ListedObject("incoming/2026/c+d.csv", 10),
    ListedObject("incoming/2026/../e.csv", 10),
    ListedObject("incoming/2025/old.csv", 10),
]
COLLECTING = {"START_ON": "schedule", "SCHEDULED_INPUT": "", "MAX_OBJECTS_PER_RUN": "2"}


@pytest.fixture
def function(load):
    function = load("schedule")
    function.manifests.objects += OBJECTS
    return function


@pytest.mark.parametrize("name", ["schedule-tick", "schedule-classic", "schedule-default-input"])
def test_a_tick_starts_one_run_over_what_lies_under_the_prefix(function, load_event, printed, name):
    answer = function.call(load_event(name))
    [(run, manifest)] = function.manifests.stored.items()
    assert manifest.keys == ("incoming/2026/a.csv", "incoming/2026/c+d.csv")
    arn = function.executions.arn(run)
    assert answer == {"PreprocessingJobName": run, "ExecutionArn": arn, "Objects": 2}
    output = printed()
    assert output.count("RunsStarted") == 1
    for reason in ("folder-marker", "zero-bytes", "unreadable-key"):
        assert output.count("LandingsIgnored", Reason=reason) == 1


@pytest.mark.parametrize("input_format", ["manifest", "uri"])
def test_input_and_manifest_of_a_run_have_its_schedule_due_time_and_prefix(
    load, load_event, input_format
):
    function = load("schedule", INPUT_MESSAGE_FORMAT=input_format)
    event = load_event("schedule-tick")
    function.manifests.objects += OBJECTS
    function.call(event)
    [text], [manifest] = function.executions.started.values(), function.manifests.stored.values()
    given = {"ScheduleArn": event["ScheduleArn"], "ScheduledTime": event["ScheduledTime"]}
    assert json.loads(text)["Trigger"] == {"Kind": "schedule"} | given
    assert manifest.trigger.to_dict() == {"Kind": "schedule"} | given
    assert str(manifest.prefix) == "s3://landings/incoming/2026/"
    uri = manifest.prefix if input_format == "uri" else manifest.uri
    assert json.loads(text)["InputMessage"] == str(uri)


@pytest.mark.parametrize("variables", [{}, COLLECTING], ids=["prefix", "landings"])
def test_a_tick_with_nothing_to_read_starts_no_run_and_says_so(
    load, load_event, printed, variables
):
    function = load("schedule", **variables)
    assert function.call(load_event("schedule-tick")) == {"Objects": 0}
    assert (function.manifests.stored, function.executions.started) == ({}, {})
    assert printed().count("TicksWithoutObjects") == 1


@pytest.mark.parametrize(
    ("name", "variables", "error", "words"),
    [
        ("schedule-unfilled", {}, InvalidEvent, r"<aws\.scheduler"),
        ("schedule-tick", {"SCHEDULED_INPUT": ""}, ConfigurationError, "ScheduledInput"),
    ],
)
def test_a_tick_that_cannot_be_read_is_an_error_with_the_remedy(
    load, load_event, name, variables, error, words
):
    with pytest.raises(error, match=words):
        load("schedule", **variables).call(load_event(name))
