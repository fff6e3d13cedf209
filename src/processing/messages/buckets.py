"""Processes one bucket: drops its duplicates, and writes the rest as a part of the output."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from messages.columns import OUTPUT
from messages.masking import masked_schema, with_masks
from messages.options import Rules
from messages.staging import DISTINCTION, ORDER, Staging, firsts, segments, task_of, weight
from messages.tasks import Output, Written, buckets_in
from messages.values import MAX_COLUMNS, OVERFLOW, conform, widest

MAX_SPREAD, DEPTH = 64, 3


def output_of(schemas: Iterable[bytes], rules: Rules, tasks: Sequence[int], limit: int) -> Output:
    """Return the `Output` of all buckets, from the schemas of all tasks (`Done.schema`)."""
    schema = masked_schema(_united(map(pickle.loads, schemas)), rules)
    return Output(pickle.dumps(schema), tuple(schema), rules, tasks, limit)


def _united(schemas: Iterable[dict[str, list[pl.DataType]]]) -> dict[str, pl.DataType]:
    """Unite columns by name, in the order of their first appearance."""
    schema: dict[str, pl.DataType] = {name: pl.String() for name in OUTPUT}
    for name, kinds in ((n, k) for one in schemas for n, k in one.items() if n[:1] != "\0"):
        for kind in kinds:
            schema[name] = widest(schema.get(name, pl.Null()), kind)
    united = {n: pl.String() if t == pl.Null() else t for n, t in schema.items()}
    kept = [n for n in united if n != OVERFLOW][: len(OUTPUT) + MAX_COLUMNS]
    overflows = len(kept) < len(united)
    return {n: united[n] for n in kept} | ({OVERFLOW: pl.String()} if overflows else {})


def schema_of(output: Output) -> dict[str, pl.DataType]:
    """Return the output's columns and their types."""
    schema: dict[str, pl.DataType] = pickle.loads(output.schema)  # noqa: S301 - our own worker's
    return schema


def write_none(output: Output, part: Path) -> Path:
    """Write a part without rows: the output of a run that keeps no row."""
    _write(pl.DataFrame(schema=schema_of(output)), part)
    return part


def finish(bucket: Sequence[Path], output: Output, target: Path) -> Written:
    """Deduplicate a bucket, write the remaining rows, and delete its files.

    A bucket that was spread over several writes as many parts: each appends a number to ``target``.
    """
    written = Written()
    schema = schema_of(output)
    for number, piece in enumerate(_pieces(bucket, len(schema), output.limit)):
        rows = _unique(piece, output, schema)
        for path in piece:
            path.unlink()
        if rows is not None:
            part = target.with_name(f"{target.name}.{number:05d}")
            _write(with_masks(rows.drop(ORDER, DISTINCTION), output.rules), part)
            written.parts.append(part)
            written.kept.update(_by_task(rows))
    return written


def _pieces(
    bucket: Sequence[Path], width: int, limit: int, depth: int = 0
) -> Iterator[Sequence[Path]]:
    """Spread a bucket of more than ``limit`` bytes over several, repeatedly if needed."""
    size = weight(bucket, width)
    if size <= limit or depth == DEPTH:
        yield bucket
        return
    folder = bucket[0].with_name(f"{bucket[0].name}.spread")
    folder.mkdir()
    spread = Staging(folder, min(MAX_SPREAD, size // limit + 1), seed=depth + 1)
    for segment in segments(bucket):
        spread.add(segment)
    spread.flush()
    for path in bucket:
        path.unlink()
    for piece in buckets_in(folder):
        yield from _pieces(piece, width, limit, depth + 1)


def _unique(
    paths: Sequence[Path], output: Output, schema: dict[str, pl.DataType]
) -> pl.DataFrame | None:
    """Keep the first row of each message; drops duplicates early when there are many."""
    held: list[pl.DataFrame] = []
    size = 0
    full = {ORDER: pl.Int64(), DISTINCTION: pl.String(), **schema}
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
