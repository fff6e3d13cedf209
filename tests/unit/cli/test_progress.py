"""What happens to files fits the screen, tells without colour, and shows troubles first."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console

from landrun.models.run_record import RunRecord
from landrun_ops.actions.demo import Journey, Stage
from landrun_ops.cli.demo_progress import LiveProgress, PlainProgress
from records import record

FAILED = record({"name": "x", "status": "FAILED", "cause": "no text column"})


def _journey(
    name: str, stage: Stage | None, run: RunRecord | None = None, refusal: str = ""
) -> Journey:
    return Journey(Path(name), name, name, stage=stage, run=run, refusal=refusal)


def _drawn(journeys: list[Journey], width: int = 80, height: int = 24) -> list[str]:
    out = StringIO()
    console = Console(file=out, width=width, height=height)
    console.print(LiveProgress(console, journeys))
    return out.getvalue().splitlines()


def test_stages_can_be_told_apart_without_colour() -> None:
    lines = _drawn([_journey("a", Stage.STARTED), _journey("b", Stage.RECORDED, FAILED)])
    assert lines[0].split("  ")[1:5] == [
        "✓ landed",
        "✓ run started",
        "· processing",
        "· recorded",
    ]
    assert "✗ recorded" in lines[1]


def test_a_refused_file_is_marked_where_it_stopped() -> None:
    (line, _) = _drawn([_journey("a", Stage.LANDED, refusal="a line break")])
    assert "✓ landed  ✗ run started" in line


def test_more_files_than_lines_show_failures_and_what_moves() -> None:
    journeys = [_journey(f"done-{n}", Stage.RECORDED) for n in range(100)]
    journeys[50] = _journey("failed", Stage.RECORDED, FAILED)
    journeys[99] = _journey("moving", Stage.PROCESSING)
    lines = _drawn(journeys, height=10)
    assert len(lines) <= 10
    assert any("failed" in line for line in lines)
    assert any("moving" in line for line in lines)
    assert "99 of 100 recorded" in lines[-1]


def test_long_names_leave_room_for_the_stages() -> None:
    lines = _drawn([_journey(f"{'folder/' * 20}name.csv", Stage.LANDED)])
    assert max(map(cell_len, lines)) <= 80
    assert "name.csv" in lines[0]
    assert "· recorded" in lines[0]


def test_plain_lines_tell_stage_and_failure() -> None:
    out = StringIO()
    progress = PlainProgress(Console(file=out, width=80))
    progress.moved(_journey("a", Stage.STARTED))
    progress.moved(_journey("b\n", Stage.RECORDED, FAILED))
    first, second = out.getvalue().splitlines()
    assert first.endswith("s  a: run started")
    assert second.endswith("s  b\\n: FAILED: no text column")
