"""A copy of a stretch reads as the whole file does, at the same positions."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster import fetching
from messages.streams import range_blocks

CONTENT = st.lists(st.binary(max_size=12), max_size=12).map(b"\n".join)


@given(CONTENT, st.integers(1, 20), st.integers(1, 8))
@example(b"\n\n\n", 1, 1)
@example(b"a long first line\nb", 4, 2)
@example(b"no end", 2, 1)
@settings(deadline=None)
def test_every_line_is_read_by_the_one_stretch_that_it_begins_in(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, step: int, chunk: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = folder / "whole"
    whole.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "_LINE", chunk)
        for start in range(0, len(content), step):
            end = min(len(content), start + step)
            copy = fetching.hole(whole.as_uri(), folder, start)
            fetching.lines(whole.as_uri(), copy, start, end)
            assert list(range_blocks(copy, start, end)) == list(range_blocks(whole, start, end))


def test_a_stretch_of_a_large_file_takes_little_room(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(b"0123456\n" * 4_000_000)
    copy = fetching.hole(whole.as_uri(), tmp_path, 1)

    fetching.lines(whole.as_uri(), copy, 16_000_000, 16_100_000)

    assert copy.stat().st_size == whole.stat().st_size
    assert copy.stat().st_blocks * 512 < 1_000_000


def test_rows_of_parquet_are_read_from_their_row_groups_alone(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    frame = pl.DataFrame({"text": [f"{n}{'x' * 2000}" for n in range(4000)], "n": range(4000)})
    frame.write_parquet(whole, row_group_size=100, compression="uncompressed")
    copy = fetching.hole(whole.as_uri(), tmp_path, 1)

    fetching.rows(whole.as_uri(), copy, 150, 420)

    assert pl.scan_parquet(copy).slice(150, 270).collect().equals(frame[150:420])
    assert copy.stat().st_blocks * 512 < whole.stat().st_size / 2


def test_what_identifies_a_file_is_all_there_where_its_beginning_is_plain(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"a" * fetching.NEAR + "ü".encode())
    copy = fetching.hole(whole.as_uri(), tmp_path, 1)

    fetching.beginning(whole.as_uri(), copy)

    assert copy.read_bytes() == whole.read_bytes()
