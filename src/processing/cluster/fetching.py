"""Local copies of objects, holding only the ranges that are read.

A copy has the object's size, and its bytes at their positions; the rest is a hole, which takes no
disk space. So a range of 32 MiB of a file of 100 GB is read by the same code as a whole file.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pyarrow.parquet as pq

from cluster import store
from messages.sources import ENCODING_REACH, SAMPLE
from messages.streams import compression_of

MIB = 1024 * 1024
# Enough to inspect a file: a sample, and more of it where the sample is plain ASCII.
NEAR, FAR = SAMPLE + 4 * MIB, ENCODING_REACH + 8 * MIB
_LINE = 256 * 1024
_FOOTER = MIB


def hole(uri: str, folder: Path, number: int) -> Path:
    """Make an empty sparse file of an object's size and extension.

    Raises StoreError when there is no such object, or it may not be read.
    """
    size = store.size(uri)
    path = folder / f"{number:08d}.{PurePosixPath(uri).name[-100:]}"
    with path.open("wb") as file:
        file.truncate(size)
    return path


def beginning(uri: str, path: Path) -> None:
    """Fetch the beginning, which is enough to inspect any file but Parquet."""
    size = path.stat().st_size
    store.copy(uri, 0, min(size, NEAR), path)
    with path.open("rb") as file:
        is_ascii = file.read(SAMPLE).isascii()
    if is_ascii or compression_of(path):
        store.copy(uri, min(size, NEAR), min(size, FAR), path)


def whole(uri: str, path: Path) -> None:
    """Fetch the whole object."""
    store.copy(uri, 0, path.stat().st_size, path)


def lines(uri: str, path: Path, start: int, end: int) -> None:
    """Fetch the lines that begin in ``[start, end)``, to the end of the last one."""
    size = path.stat().st_size
    at, stop = max(0, start - 1), min(size, end)
    store.copy(uri, at, stop, path)
    while stop < size and not _has_newline(path, max(at, stop - _LINE), stop, end):
        at, stop = stop, min(size, stop + _LINE)
        store.copy(uri, at, stop, path)


def _has_newline(path: Path, start: int, stop: int, end: int) -> bool:
    """Return whether a line ends in ``[start, stop)``, at or after ``end - 1``."""
    first = max(start, end - 1)
    with path.open("rb") as file:
        file.seek(first)
        return b"\n" in file.read(stop - first)


def rows(uri: str, path: Path, start: int, end: int) -> None:
    """Fetch a Parquet file's metadata, and the row groups that hold rows ``[start, end)``."""
    size = path.stat().st_size
    store.copy(uri, 0, min(size, 4), path)
    store.copy(uri, max(0, size - _FOOTER), size, path)
    with path.open("rb") as file:
        file.seek(size - 8)
        footer = int.from_bytes(file.read(4), "little")
    store.copy(uri, max(0, size - footer - 8), max(0, size - _FOOTER), path)
    metadata, first = pq.read_metadata(path), 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if first < end and first + group.num_rows > start:
            store.copy(uri, *_extent(group), path)
        first += group.num_rows


def _extent(group: pq.RowGroupMetaData) -> tuple[int, int]:
    """Return where a row group's pages begin and end."""
    chunks = [group.column(number) for number in range(group.num_columns)]
    begins = [
        min(c.data_page_offset, c.dictionary_page_offset or c.data_page_offset) for c in chunks
    ]
    ends = [b + c.total_compressed_size for b, c in zip(begins, chunks, strict=True)]
    return min(begins), max(ends)
