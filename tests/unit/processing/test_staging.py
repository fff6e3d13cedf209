"""Rows on their way into buckets: the first of those that are alike is never lost."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.staging import IDENTITY, ORDER, Staging, firsts, segments

ROW = st.tuples(
    st.sampled_from(["ada", "bob", "", None]),
    st.sampled_from(["9:00", None]),
    st.sampled_from(["a", "b", "\0", ""]),
)


@settings(max_examples=50)
@given(st.dictionaries(st.integers(0, 99), ROW, min_size=1, max_size=12), st.integers(1, 3))
def test_buckets_have_every_first_row_and_none_has_another_that_is_alike(rows, buckets):
    columns = dict.fromkeys((ORDER, *IDENTITY), pl.String) | {ORDER: pl.Int64}
    frame = pl.DataFrame([(at, *row) for at, row in rows.items()], columns, orient="row")
    with TemporaryDirectory() as name:
        staging = Staging(Path(name), buckets, seed=1)
        for part in frame.iter_slices(5):
            staging.add(part)
        staging.flush()
        found = [firsts(list(segments([path]))) for path in Path(name).iterdir()]

    first_of_each = {row: at for at, row in sorted(rows.items(), reverse=True)}
    assert sorted(at for one in found for at in one[ORDER]) == sorted(first_of_each.values())


def test_many_rows_that_are_alike_are_staged_once(tmp_path):
    """Otherwise a file that unpacks to one row a billion times would fill the disk."""
    staging = Staging(tmp_path, 1)
    staging.add(pl.DataFrame({ORDER: range(100), **dict.fromkeys(IDENTITY, ["alike"] * 100)}))
    staging.flush()

    assert [rows.height for rows in segments([*tmp_path.iterdir()])] == [1]
