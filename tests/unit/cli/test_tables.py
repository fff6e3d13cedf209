"""Runs fit the screen, and what tells them apart stays."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from landrun.models.run_record import RunRecord
from landrun.sanitize import printable
from landrun_ops.cli.tables import (
    brief,
    outcome_table,
    runs_table,
    short_name,
    shortened,
    took_text,
)
from records import record

NAME = "landrun-0123456789abcdef0123456789abcdef"
OUTPUT = f"s3://landrun-outputbucket-1a2b3c4d5e6f/processed/{NAME}/"


def _run(**attributes: Any) -> RunRecord:
    counts = {"rows_in": 5574, "rows_out": 5160, "duplicates": 410, "empty": 3, "rejected": 1}
    row = {
        "name": NAME,
        "status": "SUCCEEDED",
        "trigger": {"Kind": "object-created", "Key": "incoming/2026/11/22/messages-of-today.jsonl"},
        "started_at": "2026-11-22T10:33:00.123Z",
        "duration_seconds": 12.345,
        "output_processed_message": OUTPUT,
        "summary": counts,
    }
    return record(row | attributes)


def _drawn(table: Any, width: int) -> str:
    out = StringIO()
    Console(file=out, width=width, markup=False).print(table)
    return out.getvalue()


@pytest.mark.parametrize("layout", [runs_table, outcome_table])
@pytest.mark.parametrize("width", [80, 100, 120, 150, 200])
def test_a_run_takes_no_more_columns_than_the_screen_has(layout: Any, width: int) -> None:
    drawn = _drawn(layout([_run(), _run(status="TIMED_OUT")], width), width)
    assert max(map(cell_len, drawn.splitlines())) <= width
    assert "SUCCEEDED" in drawn
    assert "5574" in drawn
    assert "of-today.jsonl" in drawn


def test_a_narrow_outcome_has_every_count_in_one_line() -> None:
    drawn = _drawn(outcome_table([_run()], 80), 80)
    (row,) = [line for line in drawn.splitlines() if "SUCCEEDED" in line]
    assert row.split()[-6:] == ["12.3", "5574", "5160", "410", "3", "1"]


def test_a_run_and_its_status_are_whole_on_the_narrowest_of_screens() -> None:
    drawn = _drawn(runs_table([_run()], 56), 56)
    assert {"SUCCEEDED", "3f5d8f02"} & set(drawn.split()) >= {"SUCCEEDED"}
    assert len(drawn.splitlines()) == 3


def test_a_narrow_ledger_sums_the_dropped_rows() -> None:
    drawn = _drawn(runs_table([_run()], 80), 80)
    (row,) = [line for line in drawn.splitlines() if "SUCCEEDED" in line]
    assert row.split()[-1] == "414"


def test_a_wide_screen_shows_the_output_whole() -> None:
    assert OUTPUT in _drawn(outcome_table([_run()], 200), 200)


def test_what_is_not_known_is_a_dash_not_a_zero() -> None:
    drawn = _drawn(outcome_table([record({"name": NAME, "status": "RUNNING"})], 80), 80)
    (row,) = [line for line in drawn.splitlines() if "RUNNING" in line]
    assert row.split()[1:] == ["-", "RUNNING", "-", "-", "-", "-", "-", "-"]


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        ({"Kind": "schedule", "ScheduledTime": "2026-11-22T03:00:00Z"}, "tick 2026-11-22 03:00 "),
        ({"Kind": "manual", "StartedBy": "ana"}, "by hand, ana"),
        ({"Kind": "outside"}, "by hand, outside landrun"),
        (
            {"Kind": "manual", "StartedBy": "arn:aws:sts::123456789012:assumed-role/Admin/ana"},
            "by hand, Admin/ana",
        ),
        ({"Kind": "manual", "StartedBy": "ana", "RerunOf": NAME}, "rerun of 01234567"),
    ],
)
def test_every_kind_of_trigger_is_said_in_words(trigger: dict[str, str], words: str) -> None:
    assert words in _drawn(runs_table([_run(trigger=trigger)], 200), 200)


def test_a_wide_ledger_says_why_a_run_failed_where_its_output_would_be() -> None:
    failed = _run(status="FAILED", exit_message="no text column\n" * 99)
    drawn = _drawn(runs_table([failed, _run()], 220), 220)
    assert "no text column" in drawn
    assert OUTPUT in drawn
    assert len(drawn.splitlines()) == 4


def test_a_run_that_goes_on_shows_for_how_long() -> None:
    now = datetime(2026, 11, 22, 11, 37, 5, 123_000, tzinfo=UTC)
    running = _run(status="RUNNING", duration_seconds=None)
    assert "1h 04m" in _drawn(runs_table([running], 80, now), 80)
    for odd in ("soon", "2026-11-22T10:33:00"):
        assert took_text(_run(status="RUNNING", duration_seconds=None, started_at=odd), now) == "-"
    assert took_text(_run(status="ABORTED", duration_seconds=None), now) == "-"


def test_a_span_takes_seven_columns_at_most() -> None:
    spans = [brief(seconds) for seconds in (0, 59.96, 3599.6, 86_399, 99 * 86_400)]
    assert spans == ["0.0 s", "1m 00s", "1h 00m", "23h 59m", "99d 00h"]


def test_brackets_in_a_key_are_not_markup() -> None:
    trigger = {"Kind": "object-created", "Key": "in/[bold]x[/bold].csv"}
    assert "in/[bold]x[/bold].csv" in _drawn(runs_table([_run(trigger=trigger)], 200), 200)


def test_a_key_with_a_newline_stays_in_its_line() -> None:
    assert printable("a\nb\x1b[31m") == "a\\nb\\x1b[31m"


def test_a_name_is_shortened_to_its_prefix_and_eight_digits() -> None:
    assert short_name(NAME) == "landrun-01234567"
    assert short_name("nightly-by-hand") == "nightly-by-hand"


def test_the_end_of_a_long_key_stays() -> None:
    assert shortened("incoming/a/b/messages.csv", 13) == "…messages.csv"
    assert shortened("short.csv", 9) == "short.csv"
