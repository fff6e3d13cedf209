"""CSV whole and in parts: the records that Python's reader finds, and a way back from bad ones."""

from __future__ import annotations

import csv

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messages import csvrows
from messages.csvrows import CsvRecords, Dialect, cuts, misfits, unescaped
from messages.streams import in_utf8, line_batches, range_blocks

FIELDS = ("", "a", "é", '""', '"a"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', '"""a"', '"\n\n"')
ODD = ('a"b', '"a"b', '"a', 'a"', "\r", "\0", "\ufeff", "x\x01", '"', "\udc80", " ", ",", "\n", "")


def of_fields(fields, breaks, least, most):
    record = st.lists(st.sampled_from(fields), min_size=least, max_size=most).map(",".join)
    line = st.tuples(record, st.sampled_from(breaks)).map("".join)
    return st.lists(line, max_size=8).map("".join)


REGULAR = of_fields(FIELDS, ("\n", "\n", "\n", "\r\n"), 2, 2)
ANY = of_fields((*FIELDS, *ODD), ("\n", "\n", "\r\n", "\n\n", "\r", ","), 1, 3)


def one_by_one(text):
    return list(CsvRecords(text.removesuffix("\n").split("\n")))


@example('"a\n\n",b\n')
@given(REGULAR)
def test_regular_records_are_those_of_pythons_reader(text):
    fields = [record for _, record in one_by_one(text)]

    assert fields == [record for record in csv.reader(text.splitlines(keepends=True)) if record]


def in_parts(path, starts):
    """All records with their lines, read from each start to the next."""
    found, before = [], 0
    for start, end in zip(starts, [*starts[1:], path.stat().st_size], strict=True):
        data = in_utf8(range_blocks(path, start, end), "utf-8" if start else "utf-8-sig")
        lines = (csvrows.text(line) for batch in line_batches(data) for line in batch)
        records = CsvRecords(lines)
        found += [(before + at, getattr(one, "reason", one)) for at, one in records]
        before += records.position
    return found


@example('"\n\n",\r,\n"a"\n', 4, "utf-8")
@given(REGULAR | ANY, st.integers(4, 60), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_parts_of_a_file_are_what_the_whole_file_is(tmp_path_factory, text, step, encoding):
    path = tmp_path_factory.getbasetemp() / "parts.csv"
    path.write_bytes(f"id,text\n{text}".encode(encoding, "surrogateescape"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvrows, "BATCH_BYTES", 7)
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
def test_a_file_is_cut_where_records_begin_unless_a_quote_is_odd(tmp_path, monkeypatch, text, cut):
    monkeypatch.setattr(csvrows, "BATCH_BYTES", 7)
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "0,zero\n" * 50 + text)

    assert (len(cuts(path, ",", 20)) > 10) == cut


def test_only_its_line_is_lost_to_a_quote_that_never_closes():
    rows = one_by_one('1,"a, ""b""\nc"\n\n2,5" x\n3,"b\n4,c\n5,d')

    assert [(place, getattr(record, "reason", record)) for place, record in rows] == [
        (0, ["1", 'a, "b"\nc']),
        (3, ["2", '5" x']),
        (4, "a quote opens here and never closes"),
        (5, ["4", "c"]),
        (6, ["5", "d"]),
    ]


def test_a_record_without_end_is_given_up_at_once_after_many(monkeypatch):
    monkeypatch.setattr(csvrows, "MAX_LINE", 40)
    monkeypatch.setattr(csvrows, "MAX_RESUMES", 5)
    rows = one_by_one('1,"a\n' + "x\n" * 60 + "2,b")

    assert rows[0][1].reason.startswith("a record longer than")
    assert (rows[-1], len(rows)) == ((61, ["2", "b"]), 62)
    monkeypatch.setattr(csvrows, "MAX_LINE", 400_000)
    assert len(one_by_one('a"b,"c\n' * 20_000)) == 6


def test_unescaping_keeps_lines_and_what_is_no_escape():
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
def test_misfits_are_counted(lines, dialect, wrong):
    assert misfits([line.encode() for line in lines], dialect, cut=False) == wrong
