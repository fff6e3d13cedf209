"""Stages cleaned rows on disk, in buckets by hash, so that duplicates share a bucket.

A bucket consists of files of segments; each segment is an Arrow IPC stream after its `HEAD`. Each
process writes files of its own.
"""

from __future__ import annotations

import io
import os
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from messages.batch import POSITION
from messages.columns import SENDER, TEXT
from messages.values import CELL

ORDER = "\0order"
DISTINCTION = "\0distinction"
BUCKET = "\0bucket"
# A segment's length, the memory of its rows, and their number.
HEAD = struct.Struct("<QQQ")
CELL_BYTES = 8
# A row's place among all: its task's number above, its position in the task below.
TASK_BITS = 40
FLUSH_BYTES = 24 * 1024 * 1024
# A frame may hold more than it says: all the text it is a part of, and its missing values.
FLUSH_FRAMES = 6
# Rows that are alike meet in their bucket; dropping a few sooner takes longer than staging them.
FEW_ALIKE = 0.9
IDENTITY = (SENDER, DISTINCTION, TEXT)
"""The columns that all rows of one message share; missing values are equal."""


@dataclass
class Staging:
    """Appends the rows of one task to bucket files.

    Another ``seed`` of the hash distributes a bucket's rows differently.
    """

    folder: Path
    buckets: int
    seed: int = 0
    _held: list[pl.DataFrame] = field(default_factory=list)
    _size: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows with their ``ORDER``; they are written by ``flush`` at the latest.

        If many are alike, some that repeat earlier rows may be left out.
        """
        frame = frame.with_columns(_hash(self.seed).alias(BUCKET))
        if frame[BUCKET].n_unique() < FEW_ALIKE * frame.height:
            frame = firsts([frame])
        frame = frame.with_columns(pl.col(BUCKET) % self.buckets)
        self._held.append(frame)
        self._size += max(int(frame.estimated_size()), frame.height * frame.width * CELL)
        if self._size >= FLUSH_BYTES or len(self._held) >= FLUSH_FRAMES:
            self.flush()

    def flush(self) -> None:
        """Write the rows that are still in memory."""
        for frame in _alike(self._held):
            parts = frame.partition_by(BUCKET, as_dict=True, include_key=False)
            for (bucket,), part in parts.items():
                append(self.folder / f"{bucket:05d}.{os.getpid()}", part)
        self._held, self._size = [], 0


def _alike(frames: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Concatenate frames of one schema; others stay separate until all schemas are known."""
    groups: dict[tuple[tuple[str, pl.DataType], ...], list[pl.DataFrame]] = defaultdict(list)
    for frame in frames:
        groups[tuple(frame.schema.items())].append(frame)
    for group in groups.values():
        yield pl.concat(group, rechunk=True) if len(group) > 1 else group[0]


def ordered(frame: pl.DataFrame, task: int, base: int, distinction: str | None) -> pl.DataFrame:
    """Turn positions within a batch into global ones, and add the distinguishing column."""
    first = (task << TASK_BITS) + base
    order = pl.Series(ORDER, frame[POSITION] + first, dtype=pl.Int64)
    apart = pl.lit(None, pl.String) if distinction is None else pl.col(distinction)
    frame = frame.drop(POSITION).insert_column(0, order)
    return frame.with_columns(apart.alias(DISTINCTION))


def task_of(order: pl.Expr) -> pl.Expr:
    """Return the task of a row, by its global position."""
    return order // (1 << TASK_BITS)


def firsts(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Keep the first row of each message (`IDENTITY`), in order."""
    frame = pl.concat(sorted(frames, key=lambda frame: frame.item(0, ORDER)))
    if not frame[ORDER].is_sorted():
        frame = frame.sort(ORDER)
    alike = frame.select(_hash(0)).to_series().is_duplicated().arg_true()  # others repeat none
    first = frame.select(pl.struct(pl.col(IDENTITY).gather(alike)).is_first_distinct()).to_series()
    kept = pl.repeat(True, frame.height, eager=True)
    return frame.filter(kept.scatter(alike.filter(~first), False))


def _hash(seed: int) -> pl.Expr:
    first = len(IDENTITY) * seed
    hashes = [pl.col(name).hash(first + place) for place, name in enumerate(IDENTITY)]
    return hashes[0] ^ hashes[1] ^ hashes[2]


def append(path: Path, frame: pl.DataFrame) -> None:
    """Add a segment to a bucket file."""
    data = io.BytesIO()
    frame.write_ipc_stream(data, compression="lz4")
    with path.open("ab") as file:
        file.write(HEAD.pack(data.tell(), int(frame.estimated_size()), frame.height))
        file.write(data.getbuffer())


def segments(paths: Sequence[Path]) -> Iterator[pl.DataFrame]:
    """Read the segments of bucket files one by one; skips one left incomplete by a dead worker."""
    for path in paths:
        with path.open("rb") as file:
            while len(head := file.read(HEAD.size)) == HEAD.size:
                size, *_ = HEAD.unpack(head)
                segment = file.read(size)
                if len(segment) == size:
                    yield pl.read_ipc_stream(io.BytesIO(segment))


def weight(paths: Sequence[Path], width: int) -> int:
    """Return the memory of the rows of bucket files, once each has all columns."""
    total = 0
    for path in paths:
        with path.open("rb") as file:
            while len(head := file.read(HEAD.size)) == HEAD.size:
                size, taken, rows = HEAD.unpack(head)
                total += taken + rows * width * CELL_BYTES
                file.seek(size, os.SEEK_CUR)
    return total
