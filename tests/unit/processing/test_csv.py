"""CSV and TSV by blocks and in parts: the same as Python's reader finds in the whole file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messages import csvfiles, csvquotes, csvrows
from messages.csvfiles import SeparatedFile, Table, read_table
from messages.csvquotes import cuts
from messages.csvrows import CsvRecords, Dialect, TabRecords, misfits, unescaped
from messages.streams import Blocks, in_utf8, line_batches, range_blocks

CSV, TSV = Dialect(","), Dialect("\t", quotes=False)
FIELDS = ("", "a", "é", '""', '"a"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', '"""a"', '"\n\n"')
ODD = ('a"b', '"a"b', '"a', 'a"', "\r", "\0", "\ufeff", "x\x01", '"', "\udc80", " ", ",", "\n", "")


def of_fields(fields: Sequence[str], breaks: Sequence[str], least: int, most: int) -> Any:
    record = st.lists(st.sampled_from(fields), min_size=least, max_size=most).map(",".join)
    line = st.tuples(record, st.sampled_from(breaks)).map("".join)
    return st.lists(line, max_size=8).map("".join)


REGULAR = of_fields(FIELDS, ("\n", "\n", "\n", "\r\n"), 2, 2)
ANY = of_fields((*FIELDS, *ODD), ("\n", "\n", "\r\n", "\n\n", "\r", ","), 1, 3)


def lines_of(text: str) -> list[bytes]:
    """What `line_batches` makes lines of: the last newline begins none."""
    return text.removesuffix("\n").encode("utf-8", "surrogateescape").split(b"\n")


def one_by_one(text: str, dialect: Dialect = CSV) -> list[Any]:
    reader = CsvRecords if dialect.quotes else TabRecords
    return list(reader(text.removesuffix("\n").split("\n"), dialect.delimiter))


def records(some: Table | list[Any]) -> list[Any]:
    if isinstance(some, list):
        return some
    rows = zip(*(field.fill_null("") for field in some.fields), strict=True)
    return [(p, list(row)) for p, row in zip(some.positions, rows, strict=True)]


@example('"a\n\n",b\n', CSV, [])
@example("x\x01,b\n", CSV, [])
@example("\ufeffa,b\n", CSV, [1])
@example(" \t\na\tb\n", TSV, [])
@given(REGULAR | ANY, st.sampled_from([CSV, TSV, Dialect("\t")]), st.lists(st.integers(1, 6)))
def test_records_are_those_of_pythons_reader_however_their_lines_come_in_batches(
    text: str, dialect: Dialect, sizes: list[int]
) -> None:
    text = text.replace(",", dialect.delimiter)
    lines, batches, start = lines_of(text), [], 0
    for size in [*sizes, len(lines)]:
        batches.append(lines[start : start + size])
        start += size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvrows, "MAX_RESUMES", 1)
        patch.setattr(csvfiles, "FEW", 2)
        file = SeparatedFile(batches, dialect, 2)
        found = [record for some in file for record in records(some)]
        expected = one_by_one(text, dialect)

    assert found == expected
    assert file.position == len(lines)


def test_regular_records_are_a_table_up_to_the_one_that_may_be_read_otherwise() -> None:
    table = read_table(lines_of('a,"b\n\nc"\r\nd,""\r\n"e","f\ng","h'), CSV, 2)

    assert table is not None
    assert (len(table.positions), table.lines) == (2, 4)
    assert read_table(lines_of('a"b,c'), CSV, 2) is None


def in_parts(path: Path, starts: Sequence[int]) -> list[Any]:
    """All records with their lines, read from each start to the next."""
    found, before = [], 0
    for start, end in zip(starts, [*starts[1:], path.stat().st_size], strict=True):
        data = in_utf8(range_blocks(path, start, end), "utf-8" if start else "utf-8-sig")
        file = SeparatedFile(line_batches(data, Blocks(path, None)), CSV, 2)
        for some in file:
            found += [(before + at, getattr(one, "reason", one)) for at, one in records(some)]
        before += file.position
    return found


@example('"\n\n",\r,\n"a"\n', 4, "utf-8")
@given(REGULAR | ANY, st.integers(4, 60), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_parts_of_a_file_are_what_the_whole_file_is(
    tmp_path_factory: pytest.TempPathFactory, text: str, step: int, encoding: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "parts.csv"
    path.write_bytes(f"id,text\n{text}".encode(encoding, "surrogateescape"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvquotes, "BATCH_BYTES", 7)
        starts = cuts(path, ",", step)

    assert in_parts(path, starts) == in_parts(path, [0])


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ('1,"a, ""b""\n\nc"\n', True),
        ('1,5" wide\n', False),
        ('1,"open\n2,b\n', False),
        ('1,"a"b\n', False),
        ('1, "a"\n', False),
        ("1,a\rb\n", False),
    ],
)
def test_a_file_is_cut_where_records_begin_unless_a_quote_is_odd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, cut: bool
) -> None:
    monkeypatch.setattr(csvquotes, "BATCH_BYTES", 7)
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "0,zero\n" * 50 + text)

    assert (len(cuts(path, ",", 20)) > 10) == cut


def test_only_its_line_is_lost_to_a_quote_that_never_closes() -> None:
    rows = one_by_one('1,"a, ""b""\nc"\n\n2,5" x\n3,"b\n4,c\n5,d')

    assert [(place, getattr(record, "reason", record)) for place, record in rows] == [
        (0, ["1", 'a, "b"\nc']),
        (3, ["2", '5" x']),
        (4, "a quote opens here and never closes"),
        (5, ["4", "c"]),
        (6, ["5", "d"]),
    ]


def test_a_record_without_end_is_given_up_at_once_after_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csvrows, "MAX_LINE", 40)
    monkeypatch.setattr(csvrows, "MAX_RESUMES", 5)
    rows = one_by_one('1,"a\n' + "x\n" * 30 + "2,b")

    assert (rows[-1], len(rows)) == ((31, ["2", "b"]), 32)
    monkeypatch.setattr(csvrows, "MAX_LINE", 400_000)
    assert len(one_by_one('a"b,"c\n' * 20_000)) == 6


def test_unescaping_keeps_lines_and_what_is_no_escape() -> None:
    lines = [b'1,"a \\"b\\"",\\N', b'\\N,"c\\\\d",x\\N', b'"e\\', b'f",\\n']

    assert unescaped(lines, ",") == [b'1,"a ""b""",', b',"c\\d",x\\N', b'"e', b'f",\\n']


@pytest.mark.parametrize(
    ("lines", "dialect", "wrong"),
    [
        (["a,b", "1,2", '"x,y",2'], Dialect(), 0),
        (["a,b", "1", "1,2,3", "1,2,,"], Dialect(), 2),
        (["a,b", '"x"y,2'], Dialect(), 1),
        (["a\tb", '"x\ty'], Dialect("\t"), 1),
        (["a,b", '"x \\"y\\"",2'], Dialect(escapes=True), 0),
    ],
)
def test_misfits_are_counted(lines: list[str], dialect: Dialect, wrong: int) -> None:
    assert misfits([line.encode() for line in lines], dialect, cut=False) == wrong
