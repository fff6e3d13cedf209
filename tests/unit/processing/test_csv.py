"""CSV at once and in stretches: the same as Python's reader finds in the whole file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from messages import csvfiles, csvrows, csvtable
from messages.csvfiles import CsvReader, Stretch, first_record, meet
from messages.csvrows import CsvRecords
from messages.lines import Reject
from messages.sources import Source, inspect
from messages.streams import Blocks

FIELDS = ("", "a", "é", '""', '"a"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', '"""a"', '"\n\n"')
ODD = ('a"b', '"a"b', '"a', 'a"', "\r", "\0", "\ufeff", "x\x01", '"', "\udc80", " ", ",", "\n", "")


def of_fields(
    fields: Sequence[str], breaks: Sequence[str], most: int = 3, least: int = 1
) -> st.SearchStrategy[str]:
    record = st.lists(st.sampled_from(fields), min_size=least, max_size=most).map(",".join)
    line = st.tuples(record, st.sampled_from(breaks)).map("".join)
    return st.lists(line, max_size=8).map("".join)


def regular(width: int) -> st.SearchStrategy[str]:
    return of_fields(FIELDS, ("\n", "\n", "\n", "\r\n"), width, width)


ANY = of_fields((*FIELDS, *ODD), ("\n", "\n", "\r\n", "\n\n", "\r", ","))
WIDTHS_AND_TEXTS = st.integers(1, 3).flatmap(lambda w: st.tuples(st.just(w), regular(w) | ANY))


def table_of(text: str, width: int) -> csvtable.Table | None:
    lines = text.encode("utf-8", "surrogateescape").split(b"\n")
    return csvtable.read(lines, ",", width)


def without_end(text: str) -> str:
    """What `line_batches` makes lines of: the last newline begins none."""
    return text.removesuffix("\n")


@settings(max_examples=600)
@given(WIDTHS_AND_TEXTS)
@example((2, '"a\n\n",b\n'))
@example((2, "x\x01,b\n"))
@example((2, "\ufeffa,b\n"))
@example((1, 'a\na"b\n'))
def test_a_table_holds_the_records_that_pythons_reader_finds(given: tuple[int, str]) -> None:
    width, text = given[0], without_end(given[1])
    table = table_of(text, width)
    event(f"a table: {table is not None}")
    if table is None:
        return

    found = list(CsvRecords(text.split("\n")))
    rows = zip(*(field.fill_null("") for field in table.fields), strict=True)
    whole = [(p, list(row)) for p, row in zip(table.positions, rows, strict=True)]
    assert whole == found[: len(table)]
    assert all(position >= table.lines for position, _ in found[len(table) :])


@pytest.mark.parametrize(
    ("text", "rows", "lines"),
    [
        ('a,"b, c"\n"d ""e""",f\n', 2, 2),
        ('a,"b\n\nc"\r\nd,""\r\ne,f\n', 3, 5),
        ('"",""\n,\n', 2, 2),
        ('a,b\nc,"d\n', 1, 1),
        ('a,b\n"c","d\ne","f', 1, 1),
    ],
)
def test_regular_records_are_a_table(text: str, rows: int, lines: int) -> None:
    table = table_of(without_end(text), 2)

    assert table is not None
    assert (len(table), table.lines) == (rows, lines)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nc",
        "a,b,c",
        'a"b,c',
        '"a"b,c',
        "a,b\n\nc,d",
        "a\rb,c",
        "a,\udc80",
        '"a\nb,c',
        "a,b\r\n\r",
    ],
)
def test_records_that_may_be_read_otherwise_are_no_table(text: str) -> None:
    assert table_of(text, 2) is None


def source(folder: Path, data: bytes) -> Source:
    path = folder / "a.csv"
    path.write_bytes(data)
    return inspect(path, path.name, {"text": "text"})


def read(source: Source, start: int, end: int) -> CsvReader:
    assert source.columns is not None
    return CsvReader(source, source.columns, Blocks(source.path, None), start, end)


def outcome(readers: Sequence[CsvReader]) -> tuple[list[Any], list[Reject], int]:
    """All rows with their lines, all rejects, and how many lines."""
    rows: list[Any] = []
    rejects: list[Reject] = []
    before = 0
    for reader in readers:
        for batch in reader:
            rows += [(before + row[0], *row[1:]) for row in batch.frame.rows()]
            rejects += [Reject(before + r.position, r.reason, r.excerpt) for r in batch.rejects]
        before += reader.lines
    return rows, rejects, before


