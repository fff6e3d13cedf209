"""What is on the record: status events doubled, lost, late, cut, in any order, and never back."""

import itertools
import json

import pytest

from landrun.adapters import outputs

from . import inside
from .faulty import (
    at_each_call,
    killed_before,
    meanwhile,
    refused,
    response_lost,
    throttled,
    unreachable,
)
from .invariants import FAILED, violations
from .stack import client
from .world import World


class Run:
    """A World with one run, whose status events are kept back: ``events`` has them in order."""

    def __init__(self, world):
        self.world = world
        self.events = []
        world.fate = self._keep
        world.land("incoming/a.jsonl")
        world.drain()
        *_, self.name = world.executions()

    def _keep(self, event):
        self.events.append(event)
        return []

    def send(self, *events):
        for event in events:
            self.world.statuses.send(json.dumps(event))
            self.world.drain("statuses")

    def end(self, status="SUCCEEDED", *, given=None, **detail):
        """End the run; give its event with other fields, and other fields in its input."""
        self.world.clock.advance(60)
        self.world.finish(self.name, status)
        event = self.events[-1]
        event["detail"] |= detail
        if given is not None:
            event["detail"]["input"] = json.dumps(given)
        return event

    def put(self, key, body=b"12345", bucket="OutputBucket"):
        client("s3").put_object(Bucket=self.world.stack.name(bucket), Key=key, Body=body)

    @property
    def row(self):
        return self.world.rows()[self.name]


@pytest.fixture
def run(world):
    return Run(world)


@pytest.fixture
def loose():
    """A run whose status events a test changes: the World does not come to rest with them."""
    with World() as world:
        yield Run(world)


def fail_without_a_word(world, name):
    job = f"{name}-0123abcd"
    inside.job(job, "Failed")
    inside.log(job, "ValueError: no text")
    return world.finish(name, "TIMED_OUT", job=job)


@pytest.mark.case(18, 20)
@pytest.mark.parametrize("status", [*FAILED, "SUCCEEDED"])
def test_events_that_come_again_after_the_end_change_nothing_and_notify_once(run, status):
    run.end(status)
    begun, ended = run.events
    run.send(begun, ended)
    before = run.row
    assert before["status"] == status
    other = json.loads(json.dumps(ended))
    other["detail"]["status"] = "FAILED" if status == "SUCCEEDED" else "SUCCEEDED"
    run.send(begun, ended, other, ended, begun)
    assert run.world.rows() == {run.name: before}
    assert len(run.world.published) == (status in FAILED)
    assert run.world.metrics["Executions", status] == 1
    assert run.world.metrics["StatusChangesSuperseded", ""] == 5


another_message = meanwhile(lambda world: world.drain("statuses"))


@pytest.mark.case(18)
@pytest.mark.parametrize("fault", [killed_before(), response_lost(), another_message])
def test_failure_that_comes_twice_is_notified_once_whoever_dies_and_however_they_interleave(fault):
    for world in at_each_call(World, fault, "ExecutionStatus"):
        run = Run(world)
        fail_without_a_word(world, run.name)
        messages = [world.statuses.send(json.dumps(run.events[-1])) for _ in range(2)]
        world.statuses.receive(1)
        world.hand("statuses", messages[:1])
        assert violations(world) == []
        assert world.settle() == []
        assert len(world.published) == 1 + world.history.notified_twice_by_crash[run.name]


@pytest.mark.case(18)
def test_function_that_dies_between_write_and_publish_leaves_it_to_reconcile(run):
    run.world.finish(run.name, "FAILED")
    run.world.faults.when("sns", "publish", killed_before())
    run.send(run.events[-1])
    run.world.statuses.messages.clear()
    assert run.row["unfinished"] == "notification"
    run.world.clock.advance(600)
    answers = [run.world.reconcile(None).answer["Notifications"] for _ in range(2)]
    assert answers == [1, 0]
    assert len(run.world.published) == 1
    assert "unfinished" not in run.row


# ---- 21: redrives


@pytest.mark.case(21)
def test_failed_redriven_succeeded_ends_succeeded_in_whatever_order_they_come(world):
    for order in [(*order, 0) for order in itertools.permutations(range(1, 4))]:
        run = Run(world)
        world.finish(run.name, "FAILED")
        world.redrive(run.name)
        world.finish(run.name, "SUCCEEDED")
        run.send(*(run.events[index] for index in order))
        assert (run.row["status"], run.row["redrive_count"]) == ("SUCCEEDED", 1)
        failure_came_first = order.index(1) < min(order.index(2), order.index(3))
        assert world.history.notified[run.name] == failure_came_first
    assert violations(world) == []


@pytest.mark.case(21)
def test_redrive_waits_for_a_failure_whose_notification_is_pending(run):
    run.world.finish(run.name, "FAILED")
    run.world.redrive(run.name)
    run.world.faults.when("sns", "publish", killed_before())
    run.send(*run.events[1:])
    assert run.row["status"] == "FAILED"
    assert run.world.settle() == []
    assert (run.row["status"], len(run.world.published)) == ("RUNNING", 1)


# ---- 22: events that lack something


