"""One bucket at a time: its duplicates dropped, the rest written as a part of the output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from messages.masking import Masks
from messages.staging import ORDER, Staging, Weight, firsts, segments, task_of
from messages.values import conform

MAX_SPREAD, DEPTH = 64, 3
CELL_BYTES = 8


@dataclass(frozen=True)
class Bucket:
    """Files that hold the same hash values, and what they weigh."""

    paths: tuple[Path, ...]
    weight: Weight
    depth: int = 0


@dataclass
class Written:
    """What became of a bucket: its parts, and rows kept by task number."""

    parts: list[Path] = field(default_factory=list)
    kept: Counter[int] = field(default_factory=Counter)


def finish(
    bucket: Bucket, schema: dict[str, pl.DataType], target: Path, limit: int, masks: Masks
) -> Written:
    """Deduplicate a bucket and write it.

    Parameters
    ----------
    bucket
        Its files are deleted.
    schema
        The output's columns, ``ORDER`` not among them.
    target
        The part to write; a bucket that was spread over several appends a number to the name.
    limit
        Bytes a bucket may take in memory; a larger one is spread over several first.
    masks
        Columns that are masked once duplicates are gone, as they tell whose message is whose.
    """
    written = Written()
    for number, piece in enumerate(_pieces(bucket, len(schema), limit)):
        rows = _unique(piece.paths, schema, limit)
        for path in piece.paths:
            path.unlink()
        if rows.height:
            part = target.with_name(f"{target.name}.{number:05d}")
            _write(masks.apply(rows.drop(ORDER)), part)
            written.parts.append(part)
            written.kept.update(_by_task(rows))
    return written


def _pieces(bucket: Bucket, width: int, limit: int) -> Iterator[Bucket]:
    size = bucket.weight.bytes + bucket.weight.rows * width * CELL_BYTES
    if size <= limit or bucket.depth == DEPTH:
        yield bucket
        return
    folder = bucket.paths[0].with_name(f"{bucket.paths[0].name}.spread")
    folder.mkdir()
    spread = Staging(folder, min(MAX_SPREAD, size // limit + 1), seed=bucket.depth + 1)
    for segment in segments(bucket.paths):
        spread.add(segment)
    spread.flush()
    for path in bucket.paths:
        path.unlink()
    for number, weight in sorted(spread.weights.items()):
        paths = tuple(sorted(folder.glob(f"{number:05d}.*")))
        yield from _pieces(Bucket(paths, weight, bucket.depth + 1), width, limit)


def _unique(paths: Sequence[Path], schema: dict[str, pl.DataType], limit: int) -> pl.DataFrame:
    """Keep the first of each message, dropping duplicates on the way when there are many."""
    held: list[pl.DataFrame] = []
    size = 0
    full = {ORDER: pl.Int64(), **schema}
    for segment in segments(paths):
        held.append(conform(segment, full))
        size += int(held[-1].estimated_size())
        if size > limit:
            held = [firsts(held)]
            size = int(held[0].estimated_size())
    return firsts(held)


def _write(rows: pl.DataFrame, part: Path) -> None:
    rows.write_parquet(part, compression="zstd")


def _by_task(rows: pl.DataFrame) -> dict[int, int]:
    counts = rows.select(task_of(pl.col(ORDER)).alias("task"))["task"].value_counts()
    return dict(counts.iter_rows())
