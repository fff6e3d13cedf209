"""Runs one task in a worker: reads a range of a file, cleans it in batches, stages the rows."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import orjson
import polars as pl

from messages import parquet, sources
from messages.batch import Batch, Rows, clean_rows, json_rows, record_rows
from messages.columns import Columns
from messages.csvrows import CsvRecords, Record, TabRecords, text, unescaped, weight
from messages.lines import Reject
from messages.masking import mask_text
from messages.options import Reading
from messages.sources import Source
from messages.staging import Staging, ordered
from messages.streams import BATCH_LINES, Blocks, in_utf8, line_batches, range_blocks
from messages.tasks import Done, Task

# A batch has fewer lines where they have many columns; how many is known from the one before.
MAX_CELLS, FIRST_LINES = 2_000_000, 1000
# The largest weight of a batch of CSV records.
RECORD_BYTES = 6 * 1024 * 1024
# Rows form no reference cycles; the garbage collector took a fifth of the time.
COLLECT = (200_000, 10, 10)
# How many rejects of a task are listed; the others are counted.
MAX_LISTED = 50_000


def inspect(path: Path, name: str, reading: Reading, unpacked: Path | None = None) -> Source:
    """Inspect a file as `sources.inspect` does, including Parquet's columns.

    A packed Parquet file is unpacked to ``unpacked``; without that, no Parquet file is looked into.
    The reason of a file that is rejected whole is masked.
    """
    source = sources.inspect(path, name, reading)
    if source.format == "parquet" and source.reason is None and unpacked is not None:
        source = parquet.with_columns(source, unpacked)
    return source if source.reason is None else replace(source, reason=mask_text(source.reason))


def run(task: Task, folder: Path, buckets: int) -> Done:
    """Do one task; its rejects and, in buckets, its rows are staged in ``folder``."""
    done = Done(task.number)
    schema: dict[str, list[pl.DataType]] = {}
    staging = Staging(folder, buckets)
    distinction = task.source.columns.distinction if task.source.columns else None
    gc.set_threshold(*COLLECT)
    for base, batch in _batches(task, done):
        done.rows_in += batch.rows_in
        done.empty += batch.empty
        _keep_rejects(done, batch, base, folder)
        for name, dtype in batch.frame.schema.items():
            kinds = schema.setdefault(name, [])
            if dtype not in kinds:
                kinds.append(dtype)
        done.staged += batch.frame.height
        if batch.frame.height:
            staging.add(ordered(batch.frame, task.number, base, distinction))
    if done.damage is not None:
        done.damage = mask_text(done.damage)  # a reader's error may quote what the file holds
    staging.flush()
    done.schema = pickle.dumps(schema)
    gc.collect(1)  # a few cycles may hold much; older ones are of other tasks, or none
    return done


def _keep_rejects(done: Done, batch: Batch, base: int, folder: Path) -> None:
    if not batch.rejects:
        return
    done.rejected += len(batch.rejects)
    done.reasons.update(reject.reason for reject in batch.rejects)
    done.rejects = folder / f"rejects.{done.number:08d}"
    with done.rejects.open("ab") as file:
        for reject in batch.rejects[: MAX_LISTED - done.listed]:
            done.listed += 1
            record = {
                "position": base + reject.position,
                "reason": reject.reason,
                "excerpt": reject.excerpt,
            }
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def _batches(task: Task, done: Done) -> Iterator[tuple[int, Batch]]:
    """Clean batches; yields each with the position of its first line or row in the task."""
    columns = task.source.columns
    if columns is None:
        return
    for base, some in _rows(task, columns, done):
        yield base, clean_rows(some, columns)
    if done.damage is not None:
        lost = Reject(0, f"the rest of the file is lost: {done.damage}", "")
        yield done.lines, clean_rows(Rows({}, [], [lost]), columns)
        done.lines += 1


def _rows(task: Task, columns: Columns, done: Done) -> Iterator[tuple[int, Rows]]:
    source = task.source
    if source.format == "parquet":
        yield from parquet.read(task, columns, done)
        return
    blocks = Blocks(source.path, source.compression)
    data, encoding = iter(blocks), source.encoding or "utf-8"
    if task.end - task.start < source.size:
        data = range_blocks(source.path, task.start, task.end)
        encoding = encoding if task.start == 0 else encoding.removesuffix("-sig")
    decoded = in_utf8(data, encoding)
    if source.carriage_returns:
        decoded = (block.replace(b"\r", b"\n") for block in decoded)
    read = _json if source.format == "jsonl" else _separated
    yield from read(task, columns, line_batches(decoded, blocks), done)
    done.damage = blocks.damage


def _json(
    _: Task, columns: Columns, batches: Iterator[list[bytes]], done: Done
) -> Iterator[tuple[int, Rows]]:
    """Parse as many lines at once as fit, estimated by the columns of those before."""
    width = MAX_CELLS // FIRST_LINES
    for batch in batches:
        start = 0
        while start < len(batch):
            lines = batch[start : start + max(1, MAX_CELLS // width)]
            rows = json_rows(lines, columns)
            if rows.positions or rows.rejects:  # skip gigabytes of blank lines quickly
                yield done.lines, rows
            width = max(1, len(rows.columns))
            start += len(lines)
            done.lines += len(lines)


def _separated(
    task: Task, columns: Columns, batches: Iterator[list[bytes]], done: Done
) -> Iterator[tuple[int, Rows]]:
    source, dialect = task.source, task.source.dialect
    if dialect.escapes:
        batches = (unescaped(lines, dialect.delimiter) for lines in batches)
    reader = CsvRecords if dialect.quotes else TabRecords
    records = reader(map(text, chain.from_iterable(batches)), dialect.delimiter)
    found = iter(records)
    for _ in range(source.skipped if task.start == 0 else 0):
        next(found, None)
    for some in _batched(found):
        yield 0, record_rows(some, source.header, columns, source.spill)
    done.lines = records.position


def _batched(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Collect records until they are many or heavy."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += weight(record)
        if size >= RECORD_BYTES or len(batch) == BATCH_LINES:
            yield batch
            batch, size = [], 0
    yield batch
