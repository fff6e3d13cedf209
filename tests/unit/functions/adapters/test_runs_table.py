"""What is found in the runs table, on moto's DynamoDB.

tests/faults/test_cases_statuses.py has its conditional writes: events out of order, doubled and at
once, and redrives while a notification is pending.
"""

from __future__ import annotations

import pytest

from landrun.adapters.runs_table import RunsTable
from landrun.models.run_record import EXECUTION_RUNNING, NOTIFICATION_PENDING
from unit.functions.fakes import run_record


@pytest.fixture
def table(aws, create_table):
    return RunsTable(aws("dynamodb"), create_table("RunsTable"))


def test_runs_are_found_by_what_is_still_to_come_of_them_the_oldest_first(table):
    younger = run_record("RUNNING", name="younger")
    older = run_record("RUNNING", name="older", started_at="2026-11-21T03:00:00.000Z")
    failed = run_record("FAILED", name="failed", unfinished=NOTIFICATION_PENDING, error="e")
    for one in (younger, older, run_record("SUCCEEDED", name="ended"), failed):
        table.write(one)
    assert list(table.find_unfinished(EXECUTION_RUNNING)) == [older, younger]
    assert list(table.find_unfinished(NOTIFICATION_PENDING)) == [failed]
    table.write(run_record("SUCCEEDED", name="older"))
    assert list(table.find_unfinished(EXECUTION_RUNNING)) == [younger]


def test_a_record_that_is_not_newer_is_not_written_and_the_stored_one_comes_back_whole(table):
    first = run_record("SUCCEEDED", output="{}", duration_seconds=1.5, summary={"rows_in": 3})
    assert table.write(first) is None
    assert table.write(run_record("FAILED")) == first


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
        self.asked = []

    def batch_get_item(self, RequestItems):  # noqa: N803
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
