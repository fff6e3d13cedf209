"""Rows on their way into buckets: the first of those that are alike is never lost."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from messages.staging import IDENTITY, ORDER, Staging, firsts, segments

ROW = st.tuples(
    st.sampled_from(["ada", "bob", "", None]),
    st.sampled_from(["9:00", None]),
    st.sampled_from(["a", "b", "\0", ""]),
)


@given(st.lists(ROW, min_size=1, max_size=12), st.randoms(), st.integers(1, 3), st.integers(0, 2))
def test_buckets_have_every_first_row_and_none_has_another_that_is_alike(
    rows, random, buckets, seed
):
    orders = list(range(len(rows)))
    random.shuffle(orders)
    frame = pl.DataFrame(rows, dict.fromkeys(IDENTITY, pl.String), orient="row")
    frame = frame.insert_column(0, pl.Series(ORDER, orders, dtype=pl.Int64))
    with TemporaryDirectory() as name:
        staging = Staging(Path(name), buckets, seed)
        for part in frame.iter_slices(5):
            staging.add(part)
        staging.flush()
        found = [firsts(list(segments([path]))) for path in sorted(Path(name).iterdir())]

    first_of_each = {}
    for order, row in sorted(zip(orders, rows, strict=True)):
        first_of_each.setdefault(row, order)
    assert sorted(order for bucket in found for order in bucket[ORDER]) == sorted(
        first_of_each.values()
    )


def test_many_rows_that_are_alike_are_staged_once(tmp_path):
    """Otherwise a file that unpacks to one row a billion times would fill the disk."""
    frame = pl.DataFrame({ORDER: range(100), **dict.fromkeys(IDENTITY, ["alike"] * 100)})
    staging = Staging(tmp_path, 1)
    staging.add(frame)
    staging.flush()

    assert [rows.height for rows in segments([*tmp_path.iterdir()])] == [1]
