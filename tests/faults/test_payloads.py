"""What each payload of events/ comes to, and what the functions answer and log."""

from __future__ import annotations

import json

import pytest

from landrun.errors import ConfigurationError, InvalidEvent

from .faulty import throttled
from .world import World

COUNTED = {"arrival": "RunsStarted", "schedule": "LandingsRecorded"}


@pytest.mark.case(13, 14, 15, 16)
@pytest.mark.parametrize(
    ("name", "landed", "refused", "ignored"),
    [
        ("object-created", 1, 0, []),
        ("object-created-unversioned", 1, 0, []),
        ("object-created-version-null", 1, 0, []),
        ("object-created-batch", 10, 0, []),
        ("object-created-odd-keys", 10, 0, []),
        ("object-created-multipart", 1, 0, []),
        ("object-created-copy", 1, 0, []),
        ("object-created-post", 1, 0, []),
        ("object-created-versions", 2, 0, []),
        ("object-created-mixed-batch", 2, 2, ["folder-marker", "prefix"]),
        ("object-created-malformed", 0, 1, []),
        ("object-created-test-event", 0, 1, []),
        ("object-created-refused-keys", 0, 5, []),
        ("object-created-folder-marker", 0, 0, ["folder-marker"]),
        ("object-created-zero-bytes", 0, 0, ["zero-bytes"]),
        ("object-created-wrong-prefix", 0, 0, ["prefix"]),
        ("object-created-own-output", 0, 0, ["own-output", "own-output"]),
        ("object-deleted", 0, 0, ["object-deleted"]),
    ],
)
@pytest.mark.parametrize("mode", COUNTED)
def test_a_landing_is_run_or_recorded_unless_it_is_refused_or_ignored_with_a_reason(
    load_event, mode, name, landed, refused, ignored
):
    with World(mode) as world:
        outcome = world.invoke("ObjectCreated", load_event(name))
        assert outcome.answer == {"batchItemFailures": []}
        assert world.metrics[COUNTED[mode], ""] == landed
        assert world.metrics["MessagesRefused", ""] == refused
        bodies = [record["body"] for record in load_event(name)["Records"]]
        dead = world.dead("landings")
        assert len(dead) == refused
        assert all(reason and body in bodies for body, reason in dead)
        counted = [name for name, reason in world.metrics if name == "LandingsIgnored"]
        assert len(counted) == len(set(ignored))
        for reason in ignored:
            assert world.metrics["LandingsIgnored", reason] == ignored.count(reason)


@pytest.mark.parametrize("input_format", ["manifest", "uri"])
def test_the_input_of_a_run_has_the_whole_landing(input_format):
    with World() as world:
        world.reconfigure("ObjectCreated", INPUT_MESSAGE_FORMAT=input_format)
        landed = world.land("incoming/a+b.jsonl")
        world.drain()
    [(name, execution)] = world.executions().items()
    given, detail = json.loads(execution.input), landed.event["detail"]
    bucket, said = detail["bucket"]["name"], detail["object"]
    assert given["Trigger"] == {
        "Kind": "object-created",
        "Bucket": bucket,
        "Key": said["key"],
        "VersionId": said["version-id"],
        "Sequencer": said["sequencer"],
        "Size": said["size"],
        "EventTime": landed.event["time"],
    }
    output = f"s3://{world.stack.name('OutputBucket')}"
    uri = f"s3://{bucket}/{said['key']}"
    reads = uri if input_format == "uri" else f"{output}/manifests/{name}.json"
    assert (given["PreprocessingJobName"], given["InputMessage"]) == (name, reads)
    assert given["OutputProcessedMessage"] == f"{output}/processed/{name}/"


@pytest.fixture
def scheduled():
    """A World with objects under the scheduled input, of which a run can read two."""
    with World(ScheduledInput="incoming/{date:%Y}/") as world:
        for key, body in (
            ("incoming/2026/", b""),
            ("incoming/2026/a.csv", b"data"),
            ("incoming/2026/b.csv", b""),
            ("incoming/2026/c+d.csv", b"data"),
            ("incoming/2026/../e.csv", b"data"),
            ("incoming/2025/old.csv", b"data"),
        ):
            world.land(key, body, copies=0, expected=False)
        yield world