def stretches(readers: Sequence[CsvReader]) -> list[Stretch]:
    return [reader.stretch for reader in readers if reader.stretch is not None]


def cuts(size: int, step: int) -> Iterator[tuple[int, int]]:
    return ((start, min(size, start + step)) for start in range(0, size, step))


@settings(max_examples=400, deadline=None)
@given(regular(2) | ANY, st.integers(4, 60), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_stretches_that_meet_are_what_the_whole_file_is(
    tmp_path_factory: pytest.TempPathFactory, text: str, step: int, encoding: str
) -> None:
    data = f"id,text\n{text}".encode(encoding, "surrogateescape")
    file = source(tmp_path_factory.getbasetemp(), data)
    assume(file.cuttable and file.reason is None)  # zero bytes may look like UTF-16
    readers = [read(file, *cut) for cut in cuts(file.size, step)]
    cut = outcome(readers)
    met = meet(stretches(readers), file.size)
    event(f"{min(2, len(readers))} stretches, they meet: {met}")
    if len(readers) > 1 and met:
        whole = outcome([read(file, 0, file.size)])
        assert cut == whole


def test_regular_records_are_cut_well_wherever_a_stretch_begins(tmp_path: Path) -> None:
    texts = ["short", "a, b", 'says "no"\nand goes\n\n', '"', "", "\n", "x" * 50, "\na"]
    rows = pl.DataFrame({"id": range(80), "text": texts * 10, "more": ["m", None] * 40})
    written = io.BytesIO()
    rows.write_csv(written)
    file = source(tmp_path, written.getvalue())
    whole = outcome([read(file, 0, file.size)])

    for step in range(100, 600, 11):
        readers = [read(file, *cut) for cut in cuts(file.size, step)]
        cut = outcome(readers)
        assert meet(stretches(readers), file.size)
        assert cut == whole


@pytest.mark.parametrize(
    ("behind", "first"),
    [
        ("1,a\n2,b\n", "1,a"),
        ('1,"a"\n2,b\n', '1,"a"'),
        ('of a text",x\n2,"b"\n', '2,"b"'),
        ('of\na text"\r\n2,"b"\n', '2,"b"'),
        ('says ""no"", too",x\n2,b\n', "2,b"),
        ('1,5" of it\n2,"b"\n', '1,5" of it'),
        ('1,""\n2,"b"\n', '1,""'),
    ],
)
def test_the_first_quote_tells_where_the_first_record_begins(
    tmp_path: Path, behind: str, first: str
) -> None:
    before = "id,text\n0,zero\n"
    file = source(tmp_path, (before + behind).encode())

    assert first_record(file, 10, file.size) == len(before) + behind.index(first)


def test_a_stretch_within_one_line_has_no_record(tmp_path: Path) -> None:
    file = source(tmp_path, b"id,text\n1," + 100 * b"x" + b"\n2,b\n")
    readers = [read(file, *cut) for cut in cuts(file.size, 20)]
    rows, _, lines = outcome(readers)

    assert (len(rows), lines) == (2, 3)
    assert readers[1].stretch == Stretch(None, None)
    assert meet(stretches(readers), file.size)


def test_stretches_with_many_open_quotes_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csvrows, "MAX_LINE", 40)
    monkeypatch.setattr(csvrows.CsvRecords, "quickly", lambda *_: [])
    file = source(tmp_path, b"id,text\n" + 9 * (b'1,"open\n' + 9 * b"2,text\n"))
    readers = [read(file, *cut) for cut in cuts(file.size, 500)]
    outcome(readers)

    assert readers[0].stretch == Stretch(0, None, csvfiles.MAX_PART_RESUMES + 1)
    assert not meet(stretches(readers), file.size)


def test_stretches_meet_up_to_as_many_open_quotes_as_a_file_may_have() -> None:
    each = [Stretch(n, n + 1, 2) for n in range(26)]

    assert meet(each[:25], 25)
    assert not meet(each, 26)


def test_stretches_meet_where_each_begins_at_the_end_of_the_one_before() -> None:
    assert meet([Stretch(0, 7), Stretch(None, None), Stretch(7, 9)], 9)
    assert not meet([Stretch(0, 5), Stretch(7, 9)], 9)
    assert not meet([Stretch(0, 7), Stretch(None, None)], 9)
