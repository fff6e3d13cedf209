"""The runs table on moto's DynamoDB, which evaluates its conditions.

tests/faults/test_cases_statuses.py has the redrives that come while a notification is pending.
"""

from __future__ import annotations

from typing import Any

import pytest

from landrun.adapters.runs_table import RunsTable
from landrun.models.run_record import EXECUTION_RUNNING, NOTIFICATION_PENDING
from unit.functions.fakes import run_record

DUE_AT, LATER = "2026-11-22T03:02:00", "2026-11-22T03:09:00"


@pytest.fixture
def table(aws, create_table):
    return RunsTable(aws("dynamodb"), create_table("RunsTable"))


def pending(redrive=0, due_at=DUE_AT, **more):
    note = {"unfinished": NOTIFICATION_PENDING, "notification_due_at": due_at}
    return run_record("FAILED", redrive, **note, **more)


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
def test_only_a_newer_record_is_written_and_then_whole(table, status, redrive, written):
    first = run_record(
        "SUCCEEDED", output="{}", duration_seconds=1.5, summary={"rows_in": 3, "f": []}
    )
    assert table.write(first) is None
    stored = table.write(run_record(status, redrive))
    assert stored == (None if written else first)
    last = run_record("SUCCEEDED", 1)
    assert table.write(last) == (
        run_record("FAILED", 1) if status == "FAILED" and written else None
    )


def test_runs_are_found_by_what_is_still_to_come_of_them_the_oldest_first(table):
    younger = run_record("RUNNING", name="younger")
    older = run_record("RUNNING", name="older", started_at="2026-11-21T03:00:00.000Z")
    failed = pending(name="failed", error="e")
    for one in (younger, older, run_record("SUCCEEDED", name="ended"), failed):
        table.write(one)
    assert list(table.find_unfinished(EXECUTION_RUNNING)) == [older, younger]
    assert list(table.find_unfinished(NOTIFICATION_PENDING)) == [failed]
    table.write(run_record("SUCCEEDED", name="older"))
    assert list(table.find_unfinished(EXECUTION_RUNNING)) == [younger]


def test_only_the_pending_notification_of_this_redrive_is_claimed_and_marked_once(table):
    def assert_left_alone(record):
        assert not table.mark_notified(record)
        assert not table.claim_notification(record, "later")

    assert_left_alone(pending())  # there is no such run
    table.write(pending())
    assert table.claim_notification(pending(), LATER)
    assert not table.claim_notification(pending(), "later")
    assert table.mark_notified(pending(due_at=LATER))
    assert list(table.find_unfinished(NOTIFICATION_PENDING)) == []
    assert_left_alone(pending(due_at=LATER))
    table.write(pending(redrive=1))
    assert_left_alone(pending())
    assert list(table.find_unfinished(NOTIFICATION_PENDING)) == [pending(redrive=1)]


def test_progress_is_looked_up_by_name_over_batches_of_a_hundred(table):
    names = [f"some-run-{number:03}" for number in range(201)]
    stored = (names[0], names[100], names[200])
    for name in stored:
        table.write(run_record("FAILED", redrive_count=2, name=name))
    assert table.find_progress(names) == dict.fromkeys(stored, (2, 1))
    assert table.find_progress([]) == {}


class Busy:
    """DynamoDB when it is busy: it answers for one key of a batch, and names the rest."""

    def __init__(self):
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
