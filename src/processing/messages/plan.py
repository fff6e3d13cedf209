"""Which files there are, what they are, and the tasks they make."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from messages.csvfiles import cuts
from messages.host import Host
from messages.sources import Source, inspect, with_parquet_columns
from messages.streams import Blocks
from messages.wanted import Wanted
from messages.work import Task

MIB = 1024 * 1024
RANGE_BYTES = 32 * MIB
SMALL_BYTES = 8 * MIB
# A packed Parquet file may unpack to so many times its size, as its pages are packed already.
UNPACKED, UNPACKED_BYTES = 100, 256 * MIB
# What unpacked rows take against the file's size, roughly; only the number of buckets hangs on it.
EXPANSION = {None: 1.3, "gzip": 7.0, "zstd": 8.0, "bz2": 9.0}
PARQUET_EXPANSION = 5.0
# Measured: a worker with nothing to do, and how many times a bucket it holds at its peak.
PROCESS_MIB, BUCKET_COPIES = 130, 5
BUCKET_MIB = range(8, 49)
MAX_BUCKETS = 512


@dataclass(frozen=True)
class Shape:
    """How much runs at once and how much each may hold."""

    workers: int
    buckets: int
    bucket_bytes: int


def find(folder: Path, host: Host) -> list[tuple[Path, str]]:
    """List this host's files with their names under the folder, in the names' order."""
    files = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    mine = files[host.index :: host.count] if host.shares else files
    return [(path, name) for name, path in mine]


def sources(files: Sequence[tuple[Path, str]], wanted: Wanted, scratch: Path) -> Iterator[Source]:
    """Inspect each file; a packed Parquet file is unpacked, as it is read from its end."""
    for number, (path, name) in enumerate(files):
        source = inspect(path, name, wanted)
        if source.format == "parquet" and source.reason is None:
            source = _parquet(source, scratch / f"parquet.{number}")
        yield source


def _parquet(source: Source, unpacked: Path) -> Source:
    if source.compression is None:
        return with_parquet_columns(source, source.path)
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
    return replace(with_parquet_columns(source, unpacked), path=unpacked)


def tasks(found: Sequence[Source], *, cut: bool = False) -> list[Task]:
    """Divide usable files into tasks, numbered in the order of files and positions.

    ``cut`` is for CSV files, too, which are read from end to end to find out where they may be.
    """
    usable = [s for s in found if s.reason is None]
    stretches = [(s, *stretch) for s in usable for stretch in _stretches(s, cut=cut)]
    return [Task(number, *stretch) for number, stretch in enumerate(stretches)]


def _stretches(source: Source, *, cut: bool) -> Iterator[tuple[int, int]]:
    if source.format == "parquet":
        pieces = max(1, math.ceil(source.path.stat().st_size / RANGE_BYTES))
        starts = list(range(0, source.rows, max(1, math.ceil(source.rows / pieces))))
        end = source.rows
    else:
        starts, end = [0], source.size
        if source.splittable:
            starts = list(range(0, source.size, RANGE_BYTES)) or [0]
        elif cut and source.cuttable and source.size > RANGE_BYTES:
            starts = cuts(source.path, source.dialect.delimiter, RANGE_BYTES)
    yield from pairwise([*starts, end])


def shape(found: Sequence[Source], workers: int | None, memory: int) -> Shape:
    """Fit the run into its memory.

    Parameters
    ----------
    found
        The files.
    workers
        Processes asked for; by default one per core, as far as memory goes.
    memory
        MiB.
    """
    size = sum(s.size for s in found if s.reason is None)
    most = max(1, (memory - PROCESS_MIB) // (PROCESS_MIB + BUCKET_MIB.start * BUCKET_COPIES))
    count = min(workers or os.cpu_count() or 1, most) if size > SMALL_BYTES else 1
    room = (memory - PROCESS_MIB * (count + 1)) // (count * BUCKET_COPIES)
    bucket = max(BUCKET_MIB.start, min(BUCKET_MIB.stop - 1, room)) * MIB
    rows = sum(s.size * _expansion(s) for s in found if s.reason is None)
    return Shape(count, max(1, min(MAX_BUCKETS, math.ceil(rows / bucket))), bucket)


def _expansion(source: Source) -> float:
    return PARQUET_EXPANSION if source.format == "parquet" else EXPANSION[source.compression]
