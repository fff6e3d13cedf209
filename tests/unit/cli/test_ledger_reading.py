"""The ledger is read newest first, a page and a month at a time; DynamoDB leaves out the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any

import boto3
import pytest
from moto import mock_aws

from landrun.errors import ConfigurationError
from landrun.models.run_record import UNFINISHED
from landrun_ops.stack.run_filter import RunFilter, SearchLimit
from landrun_ops.stack.runs_table import QUIET_MONTHS, RunsReader
from records import create_runs_table, item, record

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


class FakeDynamoDB:
    """The by-month index over rows, as DynamoDB pages through it."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = sorted(rows, key=lambda row: row["started_at"], reverse=True)
        self.queries: list[str] = []

    def get_item(self, **request: Any) -> dict[str, Any]:
        return {}

    def query(self, **request: Any) -> dict[str, Any]:
        assert request["IndexName"] == "by-month"
        assert request["ScanIndexForward"] is False
        month = request["ExpressionAttributeValues"][":month"]["S"]
        self.queries.append(month)
        rows = [row for row in self.rows if row["month"] == month]
        first = int(request.get("ExclusiveStartKey", {}).get("at", {}).get("N", 0))
        last = first + request.get("Limit", len(rows) + 1)
        found = rows[first:last]
        page = {"Items": [item(row) for row in found], "ScannedCount": len(found)}
        return page | ({"LastEvaluatedKey": {"at": {"N": str(last)}}} if last < len(rows) else {})


def _row(name: str, started_at: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "month": started_at[:7], "started_at": started_at, **attributes}


def _newest(client: FakeDynamoDB, **options: Any) -> list[str]:
    return [run.name for run in RunsReader(client, "runs").newest(NOW, **options)]


def test_runs_come_newest_first_across_months_and_pages() -> None:
    rows = [
        _row("september", "2026-09-30T23:59:59.999Z"),
        *(_row(f"nov-{day}", f"2026-11-{day}T08:00:00.000Z") for day in (10, 11, 12)),
    ]
    assert _newest(FakeDynamoDB(rows), page_size=2) == ["nov-12", "nov-11", "nov-10", "september"]


def test_only_the_pages_that_are_looked_at_are_read() -> None:
    client = FakeDynamoDB([_row(f"run-{n}", f"2026-11-{n}T08:00:00.000Z") for n in range(10, 20)])
    assert len(list(islice(RunsReader(client, "runs").newest(NOW, page_size=3), 2))) == 2
    assert client.queries == ["2026-11"]


def test_a_run_that_a_clock_ahead_puts_into_next_month_is_found() -> None:
    client = FakeDynamoDB([_row("ahead", "2026-12-01T00:00:01.000Z")])
    late = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    assert [run.name for run in RunsReader(client, "runs").newest(late)] == ["ahead"]


def test_an_empty_ledger_ends_after_the_quiet_months() -> None:
    client = FakeDynamoDB([])
    assert _newest(client) == []
    assert len(client.queries) == len(set(client.queries)) == QUIET_MONTHS


def test_a_gap_of_nearly_the_quiet_months_does_not_end_the_ledger() -> None:
    rows = [_row("new", "2026-11-01T00:00:00.000Z"), _row("old", "2025-10-01T00:00:00.000Z")]
    assert _newest(FakeDynamoDB(rows)) == ["new", "old"]


def test_a_search_ends_after_the_rows_it_may_look_at_and_says_where() -> None:
    days = [f"2026-11-{day}T08:00:00.000Z" for day in range(10, 20)]
    client = FakeDynamoDB([_row(f"run-{day}", day) for day in days])
    limit = SearchLimit(4)
    assert len(_newest(client, page_size=3, limit=limit)) == 6
    assert (client.queries, limit.back_to) == (["2026-11"] * 2, "2026-11")


def test_a_search_that_comes_to_the_end_of_the_ledger_has_left_nothing_out() -> None:
    client = FakeDynamoDB([_row("old", "2026-08-01T00:00:00.000Z")])
    limit = SearchLimit(4)
    assert (_newest(client, limit=limit), limit.back_to) == (["old"], "")


def test_numbers_come_back_as_json_has_them() -> None:
    row = _row("one", "2026-11-22T08:00:00.000Z", summary={"rows_in": 3, "files": [{"rows_in": 3}]})
    (run,) = RunsReader(FakeDynamoDB([row]), "runs").newest(NOW)
    assert run.summary == {"rows_in": 3, "files": [{"rows_in": 3}]}
    assert type(run.count("rows_in")) is int


def test_the_reason_is_in_the_words_nearest_to_it() -> None:
    everything = {"exit_message": "no text column", "cause": "{…}", "error": "E"}
    assert record(everything).reason == "no text column"
    assert record({**everything, "exit_message": ""}).reason == "{…}"
    assert record({"error": "States.Timeout"}).reason == "States.Timeout"
    assert record().reason == ""
    assert record({**everything, "status": "ABORTED"}).reason == "{…}"


