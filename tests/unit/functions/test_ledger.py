"""The record of runs, against moto's DynamoDB: the conditions are evaluated, not described."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.runs_table import RUNNING, UNTOLD, RunsTable
from landrun.errors import ServiceError

from .conftest import FakeLedger


@pytest.fixture
def ledger(aws, table):
    client, name = aws("dynamodb"), table("RunsTable")

    def read(run: str = "run-1") -> dict[str, Any]:
        item = client.get_item(TableName=name, Key={"name": {"S": run}})["Item"]
        return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}

    return RunsTable(client, name), read


def row(status: str, rank: int, redrive: int = 0, **more: object) -> dict[str, object]:
    given = {"name": "run-1", "status": status, "status_rank": rank, "redrive_count": redrive}
    when = {"started_at": "2026-11-22T03:00:00.000Z", "month": "2026-11"}
    return given | when | more


def untold(redrive: int = 0, due_at: str = "2026-11-22T03:02:00", **more: object) -> dict[str, Any]:
    note = {"unfinished": UNTOLD, "notification_due_at": due_at}
    return row("FAILED", 1, redrive, **note, **more)


def test_a_row_reads_back_with_its_numbers_and_maps(ledger):
    door, read = ledger
    found = row("SUCCEEDED", 1, duration_seconds=1.5, summary={"rows_in": 3, "f": []})
    assert door.record(found) is None
    assert float(read()["duration_seconds"]) == 1.5
    assert read()["summary"] == {"rows_in": 3, "f": []}


@pytest.mark.parametrize("late", [("RUNNING", 0), ("FAILED", 1), ("SUCCEEDED", 1)])
def test_a_row_never_goes_back_within_a_redrive(ledger, late):
    door, read = ledger
    door.record(row("SUCCEEDED", 1))
    stands = door.record(row(*late))
    assert stands == read()
    assert stands["status"] == "SUCCEEDED"


def test_a_redrive_takes_a_row_further_and_leaves_nothing_of_its_failure(ledger):
    door, read = ledger
    door.record(row("FAILED", 1, error="States.TaskFailed"))
    assert door.record(row("RUNNING", 0, redrive=1)) is None
    assert "error" not in read()
    assert door.record(row("FAILED", 1, redrive=0)) is not None
    assert door.record(row("SUCCEEDED", 1, redrive=1)) is None
    assert read()["status"] == "SUCCEEDED"


def test_a_row_too_long_for_dynamodb_is_recorded_without_its_longest_parts(ledger):
    door, read = ledger
    assert (
        door.record(row("SUCCEEDED", 1, output="x" * 300_000, trigger={"Kind": "y" * 200_000}))
        is None
    )
    assert (read()["left_out"], read()["trigger"]) == (["output"], {"Kind": "y" * 200_000})


def test_a_row_with_half_a_surrogate_pair_is_recorded(ledger):
    door, read = ledger
    assert door.record(row("FAILED", 1, cause="a\ud800b")) is None
    assert read()["cause"] == "a?b"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class Remembering:
    """A DynamoDB client that takes what botocore would take."""

    def put_item(self, **request: Any) -> None:
        assert not ParamValidator().validate(request, MODEL.input_shape).has_errors()
        json.dumps(request["Item"]).encode()


MODEL = botocore.session.get_session().get_service_model("dynamodb").operation_model("PutItem")


@given(json_values, st.text(st.characters()))
def test_whatever_an_execution_of_somebodys_own_holds_it_makes_a_row(trigger, cause):
    door = RunsTable(Remembering(), "runs")
    assert door.record(row("FAILED", 1, trigger=trigger, cause=cause)) is None


@pytest.mark.parametrize("number", [10**50, 1e300, 1.5e-200, float("nan"), float("inf")])
def test_a_number_that_dynamodb_cannot_hold_is_kept_as_text(ledger, number):
    door, read = ledger
    assert door.record(row("FAILED", 1, trigger={"Kind": number})) is None
    assert float(read()["trigger"]["Kind"]) == pytest.approx(float(number), nan_ok=True)


@pytest.fixture(params=["table", "fake"])
def either(request):
    """The table's rules hold for the fake that other tests use, too."""
    return FakeLedger() if request.param == "fake" else request.getfixturevalue("ledger")[0]


