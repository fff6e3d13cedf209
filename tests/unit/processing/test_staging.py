"""Rows on their way into buckets: the first of those that are alike is never lost."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from messages.staging import FLUSH_FRAMES, IDENTITY, ORDER, Staging, firsts, segments

Rows = list[tuple[str | None, str | None, str]]
ROW = st.tuples(
    st.sampled_from(["ada", "bob", "", None]),
    st.sampled_from(["9:00", None]),
    st.sampled_from(["a", "b", "\0", ""]),
)
ROWS = st.lists(ROW, min_size=1, max_size=12)


def frame(rows: Rows, orders: list[int]) -> pl.DataFrame:
    kept = pl.DataFrame(rows, dict.fromkeys(IDENTITY, pl.String), orient="row")
    return kept.insert_column(0, pl.Series(ORDER, orders, dtype=pl.Int64))


def first_of_each(rows: Rows, orders: list[int]) -> list[int]:
    known: dict[tuple[str | None, str | None, str], int] = {}
    for order, row in sorted(zip(orders, rows, strict=True)):
        known.setdefault(row, order)
    return sorted(known.values())


@given(ROWS, st.randoms(), st.integers(1, 4))
def test_the_first_row_of_each_sender_time_and_text_is_kept_in_order(
    rows: Rows, random: Random, pieces: int
) -> None:
    orders = list(range(len(rows)))
    random.shuffle(orders)
    parts = list(frame(rows, orders).iter_slices(-(-len(rows) // pieces)))

    assert firsts(parts)[ORDER].to_list() == first_of_each(rows, orders)


@given(ROWS, st.integers(1, 3), st.integers(0, 2))
def test_buckets_have_every_first_row_and_none_has_another_that_is_alike(
    rows: Rows, buckets: int, seed: int
) -> None:
    orders = list(range(len(rows)))
    with TemporaryDirectory() as name:
        staging = Staging(Path(name), buckets, seed)
        for part in frame(rows, orders).iter_slices(5):
            staging.add(part)
        staging.flush()
        found = [firsts(list(segments([path]))) for path in sorted(Path(name).iterdir())]

    assert sorted(order for bucket in found for order in bucket[ORDER]) == first_of_each(
        rows, orders
    )


def test_many_rows_that_are_alike_are_staged_once_and_a_few_as_they_are(tmp_path: Path) -> None:
    def staged(rows: Rows) -> int:
        staging = Staging(tmp_path, 1)
        staging.add(frame(rows, list(range(len(rows)))))
        staging.flush()
        return sum(weight.rows for weight in staging.weights.values())

    own: Rows = [("ada", "9:00", f"{n}") for n in range(99)]
    assert staged([("ada", None, "the same")] * 100) == 1
    assert staged([*own, *own[:50]]) == 99
    assert staged([*own, own[0]]) == 100


def test_frames_are_written_once_they_are_many_however_few_rows_they_have(tmp_path: Path) -> None:
    """A single row kept of a batch holds all of the batch's text."""
    staging = Staging(tmp_path, 1)
    for _ in range(FLUSH_FRAMES):
        staging.add(frame([("ada", "9:00", "t")], [0]))

    assert staging.weights[0].rows == FLUSH_FRAMES