def test_only_a_last_status_is_finished() -> None:
    finished = [
        status
        for status in ("RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "ABORTED")
        if record({"name": "x", "status": status}).finished
    ]
    assert finished == ["SUCCEEDED", "FAILED", "ABORTED"]


HEXES = ("3f5d8f02" + "0" * 24, "3f5d8f02" + "1" * 24, "1330d580" + "2" * 24)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A table with its indexes: a failure, its rerun, a tick and an old success."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", "us-east-1")
        create_runs_table(client)
        failed, rerun, tick = (f"landrun-{digits}" for digits in HEXES)
        landed = {"Kind": "object-created", "Key": "incoming/a+b.csv"}
        manual = {"Kind": "manual", "StartedBy": "me", "RerunOf": failed}
        for row in (
            _row(failed, "2026-11-20T08:00:00.000Z", status="FAILED", trigger=landed),
            _row(rerun, "2026-11-21T08:00:00.000Z", status="RUNNING", trigger=manual)
            | {"rerun_of": failed, "unfinished": "execution"},
            _row(
                tick, "2026-11-22T03:00:00.000Z", status="SUCCEEDED", trigger={"Kind": "schedule"}
            ),
            _row("landrun-old", "2026-08-01T00:00:00.000Z", status="TIMED_OUT", trigger=landed),
        ):
            client.put_item(TableName="runs", Item=item(row))
        yield RunsReader(client, "runs")


@pytest.mark.parametrize(
    ("only", "digits"),
    [
        (RunFilter(), ["1330d580", "3f5d8f02", "3f5d8f02", "old"]),
        (RunFilter(status=frozenset({"FAILED", "TIMED_OUT"})), ["3f5d8f02", "old"]),
        (RunFilter(kind="schedule"), ["1330d580"]),
        (RunFilter(contains="a+b"), ["3f5d8f02", "old"]),
        (RunFilter(contains="A+B"), []),
        (
            RunFilter(status=frozenset({"FAILED"}), kind="object-created", contains=".csv"),
            ["3f5d8f02"],
        ),
        (RunFilter(rerun_of=f"landrun-{HEXES[0]}"), ["3f5d8f02"]),
    ],
)
def test_only_the_runs_asked_for_are_returned(
    ledger: RunsReader, only: RunFilter, digits: list[str]
) -> None:
    found = [run.name.rpartition("-")[2][:8] for run in ledger.newest(NOW, only=only)]
    assert found == digits


def test_runs_that_have_not_ended_are_found_without_reading_those_that_have(
    ledger: RunsReader,
) -> None:
    limit = SearchLimit(0)
    only = RunFilter(status=UNFINISHED, contains="")
    found = [run.name for run in ledger.newest(NOW, only=only, limit=limit)]
    assert (found, limit) == ([f"landrun-{HEXES[1]}"], SearchLimit(0))
    late = datetime(2026, 11, 21, 8, 0, 0, 1000, tzinfo=UTC)
    assert not list(ledger.newest(NOW, only=only, since=late))


def test_a_run_of_a_notebooks_own_long_name_is_found(ledger: RunsReader) -> None:
    name = f"bsm-batch-preprocessing-daily-{HEXES[0]}"
    ledger._client.put_item(TableName="runs", Item=item(_row(name, "2026-11-22T08:00:00.000Z")))
    assert ledger.named(name, NOW).name == name


def test_of_eight_digits_the_newest_run_is_meant_and_nothing_older_is_read() -> None:
    newest = f"landrun-{HEXES[0]}"
    rows = [_row(newest, "2026-11-20T00:00:00.000Z"), _row("old", "2026-09-01T00:00:00.000Z")]
    client = FakeDynamoDB(rows)
    assert RunsReader(client, "runs").named("3f5d8f02", NOW).name == newest
    assert client.queries == ["2026-11"]
    assert RunsReader(client, "runs").named("3f5d8f0", NOW).name == newest
    assert len(client.queries) > QUIET_MONTHS


def test_a_name_that_is_not_among_the_newest_runs_says_how_far_was_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [_row(f"run-{n}", "2026-11-20T00:00:00.000Z") for n in range(9)]
    monkeypatch.setattr("landrun_ops.stack.runs_table.SearchLimit", lambda: SearchLimit(9))
    with pytest.raises(ConfigurationError, match=r"no run since 2026-11 is called '3f5d8f02'"):
        RunsReader(FakeDynamoDB(many), "runs").named("3f5d8f02", NOW)


def test_runs_are_given_back_to_when_they_are_asked_for(ledger: RunsReader) -> None:
    since = datetime(2026, 11, 20, 8, 0, 0, 1000, tzinfo=UTC)
    assert len(list(ledger.newest(NOW, since=since))) == 2
    assert len(list(ledger.newest(NOW, since=datetime(2026, 8, 1, tzinfo=UTC)))) == 4


@pytest.mark.parametrize(
    "text", [f"landrun-{HEXES[2]}", "landrun-1330d580", "landrun-1", "1330d580", "1", "landrun-o"]
)
def test_a_run_is_found_by_as_much_of_its_name_as_is_clear(ledger: RunsReader, text: str) -> None:
    assert ledger.named(text, NOW).name in (f"landrun-{HEXES[2]}", "landrun-old")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3f5d8f02", [HEXES[0], HEXES[1], "write more of the name"]),
        ("5d8f02", ["no run", "landrun runs"]),
        ("", ["no run"]),
        (f"landrun-{'0' * 32}", ["no run"]),
        ("\x1b[31m", ["no run"]),
    ],
)
def test_a_name_of_no_run_or_of_several_says_so(
    ledger: RunsReader, text: str, words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as error:
        ledger.named(text, NOW)
    assert all(word in str(error.value) for word in words)
