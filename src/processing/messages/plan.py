"""Plans the run: the tasks that files are divided into, and the number of buckets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from messages.csvrows import cuts
from messages.guard import PROCESS_MIB
from messages.sources import Source
from messages.tasks import Task

MIB = 1024 * 1024
RANGE_BYTES, LEAST_BYTES = 32 * MIB, 2 * MIB
"""The most bytes of a task, and the least that another worker is given of a small input."""

# Rough ratio of unpacked rows to the file's size; it only decides the number of buckets.
EXPANSION = {None: 1.3, "gzip": 7.0, "zstd": 8.0, "bz2": 9.0}
PARQUET_EXPANSION = 5.0
# How many times a bucket's size a worker needs at its peak (measured).
BUCKET_COPIES = 5
BUCKET_MIB = range(8, 49)
MAX_BUCKETS = 512


def tasks(found: Sequence[Source], workers: int = 1, *, cut: bool = False) -> list[Task]:
    """Divide usable files into tasks, numbered in the order of files and positions.

    Each worker gets its share of a small input. ``cut`` divides CSV files, too, which are read from
    end to end to find out where they may be.
    """
    usable = [s for s in found if s.reason is None]
    share = math.ceil(sum(s.size for s in usable) / workers)
    most = min(RANGE_BYTES, max(LEAST_BYTES, share)) if workers > 1 else RANGE_BYTES
    stretches = [(s, *stretch) for s in usable for stretch in _stretches(s, most, cut=cut)]
    return [Task(number, *stretch) for number, stretch in enumerate(stretches)]


def _stretches(source: Source, most: int, *, cut: bool) -> Iterator[tuple[int, int]]:
    if source.format == "parquet":
        pieces = max(1, math.ceil(source.size / most))
        starts = list(range(0, source.rows, max(1, math.ceil(source.rows / pieces))))
        end = source.rows
    else:
        starts, end = [0], source.size
        if source.splittable:
            starts = list(range(0, source.size, most)) or [0]
        elif cut and source.cuttable and source.size > most:
            starts = cuts(source.path, source.dialect.delimiter, most)
    yield from pairwise([*starts, end])


def buckets(found: Sequence[Source], count: int, memory: int) -> tuple[int, int]:
    """Return the number of buckets, and how many bytes each may hold.

    With these, a run of ``count`` workers fits into ``memory`` MiB.
    """
    room = (memory - PROCESS_MIB * (count + 1)) // (count * BUCKET_COPIES)
    limit = max(BUCKET_MIB.start, min(BUCKET_MIB.stop - 1, room)) * MIB
    rows = sum(s.size * _expansion(s) for s in found if s.reason is None)
    return max(count, min(MAX_BUCKETS, math.ceil(rows / limit))), limit


def _expansion(source: Source) -> float:
    return PARQUET_EXPANSION if source.format == "parquet" else EXPANSION[source.compression]
