"""The record of an execution's outcome, and that each failure is told once, whatever dies."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from landrun.adapters.outputs import OutputSize
from landrun.adapters.runs_table import RUNNING, UNTOLD
from landrun.errors import NotificationPending, ServiceError
from landrun.models.status_change import StatusChange, parse_status_change
from landrun.services.record_outcome import LEASE, OutcomeRecorder

from .conftest import (
    Clock,
    FakeExecutions,
    FakeJobs,
    FakeLedger,
    FakeNotifications,
    FakeOutputs,
    Fate,
    Killed,
)

DOWN = ServiceError("sns:Publish", "InternalError", "later")


@pytest.fixture
def change(load_event):
    """``change("execution-failed")`` is the status change of that event."""

    def parse(name: str) -> StatusChange:
        return parse_status_change(load_event(name)["Records"][0]["body"])

    return parse


@pytest.fixture
def landrun(telemetry):
    doors = {
        "executions": FakeExecutions(),
        "jobs": FakeJobs(),
        "outputs": FakeOutputs(),
        "ledger": FakeLedger(),
        "notifications": FakeNotifications(),
    }
    clock = Clock()
    recorder = OutcomeRecorder(**doors, telemetry=telemetry, clock=clock)
    return SimpleNamespace(recorder=recorder, clock=clock, **doors)


@pytest.fixture
def told(told, telemetry):
    """Counts leave at the end of an invocation; here, when they are looked at."""

    def flushed() -> Any:
        telemetry.flush()
        return told()

    return flushed


def mortal(landrun: Any, fate: Fate) -> OutcomeRecorder:
    """The same function in a process that something happens to."""
    doors = ("executions", "jobs", "outputs", "ledger", "notifications")
    return replace(landrun.recorder, **{name: fate.over(getattr(landrun, name)) for name in doors})


def the_row(landrun: Any) -> dict[str, Any]:
    [row] = landrun.ledger.rows.values()
    return row


# ---- What is still to come of a row


def test_a_row_is_unfinished_while_its_execution_runs(landrun, change):
    assert landrun.recorder.record(change("execution-running"))
    assert the_row(landrun)["unfinished"] == RUNNING


@pytest.mark.parametrize(
    "name",
    ["execution-succeeded", "execution-failed", "execution-timed-out", "execution-aborted"],
)
def test_nothing_is_still_to_come_of_a_run_that_has_ended_and_been_told(landrun, change, name):
    assert landrun.recorder.record(change(name))
    assert not {"unfinished", "notification_due_at"} & the_row(landrun).keys()


def test_the_note_that_a_failure_is_to_be_told_is_in_the_very_write_that_records_it(
    landrun, change
):
    with pytest.raises(Killed):
        mortal(landrun, Fate(3, after=True)).record(change("execution-failed"))
    row = the_row(landrun)
    assert (row["status"], row["unfinished"]) == ("FAILED", UNTOLD)
    due_at = (landrun.clock() + LEASE).isoformat(timespec="microseconds")
    assert row["notification_due_at"] == due_at
    assert landrun.notifications.published == []


def test_a_success_is_never_to_be_told(landrun, change):
    landrun.recorder.record(change("execution-succeeded"))
    assert landrun.notifications.published == []
    assert landrun.ledger.unfinished(UNTOLD) == []


# ---- Repeated, late


def test_the_same_failure_again_changes_nothing_and_is_not_told_again(landrun, change, told):
    assert landrun.recorder.record(change("execution-failed"))
    before = dict(the_row(landrun))
    landrun.clock.advance(hours=1)
    assert not landrun.recorder.record(change("execution-failed"))
    assert the_row(landrun) == before
    assert len(landrun.notifications.published) == 1
    assert told().count("StatusChangesSuperseded") == 1


def test_a_write_whose_answer_was_lost_is_known_as_ones_own_and_told(landrun, change, told):
    """botocore sends a call again when no answer came: the second is refused by the first."""
    landrun.ledger.answer_lost = True
    assert landrun.recorder.record(change("execution-failed"))
    assert len(landrun.notifications.published) == 1
    output = told()
    assert output.count("StatusChangesSuperseded") == 0
    assert output.count("Executions", Status="FAILED") == 1


def test_an_outcome_is_measured_once(landrun, change, told):
    for _ in range(3):
        landrun.recorder.record(change("execution-failed"))
    assert told().count("Executions", Status="FAILED") == 1


# ---- Dead between recording and telling


def test_a_failure_that_was_recorded_but_not_told_is_told_by_the_redelivered_event(landrun, change):
    with pytest.raises(Killed):
        mortal(landrun, Fate(3, after=True)).record(change("execution-failed"))
    landrun.clock.advance(seconds=LEASE.total_seconds())
    assert not landrun.recorder.record(change("execution-failed"))
    assert len(landrun.notifications.published) == 1
    assert "unfinished" not in the_row(landrun)


def test_while_whoever_recorded_a_failure_may_still_tell_it_nobody_else_does(landrun, change):
    with pytest.raises(Killed):
        mortal(landrun, Fate(3, after=True)).record(change("execution-failed"))
    landrun.clock.advance(seconds=LEASE.total_seconds() - 0.001)
    assert not landrun.recorder.record(change("execution-failed"))
    assert not landrun.recorder.tell_overdue(the_row(landrun))
    assert landrun.notifications.published == []
    assert the_row(landrun)["unfinished"] == UNTOLD


def test_of_two_that_find_a_failure_overdue_one_tells_it(landrun, change):
    with pytest.raises(Killed):
        mortal(landrun, Fate(3, after=True)).record(change("execution-failed"))
    landrun.clock.advance(minutes=5)
    seen = [dict(the_row(landrun)) for _ in range(2)]
    assert [landrun.recorder.tell_overdue(row) for row in seen] == [True, False]
    assert len(landrun.notifications.published) == 1


def test_whoever_takes_over_a_notification_has_as_long_as_the_first_had(landrun, change):
    with pytest.raises(Killed):
        mortal(landrun, Fate(3, after=True)).record(change("execution-failed"))
    landrun.clock.advance(minutes=5)
    with pytest.raises(Killed):
        mortal(landrun, Fate(1, after=True)).tell_overdue(dict(the_row(landrun)))
    due_at = (landrun.clock() + LEASE).isoformat(timespec="microseconds")
    assert the_row(landrun)["notification_due_at"] == due_at
    assert not landrun.recorder.tell_overdue(dict(the_row(landrun)))
    landrun.clock.advance(seconds=LEASE.total_seconds())
    assert landrun.recorder.tell_overdue(dict(the_row(landrun)))
    assert len(landrun.notifications.published) == 1


@pytest.mark.parametrize("name", ["execution-running", "execution-succeeded", "execution-failed"])
def test_a_row_with_nothing_to_tell_is_left_alone(landrun, change, name):
    landrun.recorder.record(change(name))
    landrun.notifications.published.clear()
    landrun.clock.advance(days=1)
    assert not landrun.recorder.tell_overdue(dict(the_row(landrun)))
    assert landrun.notifications.published == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_wherever_the_function_dies_a_failure_is_recorded_and_told_in_the_end(
    landrun, change, after
):
    doubled = 0
    for at in range(1, 20):
        landrun.ledger.rows.clear()
        landrun.notifications.published.clear()
        fate = Fate(at, after)
        try:
            mortal(landrun, fate).record(change("execution-failed"))
        except Killed:
            landrun.clock.advance(minutes=5)
            landrun.recorder.record(change("execution-failed"))
        else:
            break
        assert the_row(landrun)["status"] == "FAILED"
        assert "unfinished" not in the_row(landrun)
        doubled += len(landrun.notifications.published) - 1
        assert landrun.notifications.published
    assert at > 5
    # Only between SNS's answer and the note of it: after the one call, before the other.
    assert doubled == 1


# ---- SNS refuses


def test_when_sns_refuses_the_failure_stands_and_the_next_attempt_tells_it_at_once(landrun, change):
    landrun.notifications.failing = DOWN
    with pytest.raises(ServiceError, match="InternalError"):
        landrun.recorder.record(change("execution-failed"))
    assert (the_row(landrun)["status"], the_row(landrun)["unfinished"]) == ("FAILED", UNTOLD)
    landrun.notifications.failing = None
    landrun.recorder.record(change("execution-failed"))
    assert len(landrun.notifications.published) == 1
    assert "unfinished" not in the_row(landrun)


def test_when_sns_refuses_again_and_again_the_failure_is_told_once_it_does_not(landrun, change):
    landrun.notifications.failing = DOWN
    for _ in range(5):
        with pytest.raises(ServiceError):
            landrun.recorder.record(change("execution-failed"))
        landrun.clock.advance(seconds=1)
    landrun.notifications.failing = None
    assert landrun.recorder.tell_overdue(dict(the_row(landrun)))
    assert len(landrun.notifications.published) == 1


# ---- Redriven


def test_a_redrive_waits_while_the_failure_before_it_may_still_be_told(landrun, change):
    with pytest.raises(Killed):
        mortal(landrun, Fate(3, after=True)).record(change("execution-failed"))
    with pytest.raises(NotificationPending, match="landrun-50f0421ea8585c9eb9688415b36b93f2"):
        landrun.recorder.record(change("execution-running-redriven"))
    assert (the_row(landrun)["status"], the_row(landrun)["redrive_count"]) == ("FAILED", 0)


@pytest.mark.parametrize(
    ("name", "status"),
    [("execution-running-redriven", "RUNNING"), ("execution-succeeded-redriven", "SUCCEEDED")],
)
def test_a_redrive_tells_the_overdue_failure_before_it_goes_on(landrun, change, name, status):
    with pytest.raises(Killed):
        mortal(landrun, Fate(3, after=True)).record(change("execution-failed"))
    landrun.clock.advance(minutes=5)
    assert landrun.recorder.record(change(name))
    [(subject, _)] = landrun.notifications.published
    assert the_row(landrun)["name"] in subject
    assert (the_row(landrun)["status"], the_row(landrun)["redrive_count"]) == (status, 1)


def test_failed_redriven_succeeded_ends_succeeded_in_whatever_order_it_comes(landrun, change):
    names = ["execution-succeeded-redriven", "execution-failed", "execution-running-redriven"]
    assert [landrun.recorder.record(change(name)) for name in names] == [True, False, False]
    assert (the_row(landrun)["status"], the_row(landrun)["redrive_count"]) == ("SUCCEEDED", 1)
    assert landrun.notifications.published == []


def test_each_failure_of_a_redriven_run_is_told_once(landrun, change):
    landrun.recorder.record(change("execution-failed"))
    again = change("execution-failed").model_copy(update={"redriveCount": 1})
    for _ in range(2):
        landrun.recorder.record(again)
    assert len(landrun.notifications.published) == 2


def test_a_completion_before_its_start_makes_a_full_row_that_the_start_leaves(landrun, change):
    late, end = change("execution-running"), change("execution-succeeded")
    assert late.name == end.name
    assert landrun.recorder.record(end)
    before = dict(the_row(landrun))
    assert not landrun.recorder.record(late)
    assert the_row(landrun) == before
    assert {"preprocessing_job_name", "trigger", "started_at", "stopped_at"} <= before.keys()


def test_when_the_ledger_is_down_nothing_is_told(landrun, change):
    down = ServiceError("dynamodb:PutItem", "InternalServerError", "later")
    landrun.ledger.failing[change("execution-failed").name] = down
    with pytest.raises(ServiceError):
        landrun.recorder.record(change("execution-failed"))
    assert landrun.notifications.published == []


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other bucket/x/",
        "s3://b/" + "x" * 1025,
        "s3://b/\ud800",
        "https://evil.example/\x1b[2J",
        "s3://" + "b" * 70_000 + "/",
    ],
)
def test_a_uri_that_s3_could_not_have_is_a_problem_of_the_output_not_of_the_record(
    landrun, change, uri
):
    ended = change("execution-succeeded")
    given = json.dumps({"OutputProcessedMessage": uri})
    landrun.recorder.record(ended.model_copy(update={"input": given}))
    found = landrun.ledger.rows[ended.name]
    assert found["output_problem"].isprintable()
    assert len(found["output_problem"]) < 300


@pytest.mark.parametrize("code", ["ParamValidationError", "KeyTooLongError", "InvalidBucketName"])
def test_what_s3_will_never_look_at_does_not_keep_an_end_from_the_record(landrun, change, code):
    landrun.outputs.failing = ServiceError("s3:ListObjectsV2", code, "no")
    assert landrun.recorder.record(change("execution-succeeded"))


def test_an_output_that_was_not_counted_whole_says_so(landrun, change):
    landrun.outputs.size = OutputSize(50_000, 1, complete=False)
    ended = change("execution-succeeded")
    landrun.recorder.record(ended)
    found = landrun.ledger.rows[ended.name]
    assert found["output_objects"] == 50_000
    assert "first 50000 objects only" in found["output_problem"]
