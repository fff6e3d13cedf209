"""Rows of CSV and TSV files: whole blocks of lines by Polars, what it may misread one by one.

Polars' reader is ten times as fast as Python's and does not forgive: quotes have to stand where
RFC 4180 has them, and records to have a field for each column. A block of lines of which that
cannot be shown is left to `csvrows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from messages.csvquotes import regular
from messages.csvrows import CsvRecords, Dialect, Record, TabRecords
from messages.lines import MAX_LINE, MAX_VALUES
from messages.streams import BATCH_LINES

# Fields that are held at once.
MAX_CELLS = 750_000
# Lines that are read one by one where Polars may misread one of them.
FEW = 256
# What records of their own may weigh together: see `_weight`.
RECORD_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True)
class Table:
    """Records that came of ``lines`` lines: fields by place, and the position of each first line.

    An empty field may be null or an empty string.
    """

    fields: list[pl.Series]
    positions: list[int]
    lines: int


def read_table(lines: Sequence[bytes], dialect: Dialect, width: int) -> Table | None:
    """Take whole records from the beginning of lines of UTF-8; their positions count from 0.

    Return None where Python's reader may see it differently, a record has not ``width`` fields, or
    a line is blank.
    """
    least = 1 if dialect.quotes else 2  # a lone field without quotes may be blank
    if not lines or width < least or max(map(len, lines)) > MAX_VALUES:
        return None
    delimiter = dialect.delimiter.encode()
    text = b"\n".join([*lines, b""])
    pieces = text.split(b'"') if dialect.quotes else [text]
    if len(pieces) % 2 == 0:
        return read_table(_closed(lines), dialect, width)
    outside = b'"'.join(pieces[::2])
    rows = outside.count(b"\n")
    if (
        not regular(pieces[::2], delimiter)
        or outside.count(delimiter) != rows * (width - 1)
        or outside.count(b"\r") != outside.count(b"\r\n")
        or _has_blank(lines, outside)
    ):
        return None
    fields = _parsed(text, dialect, width)
    if fields is None or len(fields[0]) != rows:
        return None
    return Table(fields, _positions(fields, len(lines)), len(lines))


def _closed(lines: Sequence[bytes]) -> Sequence[bytes]:
    """Leave out the last record, which lacks a quote: the lines that follow have it."""
    odd = 0
    for place in reversed(range(len(lines))):
        odd ^= lines[place].count(b'"') & 1
        if odd:
            return lines[:place]
    return lines


def _has_blank(lines: Sequence[bytes], outside: bytes) -> bool:
    if b"" not in lines and b"\r" not in lines:
        return False
    return outside.startswith((b"\n", b"\r")) or b"\n\n" in outside or b"\n\r\n" in outside


def _parsed(text: bytes, dialect: Dialect, width: int) -> list[pl.Series] | None:
    # A header of ours keeps what the text begins with from being taken for a mark or for packed.
    names = [f"column_{place}" for place in range(width)]
    header = dialect.delimiter.join(names).encode() + b"\n"
    try:
        frame = pl.read_csv(
            header + text,
            separator=dialect.delimiter,
            quote_char='"' if dialect.quotes else None,
            schema=dict.fromkeys(names, pl.String),
            extra_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None
    return frame.get_columns()


def _positions(fields: Sequence[pl.Series], lines: int) -> list[int]:
    """Say where each record's first line is, from the newlines in the fields before."""
    rows = len(fields[0])
    if rows == lines:
        return list(range(rows))
    within = pl.Series([0]).new_from_index(0, rows)
    for field in fields:
        within += field.str.count_matches("\n", literal=True).fill_null(0)
    return (within + 1).cum_sum().shift(1, fill_value=0).to_list()


class SeparatedFile:
    """Records of a CSV or TSV file, given its lines in UTF-8 and the number of a record's fields.

    The first ``skipped`` records are none, as a header is. Iterating yields tables and lists of
    records; ``position`` is then the number of lines read.
    """

    def __init__(
        self, batches: Iterable[Sequence[bytes]], dialect: Dialect, width: int, skipped: int = 0
    ) -> None:
        self._batches = iter(batches)
        self._batch: Sequence[bytes] = ()
        self._given = 0
        self._dialect = dialect
        self._width = width
        self._skipped = skipped
        reader = CsvRecords if dialect.quotes else TabRecords
        self._records = reader(self._one_by_one(), dialect.delimiter)

    @property
    def position(self) -> int:
        """How many lines were read."""
        return self._records.position

    def __iter__(self) -> Iterator[Table | list[Record]]:
        records = iter(self._records)
        for _ in range(self._skipped):
            next(records, None)
        most = step = min(BATCH_LINES, MAX_CELLS // max(1, self._width))
        while self._at_hand():
            lines = self._batch[self._given : self._given + step]
            if table := read_table(lines, self._dialect, self._width):
                yield replace(table, positions=[self.position + p for p in table.positions])
                self._given += table.lines
                self._records.position += table.lines
                step = min(most, 2 * step)
            elif len(lines) > FEW:
                step = FEW
            else:
                yield from self._some(records, self.position + len(lines))

    def _some(self, records: Iterator[Record], end: int) -> Iterator[list[Record]]:
        """Read the records that begin before a line, in lists that do not weigh too much."""
        batch: list[Record] = []
        weight = 0
        while self.position < end or not self._records.between:
            record = next(records, None)
            if record is None:
                break
            batch.append(record)
            weight += _weight(record)
            if weight >= RECORD_BYTES:
                yield batch
                batch, weight = [], 0
        yield batch

    def _at_hand(self) -> bool:
        while self._given == len(self._batch):
            batch = next(self._batches, None)
            if batch is None:
                return False
            self._batch, self._given = batch, 0
        return True

    def _one_by_one(self) -> Iterator[str]:
        while self._at_hand():
            self._given += 1
            yield _text(self._batch[self._given - 1])


def _weight(record: Record) -> int:
    """Say what a record takes, roughly: a place for each field and its characters."""
    fields = record[1]
    return 8 * len(fields) + sum(map(len, fields)) if isinstance(fields, list) else 0


def _text(line: bytes) -> str:
    """Decode a line so that bytes that are no UTF-8 can be found in the fields they end up in."""
    if len(line) > MAX_LINE:  # as many characters as bytes: too long stays too long
        return line.decode("latin-1")
    return line.decode("utf-8", "surrogateescape")
