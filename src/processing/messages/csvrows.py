"""Reads CSV records from lines: RFC 4180's quotes, newlines in fields, and recovery from errors.

A quote that never closes would swallow the rest of the file. Only its line is rejected then, and
reading continues with the next line; after ``MAX_RESUMES`` such lines the whole record is rejected,
so that hostile files take linear time.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from messages.lines import EXCERPT_READ, MAX_LINE, TOO_LONG, TOO_MANY, Reject, crowded
from messages.streams import BATCH_BYTES

MAX_RESUMES = 50
Record = tuple[int, "list[str] | Reject"]


@dataclass(frozen=True)
class Dialect:
    """How fields are separated and quoted.

    If ``quotes`` is false, they are plain characters. ``escapes`` means that a quote within quotes
    is escaped by a backslash, as MySQL and Spark write it, instead of a second quote.
    """

    delimiter: str = ","
    quotes: bool = True
    escapes: bool = False


def unescaped(lines: Sequence[bytes], delimiter: str) -> list[bytes]:
    r"""Convert backslash escapes to RFC 4180: a quote is doubled, ``\N`` becomes empty."""
    d = re.escape(delimiter.encode())
    text = re.sub(rb"(?m)(^|%b)\\N(?=%b|\r?$)" % (d, d), rb"\1", b"\n".join(lines))
    text = re.sub(rb'\\(["\\]|(?=\n|\Z))', lambda m: b'""' if m[1] == b'"' else m[1], text)
    return text.split(b"\n")


def misfits(lines: Sequence[bytes], dialect: Dialect, *, cut: bool) -> int:
    """Count the records that do not fit a dialect: misplaced quotes, or a wrong number of fields.

    ``cut`` says that the lines are a file's beginning, so that the last may be a part of a record.
    """
    plain = unescaped(lines, dialect.delimiter) if dialect.escapes else lines
    texts = (line.decode("utf-8", "replace") + "\n" for line in plain)
    reader = csv.reader(texts, delimiter=dialect.delimiter, strict=True)
    width, wrong, amiss = 0, 0, False
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return wrong - (cut and amiss)
        except csv.Error:
            wrong, amiss = wrong + 1, True
            continue
        width = width or len(fields)
        amiss = bool(fields) and (len(fields) < width or any(fields[width:]))
        wrong += amiss


class CsvRecords:
    r"""Records of CSV lines, which come without their ``\n``.

    Iterating yields ``(position, fields)`` or ``(position, Reject)``; the position is that of the
    record's first line, from 0. Blank lines between records are no records.
    """

    def __init__(self, lines: Iterable[str], delimiter: str = ",") -> None:
        csv.field_size_limit(2 * MAX_LINE)
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._size = 0
        self._fault = ""
        self._delimiter = delimiter
        self._resumes = 0
        self.position = 0

    def __iter__(self) -> Iterator[Record]:
        reader = csv.reader(self._feed(), delimiter=self._delimiter)
        while True:
            fields = None
            try:
                fields = next(reader, None)
            except csv.Error as error:
                self._fault = f"not valid CSV: {error}"
            if self._fault:
                yield self.position, self._resume()
                reader = csv.reader(self._feed(), delimiter=self._delimiter)
            elif fields is None:
                return
            else:
                start = self.position
                self._forget(len(self._taken))
                if fields:
                    yield start, fields

    def _feed(self) -> Iterator[str]:
        """Yield lines to the reader; a line requested within a record continues the record."""
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                self._fault = "a quote opens here and never closes" if self._taken else ""
                return
            self._taken.append(line)
            self._size += len(line)
            if self._size > MAX_LINE:
                self._fault = f"a record longer than {MAX_LINE // 1024**2} MiB"
                return
            if crowded(line, self._delimiter):
                self._fault = TOO_MANY
                return
            yield line + "\n"

    def _resume(self) -> Reject:
        """Reject the record's first line, or the whole record after too many attempts."""
        reject = Reject(self.position, self._fault, self._taken[0][:EXCERPT_READ])
        self._resumes += len(self._taken) > 1
        gone = 1 if self._resumes <= MAX_RESUMES else len(self._taken)
        self._again.extendleft(reversed(self._taken[gone:]))
        self._fault = ""
        self._forget(gone)
        return reject

    def _forget(self, lines: int) -> None:
        self.position += lines
        self._taken.clear()
        self._size = 0


class TabRecords:
    """Records of lines without quoting; the same interface as `CsvRecords`."""

    def __init__(self, lines: Iterable[str], delimiter: str = "\t") -> None:
        self._lines = iter(lines)
        self._delimiter = delimiter
        self.position = 0

    def __iter__(self) -> Iterator[Record]:
        for line in self._lines:
            position, self.position = self.position, self.position + 1
            text = line.rstrip("\r")
            if len(line) > MAX_LINE:
                yield position, Reject(position, TOO_LONG, line[:EXCERPT_READ])
            elif crowded(line, self._delimiter):
                yield position, Reject(position, TOO_MANY, line[:EXCERPT_READ])
            elif text.strip(" "):
                yield position, text.split(self._delimiter)


def weight(record: Record) -> int:
    """Estimate the memory of a record, from its fields and characters."""
    fields = record[1]
    return 8 * len(fields) + sum(map(len, fields)) if isinstance(fields, list) else 0


def text(line: bytes) -> str:
    """Decode a line; invalid UTF-8 is kept recognisable in its field."""
    if len(line) > MAX_LINE:  # as many characters as bytes: too long stays too long
        return line.decode("latin-1")
    return line.decode("utf-8", "surrogateescape")


def _regular(outside: Sequence[bytes], delimiter: bytes) -> bool:
    """Return whether each quote opens at the beginning of a field or closes at its end.

    ``outside`` is what stands outside of quotes, with none before the first piece and behind the
    last. Nothing between two quotes means that they stand for one, within a field.
    """
    before = {piece[-1:] for piece in outside[:-1]}
    behind = {piece[:1] for piece in outside[1:]}
    return before <= {b"", b"\n", delimiter} and behind <= {b"", b"\n", b"\r", delimiter}


def cuts(path: Path, delimiter: str, step: int) -> list[int]:
    """Find where a file can be divided: at beginnings of records, at least ``step`` bytes apart.

    This works only if all quotes are regular; otherwise the file is not divided.
    """
    found, at, inside, size = [0], 0, False, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(BATCH_BYTES):
            block += file.readline(MAX_LINE)
            pieces = block.split(b'"')
            # A quote on each side stands for those of the blocks beside this one.
            outside = [*([b""] if inside else []), *pieces[inside::2]]
            inside ^= len(pieces) % 2 == 0
            at += len(block)
            if not _regular([*outside, b""] if inside else outside, delimiter.encode()):
                return [0]
            if any(part.count(b"\r") != part.count(b"\r\n") for part in outside):
                return [0]  # what a carriage return alone means depends on what is around it
            if not block.endswith(b"\n") and at < size:  # a line that is too long
                return [0]
            if not inside and found[-1] + step <= at < size:
                found.append(at)
    return [0] if inside else found
