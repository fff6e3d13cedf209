"""Rows on their way into buckets: the first of those that are alike is never lost."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.staging import IDENTITY, ORDER, Staging, firsts, segments

Rows = list[tuple[str | None, str | None, str]]
_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "", None]),
        st.sampled_from(["9:00", None]),
        st.sampled_from(["a", "b", "\0", ""]),
    ),
    min_size=1,
    max_size=12,
)


def frame(rows: Rows, orders: list[int]) -> pl.DataFrame:
    data = [pl.Series(ORDER, orders, dtype=pl.Int64)]
    for place, name in enumerate(IDENTITY):
        data.append(pl.Series(name, [row[place] for row in rows], dtype=pl.String))
    return pl.DataFrame(data)


def first_of_each(rows: Rows, orders: list[int]) -> list[int]:
    known: dict[tuple[str | None, str | None, str], int] = {}
    for order, row in sorted(zip(orders, rows, strict=True)):
        known.setdefault(row, order)
    return sorted(known.values())


@given(_ROWS, st.randoms(), st.integers(1, 4))
def test_the_first_row_of_each_sender_time_and_text_is_kept_in_order(
    rows: Rows, random: Random, pieces: int
) -> None:
    orders = list(range(len(rows)))
    random.shuffle(orders)
    whole = frame(rows, orders)
    step = -(-whole.height // pieces)
    parts = [whole[start : start + step] for start in range(0, whole.height, step)]
    assert firsts(parts)[ORDER].to_list() == first_of_each(rows, orders)


@settings(max_examples=60)
@given(_ROWS, st.integers(1, 3), st.integers(0, 2))
def test_buckets_have_every_first_row_and_none_has_another_that_is_alike(
    rows: Rows, buckets: int, seed: int
) -> None:
    with TemporaryDirectory() as name:
        kept = through_buckets(Path(name), rows, buckets, seed)
    assert kept == first_of_each(rows, list(range(len(rows))))


def through_buckets(folder: Path, rows: Rows, buckets: int, seed: int) -> list[int]:
    orders = list(range(len(rows)))
    staging = Staging(folder, buckets, seed)
    for start in range(0, len(rows), 5):
        staging.add(frame(rows[start : start + 5], orders[start : start + 5]))
    staging.flush()
    found = [firsts(list(segments([path]))) for path in sorted(folder.iterdir())]
    return sorted(order for bucket in found for order in bucket[ORDER])


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
