"""The runs table against moto's DynamoDB, whose conditions are evaluated, and the fake of it."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from landrun.adapters.runs_table import RunsTable
from landrun.errors import ServiceError
from landrun.models.run_record import EXECUTION_RUNNING, NOTIFICATION_PENDING, RunRecord

from .conftest import FakeRunsTable, create_table

NUMBERS = count()
DUE_AT = "2026-11-22T03:02:00"


@pytest.fixture(scope="module")
def dynamodb(shared_aws):
    return shared_aws("dynamodb")


@pytest.fixture(scope="module")
def runs_table(dynamodb, request):
    root = request.getfixturevalue("root")
    return RunsTable(dynamodb, create_table(dynamodb, root, "RunsTable"))


@pytest.fixture(params=["table", "fake"])
def table(request):
    """The table's rules hold for the fake that other tests use, too."""
    return FakeRunsTable() if request.param == "fake" else request.getfixturevalue("runs_table")


@pytest.fixture
def record():
    """``record("FAILED", redrive=1)`` is a record of one run, which no other test has."""
    run = f"run-{next(NUMBERS)}"

    def make(status: str, redrive: int = 0, **more: object) -> RunRecord:
        given = {
            "name": run,
            "execution_arn": f"arn:aws:states:us-east-1:123456789012:execution:m:{run}",
            "state_machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
            "status": status,
            "status_rank": 0 if status == "RUNNING" else 1,
            "redrive_count": redrive,
            "started_at": "2026-11-22T03:00:00.000Z",
            "month": "2026-11",
            "unfinished": EXECUTION_RUNNING if status == "RUNNING" else None,
        }
        return RunRecord.model_validate(given | more)

    return make


@pytest.fixture
def pending(record):
    """``pending(redrive=1)`` is a failure of the run whose notification is pending."""

    def make(redrive: int = 0, due_at: str = DUE_AT, **more: object) -> RunRecord:
        note = {"unfinished": NOTIFICATION_PENDING, "notification_due_at": due_at}
        return record("FAILED", redrive, **note, **more)

    return make


def found(table: Any, what: str, *records: RunRecord) -> list[RunRecord]:
    """Those of the records that the index has."""
    names = {one.name for one in records}
    return [one for one in table.find_unfinished(what) if one.name in names]


@pytest.mark.parametrize(
    ("status", "redrive", "written"),
    [
        ("RUNNING", 0, False),
        ("FAILED", 0, False),
        ("SUCCEEDED", 0, False),
        ("RUNNING", 1, True),
        ("FAILED", 1, True),
    ],
)
def test_only_a_newer_record_is_written_and_then_whole(table, record, status, redrive, written):
    first = record("SUCCEEDED", output="{}", duration_seconds=1.5, summary={"rows_in": 3, "f": []})
    assert table.write(first) is None
    stored = table.write(record(status, redrive))
    assert stored == (None if written else first)
    last = record("SUCCEEDED", 1)
    assert table.write(last) == (record("FAILED", 1) if status == "FAILED" and written else None)


def test_a_pending_notification_keeps_its_failure_from_being_overwritten(table, record, pending):
    failure = pending(error="States.TaskFailed", trigger={"Kind": "manual", "StartedBy": "ada"})
    table.write(failure)
    assert table.write(pending(due_at="2026-11-22T03:09:00")) == failure
    assert table.write(record("RUNNING", 1)) == failure
    assert table.mark_notified(failure)
    assert table.write(record("RUNNING", 1)) is None


def test_runs_are_found_by_what_is_still_to_come_of_them_the_oldest_first(table, record, pending):
    younger = record("RUNNING", name="younger")
    older = record("RUNNING", name="older", started_at="2026-11-21T03:00:00.000Z")
    ended, failed = record("SUCCEEDED", name="ended"), pending(name="failed", error="e")
    every = (younger, older, ended, failed)
    for one in every:
        table.write(one)
    assert found(table, EXECUTION_RUNNING, *every) == [older, younger]
    assert found(table, NOTIFICATION_PENDING, *every) == [failed]
    table.write(record("SUCCEEDED", name="older"))
    assert found(table, EXECUTION_RUNNING, *every) == [younger]


def test_only_one_process_claims_a_notification(table, pending):
    table.write(pending())
    assert table.claim_notification(pending(), "2026-11-22T03:09:00")
    assert not table.claim_notification(pending(), "2026-11-22T03:09:01")
    assert table.claim_notification(pending(due_at="2026-11-22T03:09:00"), "2026-11-22T03:09:02")


def test_a_notification_that_was_sent_can_be_claimed_no_more(table, pending):
    table.write(pending())
    assert table.mark_notified(pending())
    assert not table.mark_notified(pending())
    assert not table.claim_notification(pending(), "2026-11-22T03:09:00")
    assert found(table, NOTIFICATION_PENDING, pending()) == []


def test_the_notification_of_another_redrive_or_of_no_run_is_left_alone(table, pending):
    assert not table.mark_notified(pending())
    assert not table.claim_notification(pending(), "2026-11-22T03:09:00")
    table.write(pending(redrive=1))
    assert not table.mark_notified(pending())
    assert not table.claim_notification(pending(), "2026-11-22T03:09:00")
    assert found(table, NOTIFICATION_PENDING, pending()) == [pending(redrive=1)]


def test_progress_is_looked_up_by_name_over_batches_of_a_hundred(table, record):
    names = [f"some-run-{number:03}" for number in range(201)]
    stored = (names[0], names[100], names[200])
    for name in stored:
        table.write(record("FAILED", redrive=2, name=name))
    assert table.find_progress(names) == dict.fromkeys(stored, (2, 1))
    assert table.find_progress([]) == {}


class Busy:
    """DynamoDB when it is busy: it answers for one key of a batch, and names the rest."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, request)] = RequestItems.items()
        first, *rest = request["Keys"]
        self.asked.append(len(request["Keys"]))
        item = first | {"redrive_count": {"N": "0"}, "status_rank": {"N": "1"}}
        left = {table: request | {"Keys": rest}} if rest else {}
        return {"Responses": {table: [item]}, "UnprocessedKeys": left}


def test_keys_that_dynamodb_left_are_asked_for_again():
    busy = Busy()
    assert RunsTable(busy, "runs").find_progress(["a", "b", "c"]) == dict.fromkeys("abc", (0, 1))
    assert busy.asked == [3, 2, 1]


def test_a_table_that_is_gone_is_a_service_error(dynamodb, pending):
    gone = RunsTable(dynamodb, "gone")
    for call in (
        lambda: gone.write(pending()),
        lambda: list(gone.find_unfinished(EXECUTION_RUNNING)),
        lambda: gone.find_progress(["run-1"]),
        lambda: gone.mark_notified(pending()),
        lambda: gone.claim_notification(pending(), "t"),
    ):
        with pytest.raises(ServiceError, match=r"dynamodb:.*ResourceNotFoundException"):
            call()
