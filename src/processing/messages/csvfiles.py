"""CSV files in batches: whole, or a stretch that begins and ends with a record.

Where a stretch's first record begins cannot be known without reading all that comes before it, as
a newline may be within quotes. It is guessed from the quotes that follow, and each stretch tells
where it began and where its last record ended: they are one file's records if these meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from messages import csvtable
from messages.ahead import ahead
from messages.batch import Batch, clean_fields, clean_records
from messages.columns import Columns
from messages.csvrows import MAX_RESUMES, CsvFile, CsvRecords, Record, in_pieces, weight
from messages.csvtable import Table
from messages.lines import MAX_LINE, decode
from messages.sources import Source
from messages.streams import (
    BATCH_LINES,
    Blocks,
    after_lines,
    in_utf8,
    line_batches,
    line_start,
    range_blocks,
)

RECORD_BYTES = 6 * 1024 * 1024
# How far a stretch's first quote is looked for.
REACH = 64 * 1024
# Where more quotes than these never close, stretches would read each other's lines again and again.
MAX_PART_RESUMES = 3


@dataclass(frozen=True)
class Stretch:
    """Which bytes of a file a task's records were: None where no record begins in its range.

    ``ends`` is None where it gave up: the file is to be read whole then.
    """

    begins: int | None
    ends: int | None
    resumes: int = 0


def meet(stretches: Sequence[Stretch], size: int) -> bool:
    """Tell whether stretches, in order, are what reading their file whole would give."""
    begun = [s for s in stretches if s.begins is not None]
    ends = [s.ends for s in begun]
    resumes = sum(s.resumes for s in begun)
    return resumes <= MAX_RESUMES and ends == [*(s.begins for s in begun[1:]), size]


class CsvReader:
    """A CSV file's batches, from ``start`` to ``end`` or whole.

    ``lines`` (those of the records) and, of a part of the file, ``stretch`` are known at the end.
    """

    def __init__(
        self, source: Source, columns: Columns, blocks: Blocks, start: int, end: int
    ) -> None:
        self._source = source
        self._columns = columns
        self._end = end
        self._part = start > 0 or end < source.size
        self._begins = first_record(source, start, end) if self._part else 0
        self._blocks = blocks
        self.lines = 0
        self.stretch: Stretch | None = None

    def __iter__(self) -> Iterator[Batch]:
        if self._begins is None:
            self.stretch = Stretch(None, None)
            return
        file = self._file(self._begins)
        yield from self._cleaned(self._steps(file), header=self._begins == 0)
        self.lines = file.position
        if self._part:
            self.stretch = self._read(file)

    def _file(self, begins: int) -> CsvFile:
        source = self._source
        data: Iterable[bytes] = self._blocks
        beyond: Iterable[bytes] = ()
        if self._part:
            data = range_blocks(source.path, begins, self._end)
            beyond = _lines_behind(source.path, self._end)
        encoding = source.encoding or "utf-8" if begins == 0 else "utf-8"
        return CsvFile(
            line_batches(in_utf8(data, encoding)),
            partial(_texts, source.decoding),
            source.delimiter,
            partial(_table, source),
            beyond,
        )

    def _steps(self, file: CsvFile) -> Iterator[Table | list[Record]]:
        for step in file:
            yield step
            if self._part and file.resumes > MAX_PART_RESUMES:
                return

    def _read(self, file: CsvFile) -> Stretch:
        if file.resumes > MAX_PART_RESUMES:
            return Stretch(self._begins, None, file.resumes)
        ends = after_lines(self._source.path, self._end - 1, 1 + file.position - file.own)
        return Stretch(self._begins, ends, file.resumes)

    def _cleaned(self, steps: Iterator[Table | list[Record]], *, header: bool) -> Iterator[Batch]:
        """Clean records by the thousands; the first is no row if it is the ``header``."""
        batch: list[Record] = []
        size = 0
        for step in steps if self._part else ahead(steps):  # of parts, there is one for each core
            found = step[1:] if header else step
            header = False
            table = found if isinstance(found, Table) else None
            if isinstance(found, list):
                batch += found
                size += weight(found)
            if table or len(found) > 1 or len(batch) >= BATCH_LINES or size >= RECORD_BYTES:
                yield from self._of_records(batch, size)
                batch, size = [], 0
            if table:
                fields = dict(zip(self._source.header, table.fields, strict=True))
                yield clean_fields(fields, table.positions, self._columns)
        yield from self._of_records(batch, size)

    def _of_records(self, batch: list[Record], size: int) -> Iterator[Batch]:
        source = self._source
        for piece in in_pieces(batch, size, RECORD_BYTES):
            yield clean_records(piece, source.header, self._columns, source.spill)


def first_record(source: Source, start: int, end: int) -> int | None:
    """Guess where the first record begins whose first byte is in the range; None if none does."""
    with source.path.open("rb") as file:
        first = line_start(file, start, end)
        if start == 0 or first >= end:
            return 0 if start == 0 else None
        file.seek(first)
        text = file.read(REACH)
    first += _within_quotes(text, source.delimiter.encode())
    return first if first < end else None


def _within_quotes(text: bytes, delimiter: bytes) -> int:
    """Say how many bytes, to the end of a line, belong to a record that began before.

    The first quote that stands alone tells: one that closes was opened before.
    """
    for quote in re.finditer(rb'(?<!")"(?!")', text):
        before = text[quote.start() - 1 : quote.start()] or b"\n"
        closes = _closes(before, text[quote.end() : quote.end() + 1], delimiter)
        if closes is not None:
            return _to_record_end(text, quote.start(), delimiter) if closes else 0
    return 0


def _closes(before: bytes, behind: bytes, delimiter: bytes) -> bool | None:
    """Judge a quote by what is beside it: few fields begin or end with a delimiter."""
    opens, closes = before in (delimiter, b"\n"), behind in (delimiter, b"\n", b"\r")
    if opens != closes:
        return closes
    if not opens or before == behind == delimiter:
        return None
    return before == b"\n"


def _to_record_end(text: bytes, closing: int, delimiter: bytes) -> int:
    lines = text[closing:].decode("latin-1").split("\n")
    records = CsvRecords(['"' + lines[0], *lines[1:]], delimiter.decode())
    next(iter(records), None)
    return closing + sum(len(line) + 1 for line in lines[: records.position])


def _lines_behind(path: Path, end: int) -> Iterator[bytes]:
    start = after_lines(path, end - 1, 1)
    return chain.from_iterable(line_batches(range_blocks(path, start, path.stat().st_size)))


def _table(source: Source, lines: Sequence[bytes]) -> Table | None:
    if source.spill:
        return None
    if source.decoding == "cp1252":
        try:
            lines = b"\n".join(lines).decode("cp1252").encode().split(b"\n")
        except UnicodeDecodeError:
            return None
    return csvtable.read(lines, source.delimiter, len(source.header))


def _texts(encoding: str, lines: Sequence[bytes]) -> list[str]:
    if encoding == "utf-8" and max(map(len, lines), default=0) <= MAX_LINE:
        return b"\n".join(lines).decode("utf-8", "surrogateescape").split("\n")
    return [_text(encoding, line) for line in lines]


def _text(encoding: str, line: bytes) -> str:
    """Decode a line so that bytes that are no UTF-8 can be found in the fields they end up in."""
    if len(line) > MAX_LINE:  # as many characters as bytes: too long stays too long
        return line.decode("latin-1")
    if encoding == "utf-8":
        return line.decode("utf-8", "surrogateescape")
    return decode(line, encoding)
