"""`landrun watch` reads what is new in the runs table, and knows what is running and what ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from landrun.errors import ServiceError
from landrun_ops.stack import recent_runs as recent
from landrun_ops.stack import runs_table
from landrun_ops.stack.recent_runs import HOUR, Activity, RecentRuns
from landrun_ops.stack.stack import Stack
from records import create_runs_table, item

NOW = datetime(2026, 12, 1, 0, 20, tzinfo=UTC)
"""Just after the turn of a month: rows lie in two."""


class Table:
    """moto's table of runs, the clock of whoever watches it, and the calls that were made."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb", region_name="us-east-1")
        self.now = NOW
        self.calls: list[str] = []
        self.client.meta.events.register(
            "provide-client-params.dynamodb.*", lambda model, **_: self.calls.append(model.name)
        )
        create_runs_table(self.client)

    def put(
        self, name: str, status: str, started: float, stopped: float | None = None, **more: Any
    ) -> None:
        """A row; times are minutes before the clock's first."""
        began = spelled(NOW - timedelta(minutes=started))
        row = {
            "name": name,
            "status": status,
            "started_at": began,
            "month": began[:7],
            "redrive_count": 0,
            "trigger": {"Kind": "manual", "Size": 3},
            "cause": "long" * 1000,
        }
        if stopped is None:
            row["unfinished"] = "execution"
        else:
            row["stopped_at"] = spelled(NOW - timedelta(minutes=stopped))
            row["duration_seconds"] = (started - stopped) * 60
        self.client.put_item(TableName="runs", Item=item(row | more))

    def delete(self, name: str) -> None:
        self.client.delete_item(TableName="runs", Key={"name": {"S": name}})

    def recent(self) -> RecentRuns:
        stack = Stack("s", "r", {"RunsTable": "runs"}, {}, client=lambda *_: self.client)
        return RecentRuns(stack, now=lambda: self.now)


def spelled(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def table() -> Iterator[Table]:
    with mock_aws():
        yield Table()


def names(activity: Activity) -> tuple[list[str], list[str]]:
    return [one.name for one in activity.running], [one.name for one in activity.ended]


def test_the_first_look_knows_what_runs_longest_and_what_ended_last(table: Table) -> None:
    table.put("young", "RUNNING", 1)
    table.put("old", "RUNNING", 3000)
    table.put("good", "SUCCEEDED", 70, 30)
    table.put("bad", "FAILED", 25, 2, error="E", exit_message="no column")
    table.put("long ago", "SUCCEEDED", 5000, 4990)

    found = table.recent().read()

    assert names(found) == (["old", "young"], ["bad", "good"])
    bad = found.ended[0]
    assert (bad.duration_seconds, bad.exit_message) == (1380, "no column")
    assert bad.trigger == {"Kind": "manual", "Size": 3}
    assert found.whole


def test_what_happened_within_a_span_is_counted(table: Table) -> None:
    for n, (started, stopped) in enumerate([(90, 50), (20, 10), (4, 3), (2, 1)]):
        table.put(f"r{n}", "TIMED_OUT" if n == 2 else "SUCCEEDED", started, stopped)
    table.put("runs", "RUNNING", 1)

    found = table.recent().read()

    minutes, hour = (found.rate(NOW, span) for span in (timedelta(minutes=5), HOUR))
    assert (minutes.started, minutes.succeeded, minutes.failed) == (3, 1, 1)
    assert (hour.started, hour.succeeded, hour.failed) == (4, 3, 1)


def test_a_run_that_ends_is_found_although_it_started_long_before(table: Table) -> None:
    table.put("old", "RUNNING", 3000)
    runs = table.recent()
    assert names(runs.read()) == (["old"], [])

    table.now += timedelta(seconds=2)
    table.put("old", "SUCCEEDED", 3000, 0)

    assert names(runs.read()) == ([], ["old"])


def test_a_run_that_came_and_went_between_two_looks_is_found(table: Table) -> None:
    runs = table.recent()
    runs.read()
    table.put("quick", "SUCCEEDED", 1, 0.5)
    table.now += timedelta(seconds=30)

    assert names(runs.read()) == ([], ["quick"])


def test_a_run_that_is_redriven_runs_again_and_ends_again(table: Table) -> None:
    table.put("r", "FAILED", 30, 20)
    runs = table.recent()
    assert names(runs.read()) == ([], ["r"])

    table.put("r", "RUNNING", 30, redrive_count=1)
    assert names(runs.read()) == (["r"], [])

    table.put("r", "SUCCEEDED", 30, 0, redrive_count=1)
    found = runs.read()
    assert names(found) == ([], ["r"])
    assert found.ended[0].status == "SUCCEEDED"


def test_an_index_that_is_late_does_not_bring_a_run_back(table: Table) -> None:
    table.put("r", "SUCCEEDED", 30, 20)
    runs = table.recent()
    runs.read()
    table.put("r", "RUNNING", 30)  # as the index may still have it

    assert names(runs.read()) == ([], ["r"])


def test_a_row_that_is_deleted_no_longer_runs(table: Table) -> None:
    table.put("r", "RUNNING", 3)
    runs = table.recent()
    runs.read()
    table.delete("r")

    assert names(runs.read()) == ([], [])


def test_later_looks_read_only_what_is_new(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(30):
        table.put(f"r{n}", "SUCCEEDED", 50, 40)
    runs = table.recent()
    read: list[int] = []
    known = runs_table.from_item
    monkeypatch.setattr(runs_table, "from_item", lambda one: read.append(1) or known(one))
    runs.read()
    first, read[:] = len(read), []
    table.put("new", "RUNNING", 0)
    table.calls.clear()

    found = runs.read()

    assert (first, len(read)) == (30, 2)
    assert set(table.calls) == {"Query"}
    assert found.rate(NOW, HOUR).succeeded == 30


def test_memory_does_not_grow_with_the_time_one_watches(table: Table) -> None:
    for n in range(60):
        table.put(f"r{n}", "SUCCEEDED", 50, 40)
    runs = table.recent()
    assert len(runs.read().ended) == 60

    table.now += timedelta(hours=2)
    found = runs.read()

    assert (len(found.ended), found.started) == (recent.KEPT_ENDED, ())
    assert found.rate(table.now, HOUR).succeeded == 0


def test_what_is_too_much_to_read_is_said_and_not_taken_for_all(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "FIRST_ROWS", 3)
    monkeypatch.setattr(recent, "RUNNING_ROWS", 2)
    for n in range(5):
        table.put(f"r{n}", "RUNNING", 10 - n)
    runs = table.recent()

    found = runs.read()
    assert (found.whole, found.more_running) == (False, True)
    table.calls.clear()
    runs.read()
    assert "BatchGetItem" not in table.calls  # those beyond the page still run, for all we know


def test_a_look_that_fails_is_made_up_for_by_the_next(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.put("r", "SUCCEEDED", 30, 20)
    runs = table.recent()
    table.client.meta.events.register("before-send.dynamodb.Query", throttled)
    with pytest.raises(ServiceError):
        runs.read()
    table.client.meta.events.unregister("before-send.dynamodb.Query", throttled)

    assert names(runs.read()) == ([], ["r"])


def throttled(**_: Any) -> Any:
    raise ServiceError("dynamodb:Query", "ThrottlingException", "slow down")
