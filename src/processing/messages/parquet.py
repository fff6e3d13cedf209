"""Reads Parquet files: their columns and rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from messages.batch import Rows, frame_rows
from messages.columns import MAX_FIELDS, ColumnNotFoundError, Columns, find_columns
from messages.sources import Source
from messages.streams import BATCH_LINES, BOMB_BYTES, BOMB_RATIO, BROKEN, Blocks, BombError
from messages.tasks import Done, Task
from messages.values import unshared_bytes

# How many times its size a compressed Parquet file may have; its pages are compressed already.
UNPACKED, UNPACKED_BYTES = 100, 256 * 1024 * 1024
# Rows are cleaned in pieces of about so many bytes.
PIECE_BYTES = 16 * 1024 * 1024
# Otherwise an INTERVAL column makes Polars panic; this way, it can be left out.
os.environ.setdefault("POLARS_IMPORT_INTERVAL_AS_STRUCT", "1")
pl.Config.reload_env_vars()
INTERVAL = ["months", "days", "nanoseconds"]


def with_columns(source: Source, unpacked: Path) -> Source:
    """Read a file's schema, or set the ``reason`` why the whole file is rejected.

    A packed one is unpacked first, as it is read from its end.
    """
    if source.compression is None:
        return _with_columns(source)
    blocks = Blocks(source.path, source.compression)
    room = max(UNPACKED_BYTES, UNPACKED * source.size)
    with unpacked.open("wb") as file:
        for block in blocks:
            room -= file.write(block)
            if room < 0:
                break
    if room < 0 or blocks.damage:
        unpacked.unlink()
        bomb = f"it unpacks to more than {UNPACKED} times its size, which no Parquet file does"
        return replace(source, reason=blocks.damage or bomb)
    return _with_columns(replace(source, path=unpacked))


def _with_columns(source: Source) -> Source:
    try:
        with source.path.open("rb") as file:
            schema = pl.read_parquet_schema(file)
        if len(schema) > MAX_FIELDS:
            return replace(source, reason=f"it has more than {MAX_FIELDS} columns")
        left_out = tuple(name for name, kind in schema.items() if _is_interval(kind))
        columns = find_columns([n for n in schema if n not in left_out], source.reading.columns)
        rows = pl.scan_parquet(source.path, glob=False).select(pl.len()).collect().item()
    except ColumnNotFoundError as error:
        return replace(source, reason=str(error))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        return replace(source, reason=f"not readable as Parquet: {str(error).splitlines()[0]}")
    if schema[columns.text].is_nested():
        reason = f"column {columns.text!r} holds {schema[columns.text]}, not strings"
        return replace(source, reason=reason)
    return replace(source, columns=columns, rows=rows, left_out=left_out)


def _is_interval(kind: pl.DataType) -> bool:
    """Recognise Parquet's INTERVAL, which Polars cannot read."""
    return isinstance(kind, pl.Struct) and [field.name for field in kind.fields] == INTERVAL


def read(task: Task, columns: Columns, done: Done) -> Iterator[tuple[int, Rows]]:
    """Read a task's rows in batches, each with the position of its first row."""
    source, rows = task.source, task.end - task.start
    most = max(BOMB_BYTES, BOMB_RATIO * source.size * rows // source.rows)
    scan = pl.scan_parquet(source.path, glob=False, hive_partitioning=False)
    scan = scan.drop(source.left_out)
    try:
        for frame in scan.slice(task.start, rows).collect_batches(
            chunk_size=BATCH_LINES, maintain_order=True
        ):
            for piece in _pieces(frame):
                yield done.lines, frame_rows(piece, columns)
                done.lines += piece.height
            most -= sum(map(unshared_bytes, frame))
            if most < 0:
                raise BombError(f"it unpacks to more than {BOMB_RATIO} times its size")
        if done.lines != rows:
            raise pl.exceptions.ComputeError(f"{done.lines} rows where its footer has {rows}")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, *BROKEN) as error:
        done.damage = f"damaged Parquet data: {str(error).split(chr(10), 1)[0]}"


def _pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut a frame whose rows share long values, which they would no longer once changed."""
    if frame.height < 2 or sum(map(unshared_bytes, frame)) <= PIECE_BYTES:  # noqa: PLR2004
        yield frame
        return
    half = frame.height // 2
    yield from _pieces(frame[:half])
    yield from _pieces(frame[half:])
