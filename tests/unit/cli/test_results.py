"""The first rows of an output fit the screen, and the text gets the room."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.cells import cell_len
from rich.console import Console

from landrun_ops.cli.demo_results import column_widths, first_rows, rows_table


def _drawn(rows: pl.DataFrame, width: int) -> tuple[str, int]:
    out = StringIO()
    table, hidden = rows_table(rows, width)
    Console(file=out, width=width).print(table)
    return out.getvalue(), hidden


ROWS = pl.DataFrame(
    {
        "message_id": ["0", "1"],
        "sender": ["mira_k", None],
        "sent_at": ["2026-11-22T10:33:00Z"] * 2,
        "text": ["I could collect the winter coat on Saturday. " * 4, "ok [b]"],
        "label": ["a" * 50, "b"],
    }
)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_rows_take_no_more_columns_than_the_screen_has(width: int) -> None:
    drawn, _ = _drawn(ROWS, width)
    assert max(map(cell_len, drawn.splitlines())) <= width
    assert "2026-11-22T10:33:00Z" in drawn or width < 80
    assert "ok [b]" in drawn


def test_columns_without_room_are_counted() -> None:
    assert _drawn(ROWS, 80)[1] == 1
    assert _drawn(ROWS, 200)[1] == 0


def test_what_is_null_is_a_dash() -> None:
    drawn, _ = _drawn(ROWS, 200)
    assert drawn.splitlines()[3].split()[:2] == ["1", "-"]


def test_the_text_gets_what_the_others_leave() -> None:
    assert column_widths({"a": 5, "text": 300}, 80) == {"a": 5, "text": 73}
    assert column_widths({"a": 5, "b": 90}, 30) == {"a": 5, "b": 20}


def test_an_output_without_parquet_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("x")
    assert first_rows(tmp_path, 5) is None


def test_brackets_in_a_folder_s_name_are_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "a[1]*"
    folder.mkdir()
    ROWS.write_parquet(folder / "part-0.parquet")
    rows = first_rows(folder, 1)
    assert rows is not None
    assert rows.height == 1
