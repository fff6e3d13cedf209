"""Runs fit the screen, and what tells them apart stays."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len

from landrun.models.run_record import RunRecord
from landrun_ops.cli.console import console
from landrun_ops.cli.runs import repeated
from landrun_ops.cli.tables import (
    brief,
    counts_text,
    digits,
    failures,
    object_text,
    runs_table,
    short_name,
    shortened,
)
from records import record

NAME = "landrun-0123456789abcdef0123456789abcdef"
NOTEBOOKS = "bsm-batch-preprocessing-daily-0b1c2d3e-4f5a-6b7c-8d9e-0f1a2b3c4d5e"
KEY = "incoming/2026/11/22/messages-of-today.jsonl"
NOW = datetime(2026, 11, 22, 11, 37, 5, 123_000, tzinfo=UTC)


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


def _drawn(*runs: RunRecord, width: int = 80, **how: Any) -> str:
    out = StringIO()
    console(file=out, width=width).print(runs_table(runs, **how))
    return out.getvalue()


def _words(drawn: str) -> str:
    """What a column says, its folded lines joined."""
    return "".join(line[53:].strip() for line in drawn.splitlines()[2:])


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("name", [NAME, NOTEBOOKS])
def test_a_run_fits_the_screen_and_nothing_of_it_is_cut_off(width: int, name: str) -> None:
    drawn = _drawn(_run(name=name), _run(status="TIMED_OUT"), width=width)
    assert max(map(cell_len, drawn.splitlines())) <= width
    assert "…" not in drawn
    assert {"SUCCEEDED", "TIMED_OUT", "5574", "5160"} <= set(drawn.split())
    if name == NAME:
        assert KEY in _words(drawn)
        assert "11-22 10:33" in drawn


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ({"Kind": "schedule", "ScheduledTime": "2026-11-22T03:00:00Z"}, "tick 2026-11-22 03:00"),
        ({"Kind": "manual", "StartedBy": "ana"}, "by hand, ana"),
        ({"Kind": "outside"}, "by hand, outside landrun"),
        (
            {"Kind": "manual", "StartedBy": "arn:aws:sts::123456789012:assumed-role/Admin/ana"},
            "by hand, Admin/ana",
        ),
        ({"Kind": "manual", "StartedBy": "ana", "RerunOf": NAME}, "rerun of 01234567"),
        ({"Kind": "object-created", "Key": "in/[bold]x[/bold].csv"}, "in/[bold]x[/bold].csv"),
    ],
)
def test_every_kind_of_trigger_is_said_in_words(trigger: dict[str, str], words: str) -> None:
    assert words in _drawn(_run(trigger=trigger), width=200)


def test_a_rerun_shows_the_object_that_the_first_run_read() -> None:
    rows = {
        "again": _run(name="again", trigger={"Kind": "manual", "RerunOf": NAME}, rerun_of=NAME),
        "twice": _run(name="twice", trigger={"Kind": "manual", "RerunOf": "a"}, rerun_of="again"),
        "odd": _run(name="odd", rerun_of="odd"),
        NAME: _run(),
    }

    class Ledger:
        get = staticmethod(rows.get)

    ledger: Any = Ledger()
    known = repeated(ledger, [rows["twice"], rows["odd"]])
    assert known.keys() == rows.keys()
    assert object_text(rows["twice"], known) == f"{KEY} (rerun of a)"
    assert object_text(rows["twice"], {}) == "rerun of a"
    assert object_text(rows["odd"], known) == KEY


def test_a_run_that_waits_for_a_slot_is_waiting_and_one_that_ended_is_not() -> None:
    running = _run(status="RUNNING", duration_seconds=None)
    assert "WAITING 1h 04m" in " ".join(_drawn(running, now=NOW, waiting={NAME}).split())
    assert "RUNNING" in _drawn(running, now=NOW, waiting={"other"})
    assert "SUCCEEDED" in _drawn(_run(), waiting={NAME})


def test_why_runs_failed_is_said_once_for_each_reason() -> None:
    failed = {"status": "FAILED", "exit_message": "no text\ncolumn" + "x" * 999}
    runs = [_run(**failed, name="a"), _run(), _run(**failed, name="b"), _run(status="ABORTED")]
    (first, why), (second, no_reason) = failures(runs).items()
    assert (why, no_reason) == (["a", "b"], ["01234567"])
    assert first.startswith(r"no text\ncolumn")
    assert len(first) <= 300
    assert second == "the run gave no reason"


def test_what_is_not_known_is_a_dash_not_a_zero() -> None:
    drawn = _drawn(record({"name": NAME, "status": "ABORTED"}), now=NOW)
    assert drawn.splitlines()[2].split()[-5:] == ["ABORTED", "-", "-", "-", "-"]
    assert counts_text(_run()) == "5,574 in, 5,160 out, 410 duplicates"
    assert counts_text(record()) == ""
    assert counts_text(_run(summary={"rows_in": -1, "rows_out": "NaN", "empty": 0})) == "0 empty"


def test_spans_and_names_are_short() -> None:
    spans = [brief(seconds) for seconds in (0, 59.96, 3599.6, 86_399, 99 * 86_400)]
    assert spans == ["0.0 s", "1m 00s", "1h 00m", "23h 59m", "99d 00h"]
    assert (short_name(NAME), digits(NAME)) == ("landrun-01234567", "01234567")
    assert short_name("nightly-by-hand") == digits("nightly-by-hand") == "nightly-by-hand"
    assert shortened("incoming/a/b/messages.csv", 13) == "…messages.csv"
    assert shortened("short.csv", 9) == "short.csv"