@pytest.mark.parametrize("name", ["schedule-tick", "schedule-classic", "schedule-default-input"])
@pytest.mark.parametrize("input_format", ["manifest", "uri"])
def test_a_tick_starts_one_run_over_what_lies_under_the_prefix(
    scheduled, load_event, name, input_format
):
    scheduled.reconfigure("Schedule", INPUT_MESSAGE_FORMAT=input_format)
    event = load_event(name)
    answer = scheduled.invoke("Schedule", event).answer
    [(run, execution)] = scheduled.executions().items()
    expected = {"PreprocessingJobName": run, "ExecutionArn": execution.arn, "Objects": 2}
    assert answer == expected
    assert scheduled.keys(run) == ["incoming/2026/a.csv", "incoming/2026/c+d.csv"]
    given = json.loads(execution.input)
    arn = event["ScheduleArn"] if name == "schedule-tick" else event["resources"][0]
    due = "2026-11-22T03:00:00Z"
    assert given["Trigger"] == {"Kind": "schedule", "ScheduleArn": arn, "ScheduledTime": due}
    prefix = f"s3://{scheduled.stack.name('LandingBucket')}/incoming/2026/"
    assert (given["InputMessage"] == prefix) == (input_format == "uri")
    for reason in ("folder-marker", "zero-bytes", "unreadable-key"):
        assert scheduled.metrics["LandingsIgnored", reason] == 1


@pytest.mark.parametrize(
    ("name", "source", "error", "words"),
    [
        ("schedule-unfilled", "s3://elsewhere/in/", InvalidEvent, "<aws.scheduler"),
        ("schedule-tick", "", ConfigurationError, "ScheduledInput"),
    ],
)
def test_a_tick_that_cannot_be_read_is_an_error_with_the_remedy(
    world, load_event, name, source, error, words
):
    world.reconfigure("Schedule", SCHEDULED_INPUT=source)
    outcome = world.invoke("Schedule", load_event(name))
    assert isinstance(outcome.error, error)
    assert words in str(outcome.error)


@pytest.mark.parametrize("seconds", [None, 0, 0.5, 7_776_000])
def test_by_hand_the_grace_of_reconcile_is_a_number_of_seconds(world, seconds):
    assert world.invoke("Reconcile", {"GraceSeconds": seconds}).ok


@pytest.mark.parametrize(
    "seconds", [-1, -0.1, "0", "ten", True, False, [], {}, 7_776_001, 1e300, float("nan")]
)
def test_a_grace_that_is_no_number_of_seconds_is_refused_with_what_to_pass(world, seconds):
    outcome = world.invoke("Reconcile", {"GraceSeconds": seconds})
    assert isinstance(outcome.error, InvalidEvent)
    assert "pass a number of seconds" in str(outcome.error)


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("call", "recorded"),
    [(("s3", "list_objects_v2"), "RUNNING"), (("dynamodb", "transact_write_items"), "SUCCEEDED")],
    ids=["recorder", "limiter"],
)
def test_a_failure_to_record_or_to_limit_fails_the_message_and_does_not_stop_the_other(
    new_world, call, recorded
):
    world = new_world(MaxConcurrentRuns="1")
    for key in "ab":
        world.clock.advance(1)
        world.land(f"incoming/{key}.jsonl")
        world.drain()
    world.drain("statuses")
    first, second = world.executions()
    world.clock.advance(60)
    world.finish(first)
    world.faults.when(*call, throttled())
    [outcome] = world.drain("statuses")
    assert len(outcome.answer["batchItemFailures"]) == world.metrics["MessagesFailed", ""] == 1
    assert world.rows()[first]["status"] == recorded
    assert (second in world.processing()) == (recorded == "RUNNING")


def test_the_log_lines_of_a_message_name_its_run(world):
    quiet = {"POWERTOOLS_LOG_LEVEL": "INFO", "POWERTOOLS_SERVICE_NAME": "landrun-logged"}
    world.reconfigure("ObjectCreated", **quiet)
    world.land("incoming/a.jsonl")
    world.drain()
    assert {line["run"] for line in world.functions.logs} == {*world.executions()}
