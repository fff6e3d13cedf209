"""CSV and TSV by blocks and in parts: the same as Python's reader finds in the whole file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from messages import csvfiles, csvquotes, csvrows, plan
from messages.csvfiles import SeparatedFile, Table, read_table
from messages.csvquotes import cuts
from messages.csvrows import CsvRecords, Dialect, TabRecords
from messages.lines import Reject
from messages.options import Reading
from messages.sources import Source, inspect
from messages.streams import Blocks, in_utf8, line_batches, range_blocks

CSV, TSV = Dialect(","), Dialect("\t", quotes=False)
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


def lines_of(text: str) -> list[bytes]:
    """What `line_batches` makes lines of: the last newline begins none."""
    return text.removesuffix("\n").encode("utf-8", "surrogateescape").split(b"\n")


def in_dialect(text: str, dialect: Dialect) -> str:
    return text.replace(",", dialect.delimiter)


def one_by_one(text: str, dialect: Dialect = CSV) -> list[Any]:
    reader = CsvRecords if dialect.quotes else TabRecords
    return list(reader(text.removesuffix("\n").split("\n"), dialect.delimiter))


def records(some: Table | list[Any]) -> list[Any]:
    if isinstance(some, list):
        return some
    rows = zip(*(field.fill_null("") for field in some.fields), strict=True)
    return [(p, list(row)) for p, row in zip(some.positions, rows, strict=True)]


@given(WIDTHS_AND_TEXTS, st.sampled_from([CSV, TSV, Dialect("\t")]))
@example((2, '"a\n\n",b\n'), CSV)
@example((2, "x\x01,b\n"), CSV)
@example((2, "\ufeffa,b\n"), CSV)
@example((1, 'a\na"b\n'), CSV)
@example((1, " \na\n"), TSV)
def test_a_table_holds_the_records_that_pythons_reader_finds(
    given: tuple[int, str], dialect: Dialect
) -> None:
    width, text = given[0], in_dialect(given[1], dialect)
    table = read_table(lines_of(text), dialect, width)
    event(f"a table: {table is not None}")
    if table is None:
        return

    found, whole = one_by_one(text, dialect), records(table)
    assert whole == found[: len(whole)]
    assert all(position >= table.lines for position, _ in found[len(whole) :])


def test_regular_records_are_a_table_up_to_the_one_that_may_be_read_otherwise() -> None:
    table = read_table(lines_of('a,"b\n\nc"\r\nd,""\r\n"e","f\ng","h'), CSV, 2)

    assert table is not None
    assert (len(table.positions), table.lines) == (2, 4)
    assert read_table(lines_of('a"b,c'), CSV, 2) is None


@given(
    regular(2) | ANY,
    st.sampled_from([CSV, TSV]),
    st.lists(st.integers(1, 6), max_size=8),
    st.integers(0, 2),
)
def test_records_are_the_same_however_their_lines_come_in_batches(
    text: str, dialect: Dialect, sizes: list[int], resumes: int
) -> None:
    text = in_dialect(text, dialect)
    lines, batches, start = lines_of(text), [], 0
    for size in [*sizes, len(lines)]:
        batches.append(lines[start : start + size])
        start += size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvrows, "MAX_RESUMES", resumes)
        patch.setattr(csvfiles, "FEW", 2)
        file = SeparatedFile(batches, dialect, 2)
        found = [record for some in file for record in records(some)]
        expected = one_by_one(text, dialect)

    assert found == expected
    assert file.position == len(lines)


def source(folder: Path, data: bytes, name: str = "a.csv") -> Source:
    path = folder / name
    path.write_bytes(data)
    return inspect(path, path.name, Reading({"text": "text"}))


def outcome(source: Source, starts: Sequence[int]) -> list[Any]:
    """All records with their lines, read from each start to the next."""
    found, before = [], 0
    for start, end in zip(starts, [*starts[1:], source.size], strict=True):
        data = range_blocks(source.path, start, end)
        data = in_utf8(data, "utf-8-sig" if start == 0 else "utf-8")
        file = SeparatedFile(line_batches(data, Blocks(source.path, None)), source.dialect, 2)
        for some in file:
            found += [
                (before + place, getattr(record, "reason", record))
                for place, record in records(some)
            ]
        before += file.position
    return found


@example('"\n\n",\r,\n"a"\n', 4, "utf-8")
@given(regular(2) | ANY, st.integers(4, 60), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_parts_of_a_file_are_what_the_whole_file_is(
    tmp_path_factory: pytest.TempPathFactory, text: str, step: int, encoding: str
) -> None:
    data = f"id,text\n{text}".encode(encoding, "surrogateescape")
    file = source(tmp_path_factory.getbasetemp(), data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvquotes, "BATCH_BYTES", 7)
        starts = cuts(file.path, ",", step)
    event(f"{min(3, len(starts))} parts")

    assert outcome(file, starts) == outcome(file, [0])


def test_regular_records_are_cut_wherever_a_part_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["short", "a, b", 'says "no"\nand goes\n\n', '"', "", "\n", "x" * 50, "\na"]
    written = io.BytesIO()
    pl.DataFrame({"id": range(80), "text": texts * 10}).write_csv(written)
    file = source(tmp_path, written.getvalue())
    monkeypatch.setattr(csvquotes, "BATCH_BYTES", 11)

    for step in range(100, 600, 11):
        starts = cuts(file.path, ",", step)
        assert len(starts) > file.size / (step + 100)
        assert outcome(file, starts) == outcome(file, [0])


@pytest.mark.parametrize("text", ['1,5" wide\n', '1,"open\n2,b\n', '1,"a"b\n', '1, "a"\n'])
def test_a_file_with_an_odd_quote_is_read_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "0,zero\n" * 50 + text)

    assert cuts(path, ",", 20) == [0]


def test_only_files_whose_newlines_end_records_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "RANGE_BYTES", 50)
    monkeypatch.setattr(csvquotes, "BATCH_BYTES", 7)
    plain = b"id,text\n" + b"1,one\n" * 50
    files = {
        "a.csv": plain,
        "b.csv": plain.replace(b"one", b'5"'),
        "c.csv": plain.decode().encode("utf-16"),
        "d.tsv": plain.replace(b",", b"\t"),
    }
    found = [source(tmp_path, data, name) for name, data in files.items()]

    parts = [len(plan.tasks([one], cut=True)) for one in found]
    assert [count > 1 for count in parts] == [True, False, False, True]


def test_fields_hold_commas_quotes_and_newlines() -> None:
    assert one_by_one('a,"b, ""c""\nd",e\n\nf,g,5" h') == [
        (0, ["a", 'b, "c"\nd', "e"]),
        (3, ["f", "g", '5" h']),
    ]


def test_a_quote_that_never_closes_costs_one_line() -> None:
    rows = one_by_one('1,a\n2,"b\n3,c\n4,d')

    assert [(place, getattr(record, "reason", record)) for place, record in rows] == [
        (0, ["1", "a"]),
        (1, "a quote opens here and never closes"),
        (2, ["3", "c"]),
        (3, ["4", "d"]),
    ]


def test_a_record_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvrows, "MAX_LINE", 40)
    rows = one_by_one('1,"a\n' + "x\n" * 100 + "2,b")

    assert isinstance(rows[0][1], Reject)
    assert (rows[-1], len(rows)) == ((101, ["2", "b"]), 102)


def test_hostile_quotes_take_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvrows, "MAX_RESUMES", 5)

    assert [type(record) for _, record in one_by_one('a"b,"c\n' * 20_000)] == [Reject] * 6