@pytest.mark.case(22)
@pytest.mark.parametrize("left_out", ["output", "input"])
def test_what_the_event_does_not_include_is_fetched(run, left_out):
    ended = run.end()
    given = ended["detail"][left_out]
    ended["detail"] |= {left_out: None, f"{left_out}Details": {"included": False}}
    run.send(ended)
    assert run.world.faults.counts["stepfunctions", "describe_execution"] == 1
    expected = {"output": given, "input": json.loads(given).get("InputMessage")}[left_out]
    assert run.row["output" if left_out == "output" else "input_message"] == expected


@pytest.mark.case(22)
def test_event_of_an_execution_that_is_forgotten_makes_a_row_without_what_it_lacks(run):
    ended = run.end(output=None, outputDetails={"included": False})
    run.world.forget(run.name)
    run.send(ended)
    assert run.row["status"] == "SUCCEEDED"
    assert "output" not in run.row
    assert run.world.dead("statuses") == []


# ---- What the record has, and what may keep it from having more


@pytest.mark.case(23)
def test_a_completion_before_its_start_makes_a_full_row_with_job_output_and_summary(loose):
    for name in "ab":
        loose.put(f"processed/{loose.name}/{name}.parquet")
    loose.put(f"processed/{loose.name}/summary.json", b'{"rows_in": 10}')
    event = loose.end()
    loose.send(event)
    row, job = loose.row, json.loads(event["detail"]["output"])
    assert row["input_message"] == json.loads(event["detail"]["input"])["InputMessage"]
    assert row["trigger"]["Key"] == "incoming/a.jsonl"
    seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]) / 1000
    assert row["duration_seconds"] == pytest.approx(60, abs=1)
    assert row["job_name"] == job["ProcessingJobName"]
    assert float(row["instance_seconds"]) == pytest.approx(seconds)
    assert (row["output_objects"], row["output_bytes"]) == (3, 25)
    assert row["summary"] == {"rows_in": 10}
    assert loose.world.metrics["RunDuration", ""] == pytest.approx(60, abs=1)
    loose.send(loose.events[0])
    assert loose.row == row


BARE = "AlgorithmError: , exit code: 1"
TRACEBACK = "rows: 1\nTraceback (most recent call last):\n  File …\nKeyError: 'text'"


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("job", "fault", "exit_message"),
    [
        ({}, None, "KeyError: 'text'"),
        ({}, ("describe_log_streams", throttled()), BARE),
        ({}, ("get_log_events", unreachable()), BARE),
        ({"ExitMessage": "no text column"}, None, "no text column"),
    ],
)
def test_a_job_that_fails_without_a_word_is_recorded_with_the_error_in_its_log_if_it_can_be_read(
    loose, job, fault, exit_message
):
    failed = {"ProcessingJobName": "job-1", "ProcessingJobStatus": "Failed", "FailureReason": BARE}
    inside.log("job-1", TRACEBACK)
    if fault:
        loose.world.faults.when("logs", *fault)
    loose.send(loose.end("FAILED", cause=json.dumps(failed | job)))
    assert loose.row["exit_message"] == exit_message
    [(_, message)] = loose.world.published
    assert f"Exit message: {exit_message}" in message


@pytest.mark.parametrize("code", ["AccessDenied", "ParamValidationError", "InvalidBucketName"])
def test_a_problem_of_the_output_does_not_keep_an_end_from_the_record(loose, code):
    loose.world.faults.when("s3", "list_objects_v2", refused(code))
    loose.send(loose.end())
    assert loose.row["status"] == "SUCCEEDED"
    assert code in loose.row["output_problem"]


def test_an_output_of_many_objects_is_measured_up_to_a_limit_and_none_elsewhere(loose, monkeypatch):
    monkeypatch.setattr(outputs, "OBJECTS_COUNTED", 1)
    for name in "ab":
        loose.put(f"processed/{loose.name}/{name}.parquet")
    loose.send(loose.end())
    assert "objects only" in loose.row["output_problem"]
    other = Run(loose.world)
    other.send(other.end(given={"OutputProcessedMessage": "https://evil.example/\x1b[2J"}))
    assert r"'https://evil.example/\x1b[2J' is not an S3 URI" in other.row["output_problem"]


@pytest.mark.case(24)
@pytest.mark.parametrize("field", ["OutputProcessedMessage", "InputMessage"])
def test_what_s3_does_not_show_for_now_lets_the_message_come_again(loose, field):
    uri = f"s3://{loose.world.stack.name('LandingBucket')}/incoming/a.csv"
    event = loose.end(given={field: uri})
    loose.world.faults.when("s3", "list_objects_v2", throttled())
    loose.send(event)
    assert loose.world.rows() == {}
    loose.world.later("statuses")
    assert loose.row["status"] == "SUCCEEDED"


@pytest.mark.parametrize("code", [None, "AccessDenied"])
def test_other_objects_that_the_input_matches_are_recorded_with_a_warning(loose, code):
    bucket = loose.world.stack.name("LandingBucket")
    for key in ("archive/a.csv", "archive/a.csv.bak"):
        loose.put(key, bucket="LandingBucket")
    if code:  # which costs the comparison, and nothing else
        loose.world.faults.when("s3", "list_objects_v2", refused(code))
    loose.send(loose.end(given={"InputMessage": f"s3://{bucket}/archive/a.csv"}))
    assert loose.row["status"] == "SUCCEEDED"
    assert loose.row.get("input_also_matches") == (None if code else ["archive/a.csv.bak"])
    others = [line["others"] for line in loose.world.functions.logs if "others" in line]
    assert others == ([] if code else [["archive/a.csv.bak"]])
