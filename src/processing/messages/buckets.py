"""One bucket at a time: its duplicates dropped, the rest written as a part of the output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from messages.masking import Masks
from messages.staging import DISTINCTION, ORDER, Staging, Weight, firsts, segments, task_of
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


@dataclass(frozen=True)
class Output:
    """What all buckets are written by.

    Attributes
    ----------
    schema
        The output's columns, those that only tell rows apart not among them.
    masks
        Columns that are masked once duplicates are gone, as they tell whose message is whose.
    tasks
        The tasks whose rows count: those of files that were rejected after all do not.
    limit
        Bytes a bucket may take in memory; a larger one is spread over several first.
    """

    schema: dict[str, pl.DataType]
    masks: Masks
    tasks: Sequence[int]
    limit: int


def finish(bucket: Bucket, output: Output, target: Path) -> Written:
    """Deduplicate a bucket and write it.

    Parameters
    ----------
    bucket
        Its files are deleted.
    output
        What all buckets are written by.
    target
        The part to write; a bucket that was spread over several appends a number to the name.
    """
    written = Written()
    for number, piece in enumerate(_pieces(bucket, len(output.schema), output.limit)):
        rows = _unique(piece.paths, output)
        for path in piece.paths:
            path.unlink()
        if rows is not None:
            part = target.with_name(f"{target.name}.{number:05d}")
            _write(output.masks.apply(rows.drop(ORDER, DISTINCTION)), part)
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


def _unique(paths: Sequence[Path], output: Output) -> pl.DataFrame | None:
    """Keep the first of each message, dropping duplicates on the way when there are many."""
    held: list[pl.DataFrame] = []
    size = 0
    full = {ORDER: pl.Int64(), DISTINCTION: pl.String(), **output.schema}
    tasks = pl.Series(output.tasks, dtype=pl.Int64).implode()
    for segment in segments(paths):
        counted = segment.filter(task_of(pl.col(ORDER)).is_in(tasks))
        if counted.height:
            held.append(conform(counted, full))
            size += int(held[-1].estimated_size())
        if size > output.limit:
            held = [firsts(held)]
            size = int(held[0].estimated_size())
    return firsts(held) if held else None


def _write(rows: pl.DataFrame, part: Path) -> None:
    rows.write_parquet(part, compression="zstd")


def _by_task(rows: pl.DataFrame) -> dict[int, int]:
    counts = rows.select(task_of(pl.col(ORDER)).alias("task"))["task"].value_counts()
    return dict(counts.iter_rows())
