"""The runs table is read newest first, a page and a month at a time; DynamoDB filters."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any

import boto3
import pytest
from moto import mock_aws

from landrun.errors import ConfigurationError
from landrun.models.run_record import UNFINISHED
from landrun_ops.stack.runs_table import QUIET_MONTHS, RunFilter, RunsReader
from records import create_runs_table, item, record

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


class FakeDynamoDB:
    """The by-month index over rows, as DynamoDB pages through it."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = sorted(rows, key=lambda row: row["started_at"], reverse=True)
        self.queries: list[str] = []

    def get_item(self, **request: Any) -> dict[str, Any]:
        return {}

    def query(self, **request: Any) -> dict[str, Any]:
        assert (request["IndexName"], request["ScanIndexForward"]) == ("by-month", False)
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


def _days(first: int, last: int) -> list[dict[str, Any]]:
    return [_row(f"nov-{day}", f"2026-11-{day}T08:00:00.000Z") for day in range(first, last)]


def _newest(client: FakeDynamoDB, now: datetime = NOW, **options: Any) -> list[str]:
    return [run.name for run in RunsReader(client, "runs").newest(now, **options)]


def test_runs_come_newest_first_across_months_and_pages_also_from_a_clock_ahead() -> None:
    rows = [_row("september", "2026-09-30T23:59:59.999Z"), *_days(10, 13)]
    ahead = _row("ahead", "2026-12-01T00:00:01.000Z")
    late = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    names = ["ahead", "nov-12", "nov-11", "nov-10", "september"]
    assert _newest(FakeDynamoDB(*rows, ahead), late, page_size=2) == names


def test_only_the_pages_that_are_looked_at_are_read() -> None:
    client = FakeDynamoDB(*_days(10, 20))
    assert len(list(islice(RunsReader(client, "runs").newest(NOW, page_size=3), 2))) == 2
    assert client.queries == ["2026-11"]


def test_the_table_ends_after_the_quiet_months_and_not_before() -> None:
    client = FakeDynamoDB()
    assert _newest(client) == []
    assert len(client.queries) == len(set(client.queries)) == QUIET_MONTHS
    rows = [_row("new", "2026-11-01T00:00:00.000Z"), _row("old", "2025-10-01T00:00:00.000Z")]
    assert _newest(FakeDynamoDB(*rows)) == ["new", "old"]


def test_the_reason_is_in_the_words_nearest_to_it() -> None:
    said = {"exit_message": "no text column", "cause": "{…}", "error": "E"}
    rows = ({}, {"exit_message": ""}, {"status": "ABORTED"}, {"exit_message": "", "cause": ""})
    reasons = [record(said | row).reason for row in rows]
    assert reasons == ["no text column", "{…}", "{…}", "E"]


HEXES = ("3f5d8f02" + "0" * 24, "3f5d8f02" + "1" * 24, "1330d580" + "2" * 24)
FAILED, RERUN, TICK = (f"landrun-{digits}" for digits in HEXES)
OLD = "landrun-old"
LANDED = {"Kind": "object-created", "Key": "incoming/a+b.csv"}
ROWS = (
    _row(FAILED, "2026-11-20T08:00:00.000Z", status="FAILED", trigger=LANDED),
    _row(RERUN, "2026-11-21T08:00:00.000Z", rerun_of=FAILED, unfinished="execution"),
    _row(TICK, "2026-11-22T03:00:00.000Z", status="SUCCEEDED", trigger={"Kind": "schedule"}),
    _row(OLD, "2026-08-01T00:00:00.000Z", status="TIMED_OUT", trigger=LANDED),
)


@pytest.fixture(scope="module")
def reader() -> Any:
    """A table with its indexes: a failure, its rerun, a tick and an old success."""
    with mock_aws():
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client("dynamodb", "us-east-1", **keys)
        create_runs_table(client)
        for row in ROWS:
            client.put_item(TableName="runs", Item=item(row))
        yield RunsReader(client, "runs")


FROM_20TH = datetime(2026, 11, 20, 8, 0, 0, 1000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("only", "since", "names"),
    [
        (RunFilter(), None, [TICK, RERUN, FAILED, OLD]),
        (RunFilter(), FROM_20TH, [TICK, RERUN]),
        (RunFilter(status=frozenset({"FAILED", "TIMED_OUT"})), None, [FAILED, OLD]),
        (RunFilter(kind="schedule"), None, [TICK]),
        (RunFilter(contains="a+b"), None, [FAILED, OLD]),
        (RunFilter(frozenset({"FAILED"}), "object-created", ".csv"), None, [FAILED]),
        (RunFilter(rerun_of=FAILED), None, [RERUN]),
        (RunFilter(status=UNFINISHED), FROM_20TH, [RERUN]),
        (RunFilter(status=UNFINISHED), NOW, []),
    ],
)
def test_only_the_runs_asked_for_are_returned(
    reader: RunsReader, only: RunFilter, since: datetime | None, names: list[str]
) -> None:
    assert [run.name for run in reader.newest(NOW, since=since, only=only)] == names


def test_runs_are_read_by_name(reader: RunsReader) -> None:
    rows, left_out = reader.batch([FAILED, "landrun-0", TICK])
    assert ({run.name for run in rows}, left_out) == ({FAILED, TICK}, set())


@pytest.mark.parametrize(
    ("text", "name"),
    [(text, TICK) for text in (TICK, "landrun-1330d580", "landrun-1", "1330d580", "1")]
    + [(OLD, OLD)],
)
def test_a_run_is_found_by_as_much_of_its_name_as_is_clear(
    reader: RunsReader, text: str, name: str
) -> None:
    assert reader.named(text, NOW).name == name


def test_of_eight_digits_the_newest_run_is_meant_and_nothing_older_is_read() -> None:
    client = FakeDynamoDB(ROWS[0], _row("old", "2026-09-01T00:00:00.000Z"))
    assert RunsReader(client, "runs").named("3f5d8f02", NOW).name == FAILED
    assert client.queries == ["2026-11"]
    assert RunsReader(client, "runs").named("3f5d8f0", NOW).name == FAILED
    assert client.queries[1:] == ["2026-11", "2026-10", "2026-09", "2026-08"]


@pytest.mark.parametrize("text", ["5d8f02", "", f"landrun-{'0' * 32}", "\x1b[31m", "landrun-o"])
def test_a_name_of_no_run_of_the_last_90_days_says_so(reader: RunsReader, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no run of the last 90 days .*landrun runs"):
        reader.named(text, NOW)


def test_a_name_of_several_runs_names_them(reader: RunsReader) -> None:
    names = f"{RERUN}, {FAILED}"
    with pytest.raises(ConfigurationError, match=f"{names}: write more of the name"):
        reader.named("3f5d8f0", NOW)
