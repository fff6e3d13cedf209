"""CSV records out of lines: RFC 4180's quotes, newlines in fields, a way back from bad ones.

A quote that never closes would swallow the rest of the file. Then only its line is rejected and
reading goes on with the next; after ``MAX_RESUMES`` of those the record is rejected as a whole, so
that hostile files take linear time.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from messages.csvtable import Table
from messages.lines import EXCERPT_READ, MAX_LINE, MAX_VALUES, TOO_MANY, Reject, crowded

MAX_RESUMES = 50
# A record of its own wherever it stands outside of quotes.
_MARK = ("\n",)
Record = tuple[int, "list[str] | Reject"]


class CsvRecords:
    r"""Records of CSV lines.

    Parameters
    ----------
    lines
        Without their ``\n``; one with more characters than ``MAX_LINE`` is rejected.
    delimiter
        One ASCII character.

    Notes
    -----
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
        self.resumes = 0
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

    def quickly(self, lines: Sequence[str]) -> list[Record]:
        r"""Take those of the lines that come next which are whole records, if none has a fault.

        ``position`` then tells how many were taken. To be called between records only.
        """
        if max(map(len, lines)) > min(MAX_LINE, MAX_VALUES):
            return []
        # A line that continues a record tells that the record before was not whole.
        reader = csv.reader(
            chain((f"{line}\n" for line in lines), _MARK), delimiter=self._delimiter
        )
        starts, found = [0], []
        try:
            for fields in reader:
                found.append(fields)
                starts.append(reader.line_num)
        except csv.Error:
            return []
        begun = self.position
        self.position += starts[len(found) - 1]
        return [
            (begun + start, fields)
            for start, fields in zip(starts, found[:-1], strict=False)
            if fields
        ]

    @property
    def between(self) -> bool:
        """Whether all lines that were taken belong to records that were given."""
        return not self._again and not self._taken

    def _feed(self) -> Iterator[str]:
        """Hand lines to the reader; a line asked for amid a record continues it."""
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
        """Reject the record's first line, or all of it when that was done too often."""
        reject = Reject(self.position, self._fault, self._taken[0][:EXCERPT_READ])
        self.resumes += len(self._taken) > 1
        gone = 1 if self.resumes <= MAX_RESUMES else len(self._taken)
        self._again.extendleft(reversed(self._taken[gone:]))
        self._fault = ""
        self._forget(gone)
        return reject

    def _forget(self, lines: int) -> None:
        self.position += lines
        self._taken.clear()
        self._size = 0


class CsvFile:
    """Records of CSV lines that come in batches: many at once where there is no fault.

    Parameters
    ----------
    batches
        Lines, as bytes.
    texts
        Decodes lines, as many as it is given.
    delimiter
        One ASCII character.
    table
        Takes whole records from the beginning of lines at once, or None: `csvtable.read`.
    beyond
        Lines behind those, for a record that goes on there; records that begin there are not given.

    Notes
    -----
    Iterating yields tables and lists of what `CsvRecords` yields.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[bytes]],
        texts: Callable[[Sequence[bytes]], list[str]],
        delimiter: str = ",",
        table: Callable[[Sequence[bytes]], Table | None] = lambda _: None,
        beyond: Iterable[bytes] = (),
    ) -> None:
        self._batches = iter(batches)
        self._texts = texts
        self._table = table
        self._beyond = iter(beyond)
        self._batch: Sequence[bytes] = ()
        self._given = 0
        self._ended = False
        self._records = CsvRecords(self._one_by_one(), delimiter)
        self.own = 0

    @property
    def position(self) -> int:
        """How many lines were read; more than ``own``, those of ``batches``, if it went beyond."""
        return self._records.position

    @property
    def resumes(self) -> int:
        """How often a record of several lines was found to be none."""
        return self._records.resumes

    def __iter__(self) -> Iterator[Table | list[Record]]:
        one_by_one = iter(self._records)
        while self._at_hand():
            lines = self._batch[self._given :]
            begun, end = self.position, self.position + len(lines)
            if found := self._at_once(lines):
                yield found
            self._given += self.position - begun
            while self.position < end or not self._records.between:
                if self._ended and self.position >= self.own:
                    return
                record = next(one_by_one, None)
                if record is None:
                    return
                yield [record]

    def _at_once(self, lines: Sequence[bytes]) -> Table | list[Record]:
        table = self._table(lines)
        if table is None:
            return self._records.quickly(self._texts(lines))
        begun = self.position
        self._records.position += table.lines
        return replace(table, positions=[begun + p for p in table.positions])

    def _at_hand(self) -> bool:
        while self._given == len(self._batch):
            batch = next(self._batches, None)
            if batch is None:
                self._ended = True
                return False
            self._batch, self._given = batch, 0
            self.own += len(batch)
        return True

    def _one_by_one(self) -> Iterator[str]:
        while self._at_hand():
            self._given += 1
            yield from self._texts([self._batch[self._given - 1]])
        for line in self._beyond:
            yield from self._texts([line])


def weight(records: Sequence[Record]) -> int:
    """Say what records take, roughly: a place for each field, and for a lone one its characters.

    Those of many come from one batch of lines, which has its own bound.
    """
    fields = [fields for _, fields in records if isinstance(fields, list)]
    characters = sum(map(len, fields[0])) if len(fields) == 1 else 0
    return 8 * sum(map(len, fields)) + characters


def in_pieces(records: Sequence[Record], size: int, most: int) -> Iterator[Sequence[Record]]:
    """Cut records that weigh ``size`` together into lists of about ``most``."""
    step = max(1, len(records) * most // max(size, most))
    for start in range(0, len(records), step):
        yield records[start : start + step]
