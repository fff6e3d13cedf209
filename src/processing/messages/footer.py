"""What a Parquet file says of itself, checked before a reader believes it.

Sizes in Parquet are claims: a few bytes may say that two billion rows follow, and a reader takes
memory for them. So its schema, its row groups and the heads of its pages are looked at first; see
parquet.thrift of the Parquet format for the numbers of the fields.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from messages.columns import MAX_FIELDS
from messages.thrift import MalformedError, Thrift

MIB = 1024 * 1024
MAGIC, ENCRYPTED = b"PAR1", b"PARE"
TAIL = 8
# Polars takes about ten times a footer's size. Ordinary ones have 100 to 200 bytes a column and
# row group.
MAX_FOOTER = 16 * MIB
MAX_DEPTH = 32
MAX_PAGES = 1_000_000
MAX_ROWS = 2**32 - 2
# What a row is held in beside its bytes: Arrow's views of strings have 16.
CELL = 16

_REPEATED, _DATA, _DICTIONARY, _DATA_V2 = 2, 0, 2, 3
_ELEMENT = {3: None, 4: None, 5: None}
_GROUP = {1: [{1: None, 3: {5: None, 6: None, 7: None, 9: None, 11: None}}], 3: None}
_PAGE = {1: None, 2: None, 3: None, 5: {1: None}, 8: {1: None}}


class UnsafeError(ValueError):
    """The file does not hold what it claims, or claims more than is ever needed."""


@dataclass(frozen=True)
class Footer:
    """What a file turned out to have: rows, and about how many bytes the largest take in memory."""

    rows: int
    row_bytes: int


def check(path: Path, most: int) -> Footer:
    """Look at a file's metadata.

    Parameters
    ----------
    path
        The file.
    most
        Bytes that may have to be in memory at once: of each column of a row group its dictionary
        and its largest page.

    Raises
    ------
    UnsafeError
        It is malformed, or claims what no reader should believe.
    """
    if path.stat().st_size < len(MAGIC) + TAIL:
        raise UnsafeError("it is too short")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _checked(data, most)
    except (MalformedError, KeyError) as error:
        what = f"a field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise UnsafeError(f"its footer is damaged: {what}") from error


def _checked(data: mmap.mmap, most: int) -> Footer:
    footer = _footer(data)
    schema: list[dict[int, Any]] = []
    rows, found, row_bytes, pages = 0, 0, 0, _Pages(data, most)
    for number, kind in footer.fields():
        if number == 2:  # noqa: PLR2004
            schema = list(footer.structs(kind, _ELEMENT))
            _check_schema(schema)
        elif number == 3:  # noqa: PLR2004
            rows = footer.scalar(kind)
        elif number == 4:  # noqa: PLR2004
            for group in footer.structs(kind, _GROUP):
                found += _check_rows(group, _flat(schema))
                row_bytes = max(row_bytes, pages.row_bytes(group))
        else:
            footer.skip(kind)
    if found != rows or rows > MAX_ROWS:
        raise UnsafeError(f"its footer claims {rows} rows, and {found} in its row groups")
    return Footer(rows, row_bytes)


def _footer(data: mmap.mmap) -> Thrift:
    end = len(data) - TAIL
    if end < len(MAGIC) or data[-4:] != MAGIC:
        secret = data[-4:] == ENCRYPTED
        raise UnsafeError("it is encrypted" if secret else "it does not end as Parquet does")
    size = int.from_bytes(data[end : end + 4], "little")
    if size > MAX_FOOTER:
        raise UnsafeError(f"its footer claims {size} bytes; {MAX_FOOTER} are the most")
    return Thrift(data, end - size, end)


def _check_schema(schema: Sequence[Mapping[int, Any]]) -> None:
    """Walk the tree that the schema's elements are, a list in which each is before its children."""
    if len(schema) > MAX_FIELDS:
        raise UnsafeError(f"it has more than {MAX_FIELDS} columns")
    open_groups: list[int] = []
    for element in schema:
        while open_groups and open_groups[-1] == 0:
            open_groups.pop()
        if open_groups:
            open_groups[-1] -= 1
        children = element.get(5, 0)
        if not 0 <= children <= len(schema):
            raise UnsafeError(f"a column claims {children} columns within")
        open_groups.append(children)
        if len(open_groups) > MAX_DEPTH:
            raise UnsafeError(f"its columns are nested deeper than {MAX_DEPTH}")


def _flat(schema: Sequence[Mapping[int, Any]]) -> bool:
    """Say whether each column has one value a row."""
    return all(element.get(5, 0) == 0 and element.get(3) != _REPEATED for element in schema[1:])


def _check_rows(group: Mapping[int, Any], flat: bool) -> int:
    rows: int = group[3]
    if not 0 <= rows <= MAX_ROWS:
        raise UnsafeError(f"a row group claims {rows} rows")
    for column in group[1]:
        if 1 in column:
            raise UnsafeError("a column lies in another file")
        if flat and column[3][5] != rows:
            raise UnsafeError(f"a column has {column[3][5]} values for {rows} rows")
    return rows


class _Pages:
    """The heads of a file's pages."""

    def __init__(self, data: mmap.mmap, most: int) -> None:
        self._data = data
        self._most = most
        self._passed = 0

    def row_bytes(self, group: Mapping[int, Any]) -> int:
        """Check a row group's pages; say what one of its rows takes in memory, on average."""
        size, held = 0, 0
        for column in group[1]:
            values, unpacked, largest = self._column(column[3])
            if values != column[3][5]:
                raise UnsafeError(f"a column claims {column[3][5]} values and has {values}")
            size += unpacked + CELL * values
            held += largest
        if held > self._most:
            raise UnsafeError(
                f"its pages unpack to {held // MIB} MiB at once, {self._most // MIB} MiB are the "
                "most here: write smaller pages or take a larger instance"
            )
        rows: int = max(1, group[3])
        return math.ceil(size / rows)

    def _column(self, meta: Mapping[int, Any]) -> tuple[int, int, int]:
        """Count a column's values; say what its pages unpack to, in all and at once."""
        values, unpacked, words, largest = 0, 0, 0, 0
        for page in self._heads(meta):
            size = page[2]
            if size < 0:
                raise UnsafeError(f"a page claims to unpack to {size} bytes")
            unpacked += size
            if page[1] == _DICTIONARY:
                words += size
            else:
                largest = max(largest, size)
            if page[1] in (_DATA, _DATA_V2):
                values += page[5 if page[1] == _DATA else 8][1]
        return values, unpacked, words + largest

    def _heads(self, meta: Mapping[int, Any]) -> Iterator[dict[int, Any]]:
        start: int = min(filter(None, (meta[9], meta.get(11))))
        end: int = start + meta[7]
        while start < end:
            self._passed += 1
            if self._passed > MAX_PAGES:
                raise UnsafeError(f"it has more than {MAX_PAGES} pages")
            thrift = Thrift(self._data, start, end)
            page = thrift.struct(_PAGE)
            if not 0 <= page[3] <= end - thrift.position:
                raise UnsafeError(f"a page claims {page[3]} bytes")
            yield page
            start = thrift.position + page[3]