def test_a_completion_before_its_start_makes_a_full_row_that_the_start_leaves(either):
    assert either.record(row("SUCCEEDED", 1, output="{}")) is None
    stands = either.record(row("RUNNING", 0, unfinished=RUNNING))
    assert (stands["status"], stands["output"]) == ("SUCCEEDED", "{}")


def test_a_failure_that_was_not_told_yet_is_not_overwritten_by_a_redrive(either):
    either.record(untold())
    stands = either.record(row("RUNNING", 0, redrive=1, unfinished=RUNNING))
    assert (stands["status"], stands["unfinished"]) == ("FAILED", UNTOLD)
    assert either.told(untold())
    assert either.record(row("RUNNING", 0, redrive=1, unfinished=RUNNING)) is None


def test_what_refuses_a_write_hands_over_the_row_that_stands_whole(either):
    either.record(untold(error="States.TaskFailed"))
    stands = either.record(untold(due_at="2026-11-22T03:09:00"))
    assert stands == untold(error="States.TaskFailed")


def test_rows_are_found_by_what_is_still_to_come_of_them_oldest_first(either):
    def running(name: str, started_at: str) -> dict[str, Any]:
        return row("RUNNING", 0, name=name, started_at=started_at, unfinished=RUNNING)

    either.record(running("younger", "2026-11-22T03:00:00.000Z"))
    either.record(running("older", "2026-11-21T03:00:00.000Z"))
    either.record(row("SUCCEEDED", 1, name="done"))
    either.record(untold(name="untold"))
    assert [found["name"] for found in either.unfinished(RUNNING)] == ["older", "younger"]
    assert [found["name"] for found in either.unfinished(UNTOLD)] == ["untold"]


def test_a_row_that_has_ended_is_no_longer_unfinished(either):
    either.record(row("RUNNING", 0, unfinished=RUNNING))
    either.record(row("SUCCEEDED", 1))
    assert list(either.unfinished(RUNNING)) == []


def test_a_found_row_is_the_whole_row(either):
    either.record(untold(error="e", trigger={"Kind": "manual", "StartedBy": "ada"}))
    assert list(either.unfinished(UNTOLD)) == [
        untold(error="e", trigger={"Kind": "manual", "StartedBy": "ada"})
    ]


def test_only_one_of_two_takes_over_a_notification(either):
    either.record(untold())
    assert either.take_notification(untold(), "2026-11-22T03:09:00")
    assert not either.take_notification(untold(), "2026-11-22T03:09:01")
    assert either.take_notification(untold(due_at="2026-11-22T03:09:00"), "2026-11-22T03:09:02")


def test_what_was_told_can_neither_be_told_nor_taken_again(either):
    either.record(untold())
    assert either.told(untold())
    assert not either.told(untold())
    assert not either.take_notification(untold(), "2026-11-22T03:09:00")
    assert list(either.unfinished(UNTOLD)) == []


def test_the_failure_of_another_redrive_is_not_told_by_mistake(either):
    either.record(untold(redrive=1))
    assert not either.told(untold(redrive=0))
    assert not either.take_notification(untold(redrive=0), "2026-11-22T03:09:00")
    assert [found["redrive_count"] for found in either.unfinished(UNTOLD)] == [1]


def test_nothing_of_a_run_without_a_row_is_taken_or_told(either):
    assert not either.told(untold())
    assert not either.take_notification(untold(), "2026-11-22T03:09:00")


def test_how_far_runs_are_is_looked_up_by_name_over_batches_of_a_hundred(either):
    names = [f"run-{number:03}" for number in range(201)]
    for name in (names[0], names[100], names[200]):
        either.record(row("FAILED", 1, redrive=2, name=name))
    known = either.known(names)
    assert known == dict.fromkeys((names[0], names[100], names[200]), (2, 1))


def test_without_names_nothing_is_looked_up(either):
    assert either.known([]) == {}


class Stingy:
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
    busy = Stingy()
    assert RunsTable(busy, "runs").known(["a", "b", "c"]) == dict.fromkeys("abc", (0, 1))
    assert busy.asked == [3, 2, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda door: door.record(row("FAILED", 1)),
        lambda door: list(door.unfinished(RUNNING)),
        lambda door: door.known(["run-1"]),
        lambda door: door.told(untold()),
        lambda door: door.take_notification(untold(), "t"),
    ],
)
def test_a_table_that_is_gone_is_a_service_error(aws, call):
    with pytest.raises(ServiceError, match=r"dynamodb:.*ResourceNotFoundException"):
        call(RunsTable(aws("dynamodb"), "gone"))
