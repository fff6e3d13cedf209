"""The ledger is read newest first, a page and a month at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from landrun_ops.runs import QUIET_MONTHS, Run, Runs

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


class FakeDynamoDB:
    """The by-month index over rows, as DynamoDB pages through it."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = sorted(rows, key=lambda row: row["started_at"], reverse=True)
        self.queries: list[str] = []

    def query(self, **request: Any) -> dict[str, Any]:
        assert request["IndexName"] == "by-month"
        assert request["ScanIndexForward"] is False
        month = request["ExpressionAttributeValues"][":month"]["S"]
        self.queries.append(month)
        rows = [row for row in self.rows if row["month"] == month]
        first = int(request.get("ExclusiveStartKey", {}).get("at", {}).get("N", 0))
        last = first + request["Limit"]
        page = {"Items": [_item(row) for row in rows[first:last]]}
        return page | ({"LastEvaluatedKey": {"at": {"N": str(last)}}} if last < len(rows) else {})


def _item(row: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeSerializer().serialize(value) for name, value in row.items()}


def _row(name: str, started_at: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "month": started_at[:7], "started_at": started_at, **attributes}


def _newest(client: FakeDynamoDB, **options: Any) -> list[str]:
    return [run.name for run in Runs(client, "runs").newest(NOW, **options)]


def test_runs_come_newest_first_across_months_and_pages() -> None:
    rows = [
        _row("september", "2026-09-30T23:59:59.999Z"),
        *(_row(f"nov-{day}", f"2026-11-{day}T08:00:00.000Z") for day in (10, 11, 12)),
    ]
    assert _newest(FakeDynamoDB(rows), page_size=2) == ["nov-12", "nov-11", "nov-10", "september"]


def test_only_the_pages_that_are_looked_at_are_read() -> None:
    client = FakeDynamoDB([_row(f"run-{n}", f"2026-11-{n}T08:00:00.000Z") for n in range(10, 20)])
    assert len(list(islice(Runs(client, "runs").newest(NOW, page_size=3), 2))) == 2
    assert client.queries == ["2026-11"]


def test_a_run_that_a_clock_ahead_puts_into_next_month_is_found() -> None:
    client = FakeDynamoDB([_row("ahead", "2026-12-01T00:00:01.000Z")])
    late = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    assert [run.name for run in Runs(client, "runs").newest(late)] == ["ahead"]


def test_an_empty_ledger_ends_after_the_quiet_months() -> None:
    client = FakeDynamoDB([])
    assert _newest(client) == []
    assert len(client.queries) == len(set(client.queries)) == QUIET_MONTHS


def test_a_gap_of_nearly_the_quiet_months_does_not_end_the_ledger() -> None:
    rows = [_row("new", "2026-11-01T00:00:00.000Z"), _row("old", "2024-12-01T00:00:00.000Z")]
    assert _newest(FakeDynamoDB(rows)) == ["new", "old"]


def test_numbers_come_back_as_json_has_them() -> None:
    row = _row("one", "2026-11-22T08:00:00.000Z", summary={"rows_in": 3, "files": [{"rows_in": 3}]})
    (run,) = Runs(FakeDynamoDB([row]), "runs").newest(NOW)
    assert run.attributes["summary"] == {"rows_in": 3, "files": [{"rows_in": 3}]}
    assert type(run.rows("rows_in")) is int


def test_the_cause_is_the_words_nearest_to_the_reason() -> None:
    everything = {"name": "x", "exit_message": "no text column", "cause": "{…}", "error": "E"}
    assert Run(everything).cause == "no text column"
    assert Run({**everything, "exit_message": ""}).cause == "{…}"
    assert Run({"name": "x", "error": "States.Timeout"}).cause == "States.Timeout"
    assert Run({"name": "x"}).cause == ""


def test_only_a_last_status_is_finished() -> None:
    finished = [
        status
        for status in ("", "RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "ABORTED")
        if Run({"name": "x", "status": status}).finished
    ]
    assert finished == ["SUCCEEDED", "FAILED", "ABORTED"]
