"""`landrun runs`: what its table and its notes say of runs, and its JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from landrun.errors import ServiceError
from landrun.models.run_record import RunRecord
from landrun_ops.cli.console import console
from landrun_ops.cli.runs import _write, rerun_runs, statuses
from landrun_ops.cli.tables import (
    failures,
    object_text,
    runs_table,
    trigger_text,
)
from records import record

NAME = "landrun-0123456789abcdef0123456789abcdef"
KEY = "incoming/2026/11/22/messages-of-today.jsonl"
NOW = datetime(2026, 11, 22, 11, 37, 5, tzinfo=UTC)


def _run(**attributes: Any) -> RunRecord:
    row = {
        "name": NAME,
        "status": "SUCCEEDED",
        "trigger": {"Kind": "object-created", "Key": KEY},
        "started_at": "2026-11-22T10:33:00.123Z",
        "duration_seconds": 12.345,
        "summary": {"rows_in": 5574, "rows_out": 5160, "duplicates": 410},
    }
    return record(row | attributes)


@pytest.fixture
def drawn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "100")

    def drawn(*runs: RunRecord, **how: Any) -> str:
        console().print(runs_table(runs, NOW, **how))
        return " ".join(capsys.readouterr().out.split())

    return drawn


def test_a_run_is_a_row_and_what_is_not_known_is_a_dash(drawn: Any) -> None:
    assert f"01234567 11-22 10:33 SUCCEEDED 12.3 s 5574 5160 {KEY}" in drawn(_run())
    bare = _run(status="ABORTED", duration_seconds=None, summary=None, trigger=None)
    assert drawn(bare).endswith("ABORTED - - - -")


def test_a_run_that_waits_for_a_slot_is_waiting_and_one_that_ended_is_not(drawn: Any) -> None:
    running = _run(status="RUNNING", duration_seconds=None)
    assert "WAITING 1 h 04 min" in drawn(running, waiting={NAME})
    assert "RUNNING" in drawn(running, waiting={"other"})
    assert "SUCCEEDED" in drawn(_run(), waiting={NAME})


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ({"Kind": "schedule", "ScheduledTime": "2026-11-22T03:00:00Z"}, "tick 2026-11-22 03:00"),
        ({"Kind": "outside"}, "by hand, outside landrun"),
        (
            {"Kind": "manual", "StartedBy": "arn:aws:sts::123456789012:assumed-role/Admin/ana"},
            "by hand, Admin/ana",
        ),
        ({"Kind": "manual", "StartedBy": "ana", "RerunOf": NAME}, "rerun of 01234567"),
        ({"Kind": "object-created", "Key": "in/[bold]x[/bold].csv"}, "in/[bold]x[/bold].csv"),
        ({"Kind": ["odd"]}, "-"),
    ],
)
def test_every_kind_of_trigger_is_said_in_words(trigger: dict[str, str], words: str) -> None:
    assert trigger_text(_run(trigger=trigger)) == words


class Table:
    """The runs table by names; ``batch`` fails where it may not be called."""

    def __init__(self, *rows: RunRecord, refused: bool = False) -> None:
        self.rows, self.refused = {row.name: row for row in rows}, refused

    def batch(self, names: list[str]) -> tuple[list[RunRecord], set[str]]:
        if self.refused:
            raise ServiceError("dynamodb:BatchGetItem", "AccessDeniedException", "no")
        return [self.rows[name] for name in names if name in self.rows], set()


def test_a_rerun_shows_the_object_that_the_first_run_read() -> None:
    again = _run(name="again", trigger={"Kind": "manual", "RerunOf": NAME}, rerun_of=NAME)
    twice = _run(name="twice", trigger={"Kind": "manual", "RerunOf": "again"}, rerun_of="again")
    of_itself = _run(name="odd", rerun_of="odd")
    table: Any = Table(_run(), again)
    known = rerun_runs(table, [twice, of_itself])
    assert known.keys() == {NAME, "again", "twice", "odd"}
    assert object_text(twice, known) == f"{KEY} (rerun of again)"
    assert object_text(of_itself, known) == KEY
    refusing: Any = Table(refused=True)
    assert object_text(twice, rerun_runs(refusing, [twice])) == "rerun of again"


def test_why_runs_failed_is_said_once_for_each_reason() -> None:
    failed = {"status": "FAILED", "exit_message": "no text\ncolumn" + "x" * 999}
    runs = [_run(**failed, name="a"), _run(), _run(**failed, name="b"), _run(status="ABORTED")]
    (first, why), (second, no_reason) = failures(runs).items()
    assert (why, no_reason) == (["a", "b"], ["01234567"])
    assert first.startswith(r"no text\ncolumn")
    assert len(first) <= 300
    assert second == "the run gave no reason"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["failed"], {"FAILED", "TIMED_OUT", "ABORTED"}),
        (["running", "timed-out"], {"RUNNING", "PENDING_REDRIVE", "TIMED_OUT"}),
        ([], set()),
    ],
)
def test_a_status_of_the_option_stands_for(words: list[str], names: set[str]) -> None:
    assert statuses(words) == names


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_list_however_many_rows_it_has(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(record({"name": str(n), "key": "a\x1b\n"}) for n in range(count))
    out = capsys.readouterr().out
    assert [row["name"] for row in json.loads(out)] == [str(n) for n in range(count)]
    assert "\x1b" not in out
