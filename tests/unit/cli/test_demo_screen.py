"""What a demo shows fits the screen, is true of each file, and ends with what to do next."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.cells import cell_len
from rich.console import RenderableType

from landrun.models.run_record import RunRecord
from landrun_ops.actions.demo import Journey, Stage
from landrun_ops.cli.console import console
from landrun_ops.cli.demo_screen import (
    LiveProgress,
    PlainProgress,
    first_rows,
    rows_table,
    show_results,
    stages_text,
)
from records import record

FAILED = record({"name": "x", "status": "FAILED", "cause": "no text column"})
GOOD = record(
    {"name": "y", "status": "SUCCEEDED", "duration_seconds": 3, "summary": {"rows_in": 7}}
)


def _journey(
    name: str, stage: Stage | None, run: RunRecord | None = None, refusal: str = ""
) -> Journey:
    return Journey(Path(name), name, name, stage=stage, run=run, refusal=refusal)


def _drawn(what: RenderableType, width: int = 80) -> list[str]:
    out = StringIO()
    console(file=out, width=width).print(what)
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("journey", "marks"),
    [
        (_journey("a", None), "····"),
        (_journey("a", Stage.STARTED), "✓✓··"),
        (_journey("a", Stage.RECORDED, GOOD), "✓✓✓✓"),
        (_journey("a", Stage.RECORDED, FAILED), "✓✓✗✓"),  # it is processing that failed
        (_journey("a", Stage.LANDED, refusal="a line break"), "✓✗··"),
    ],
)
def test_each_stage_is_marked_as_what_became_of_it(journey: Journey, marks: str) -> None:
    words = stages_text(journey).plain.split("  ")[:4]
    assert [word[0] for word in words] == list(marks)
    assert [word[2:] for word in words] == ["landed", "run started", "processing", "recorded"]


def test_more_files_than_lines_show_failures_and_what_moves() -> None:
    journeys = [_journey(f"done-{n}", Stage.RECORDED) for n in range(100)]
    journeys[50] = _journey("failed", Stage.RECORDED, FAILED)
    journeys[99] = _journey("moving", Stage.PROCESSING)
    lines = _drawn(LiveProgress(console(file=StringIO(), width=80, height=10), journeys))
    assert len(lines) <= 10
    assert any("failed" in line for line in lines)
    assert any("moving" in line for line in lines)
    assert "99 of 100 ended, 1 failed" in lines[-1]


def test_long_names_leave_room_for_the_stages() -> None:
    one = _journey(f"{'folder/' * 10}name.csv", Stage.LANDED)
    lines = _drawn(LiveProgress(console(file=StringIO(), width=80, height=24), [one]))
    assert max(map(cell_len, lines)) <= 80
    assert "· recorded" in lines[0]


def test_plain_lines_tell_each_stage_once_and_at_the_end_the_failure() -> None:
    out = StringIO()
    progress, failed = PlainProgress(console(file=out, width=80)), _journey("b\n", None, FAILED)
    for stage in (Stage.STARTED, Stage.PROCESSING, Stage.RECORDED):
        progress.moved(failed, stage)
    progress.moved(_journey("c", Stage.LANDED, refusal="empty"), Stage.LANDED)
    told = [line.partition(" s  ")[2] for line in out.getvalue().splitlines()]
    assert told == [
        r"b\n: run started",
        r"b\n: processing",
        r"b\n: recorded, FAILED: no text column",
        "c: REFUSED: empty",
    ]


ROWS = pl.DataFrame(
    {
        "message_id": ["0", "1"],
        "sender": ["mira_k", None],
        "sent_at": ["2026-11-22T10:33:00Z"] * 2,
        "text": ["I could collect the winter coat on Saturday. " * 4, "ok [b]\x1b[2J"],
        **{f"column {n}": ["a" * 50, "b"] for n in range(4)},
    }
)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_each_row_is_one_line_that_fits_the_screen(width: int) -> None:
    lines = _drawn(rows_table(ROWS), width)
    assert len(lines) == 4
    assert max(map(cell_len, lines)) <= width
    assert lines[3].split()[:2] == ["1", "-"]
    assert r"ok [b]\x1b[2J" in lines[3] or width < 200


def test_results_name_the_outputs_here_the_counts_and_what_to_do_next(tmp_path: Path) -> None:
    for name in ("good.csv", "a[1]*/bad.csv"):
        (tmp_path / name).mkdir(parents=True)
    ROWS.write_parquet(tmp_path / "good.csv" / "part-0.parquet")
    out = StringIO()
    journeys = [
        _journey("good.csv", Stage.RECORDED, GOOD),
        _journey("a[1]*/bad.csv", Stage.RECORDED, FAILED),
        _journey("no.csv", Stage.LANDED, refusal="empty"),
    ]
    show_results(console(file=out, width=120), journeys, tmp_path)
    text = out.getvalue()
    statuses = [line.split()[1:4] for line in text.splitlines()[3:6]]
    assert statuses == [["SUCCEEDED", "3.0", "s"], ["FAILED", "-", "-"], ["REFUSED", "-", "-"]]
    assert "first rows of good.csv (2 more columns):" in text
    assert f"  {tmp_path}/good.csv/\n" in text
    assert f"  {tmp_path}/a[1]*/bad.csv/job.log\n" in text
    assert "landrun local up" in text
    assert "--parameter" in text


def test_brackets_in_a_folders_name_are_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "a[1]*"
    folder.mkdir()
    assert first_rows(folder, 1) is None
    ROWS.write_parquet(folder / "part-0.parquet")
    rows = first_rows(folder, 1)
    assert rows is not None
    assert rows.height == 1
