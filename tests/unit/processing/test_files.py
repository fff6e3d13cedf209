"""Files as programs write them: read as they were meant, or rejected under their own name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import sqlite3
import tarfile
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fuzz.files.parquet_bytes import Chunk, leaf, page, parquet, strings
from here import Here
from messages import csvquotes, plan
from messages.csvrows import Dialect, misfits, unescaped
from messages.job import process
from messages.options import Options, Reading

TEXTS = ['says "no"', "a, b", "two\nlines", 'ends with "', "C:\\dir", "tab\there", "plain", "你好"]


class Job:
    """The job in this process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._runs = 0
        (root / "input").mkdir()

    def run(self, name: str, data: bytes, reading: Reading | None = None) -> dict[str, Any]:
        """Process one file; give what the summary says of it, and its rows."""
        (self._root / "input" / name).write_bytes(data)
        (self._root / "input/zz-good.jsonl").write_bytes(b'{"text": "the good one", "from": "z"}\n')
        self._runs += 1
        output = self._root / f"output-{self._runs}"
        summary = process(
            Options(self._root / "input", output, reading or Reading()),
            Here(),
            self._root / f"scratch-{self._runs}",
        )
        (self._root / "input" / name).unlink()
        frame = pl.concat(pl.read_parquet(part) for part in sorted(output.glob("part-*.parquet")))
        rows = frame.filter(pl.col("text") != "the good one")
        rejects = [json.loads(r) for r in (output / "rejected.jsonl").read_bytes().splitlines()]
        return {**summary["files"][0], "rows": rows, "rejects": rejects}

    def texts(self, name: str, data: bytes, reading: Reading | None = None) -> list[str]:
        """Give the texts of a file none of whose rows is rejected."""
        ended = self.run(name, data, reading)
        assert (ended["status"], ended["rejected"]) == ("read", 0), ended
        return ended["rows"]["text"].to_list()


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(logging.getLogger("preprocess"), "disabled", True)
    return Job(tmp_path)


def cleaned(texts: list[str]) -> list[str]:
    """What cleaning makes of white space."""
    return [" ".join(text.split()) for text in texts]


def mysql(texts: list[str], delimiter: str = ",") -> bytes:
    """SELECT … INTO OUTFILE … FIELDS TERMINATED BY ',' ENCLOSED BY '"', with a header."""

    def field(text: str) -> str:
        for sign in ("\\", '"', "\n"):
            text = text.replace(sign, f"\\{sign}")
        return f'"{text}"'

    rows = [f"{n}{delimiter}{field(text)}{delimiter}\\N" for n, text in enumerate(texts)]
    return "\n".join([delimiter.join(["id", "text", "note"]), *rows, ""]).encode()


def spark(texts: list[str]) -> bytes:
    """df.write.option("header", True).csv(…): a backslash before each quote and its backslashes."""
    rows = []
    for n, text in enumerate(texts):
        quoted = text.replace('"', '\\"')
        rows.append(
            f'{n},"{quoted}",' if '"' in text or "," in text or "\n" in text else f"{n},{text},"
        )
    return "\n".join(["id,text,note", *rows, ""]).encode()


@pytest.mark.parametrize("write", [mysql, spark, lambda texts: mysql(texts, ";")])
def test_backslashes_before_quotes_are_read_as_mysql_and_spark_write_them(job: Job, write) -> None:
    ended = job.run("a.csv", write(TEXTS))

    assert ended["rejected"] == 0, ended["rejects"]
    assert sorted(ended["rows"]["text"]) == sorted(cleaned(TEXTS))
    assert ended["rows"]["note"].to_list() == [None] * len(TEXTS)


def test_backslashes_that_escape_nothing_are_characters(job: Job) -> None:
    data = b'id,text\n1,"C:\\dir\\"\n2,"a \\ b, c"\n3,plain\n'

    assert sorted(job.texts("a.csv", data)) == ["C:\\dir\\", "a \\ b, c", "plain"]


def test_unescaping_keeps_lines_and_what_is_no_escape() -> None:
    lines = [b'1,"a \\"b\\"",\\N', b'\\N,"c\\\\d",x\\N', b'"e\\', b'f",\\n']

    assert unescaped(lines, ",") == [b'1,"a ""b""",', b',"c\\d",x\\N', b'"e', b'f",\\n']


def separated(texts: list[str], delimiter: str, **how: Any) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, **how)
    writer.writerows([["id", "from", "text"], *([n, "ana", t] for n, t in enumerate(texts))])
    return text.getvalue().encode()


def test_quotes_in_tsv_are_quotes_where_every_record_fits_so(job: Job) -> None:
    ended = job.run("a.tsv", separated(TEXTS, "\t"))

    assert ended["rejected"] == 0
    assert sorted(ended["rows"]["text"]) == sorted(cleaned(TEXTS))


def test_quotes_in_tsv_are_characters_where_they_do_not_fit(job: Job) -> None:
    data = b'id\ttext\n1\t"Hi" she said\n2\t5" wide\n3\t"all of it"\n4\t"open\n'

    assert job.texts("a.tsv", data) == ['"Hi" she said', '5" wide', '"all of it"', '"open']


def test_a_large_tsv_file_with_quotes_is_the_same_whole_and_in_parts(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = separated(TEXTS * 40, "\t", quoting=csv.QUOTE_ALL)
    whole = job.run("a.tsv", data)
    monkeypatch.setattr(plan, "RANGE_BYTES", 300)
    monkeypatch.setattr(csvquotes, "BATCH_BYTES", 64)
    cut = job.run("a.tsv", data)

    assert cut["rows_in"] == whole["rows_in"] == len(TEXTS) * 40
    assert cut["rows"].equals(whole["rows"])


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


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_files_whose_lines_end_in_carriage_returns_alone_are_read(job: Job, suffix: str) -> None:
    data = {
        "csv": b'id,text\r1,one\r2,"two, too"\r',
        "tsv": b"id\ttext\r1\tone\r2\ttwo, too\r",
        "jsonl": b'{"text": "one"}\r{"text": "two, too"}\r',
    }[suffix]

    assert job.texts(f"a.{suffix}", data) == ["one", "two, too"]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;\r", "\ufeffsep=;"])
def test_excels_line_that_says_what_separates_is_no_header(job: Job, first: str) -> None:
    data = f'{first}\nid;text\n1;"a; b"\n2;c,d\n'.encode()

    assert job.texts("a.csv", data) == ["a; b", "c,d"]
    assert job.texts("a.csv", data.decode("utf-8-sig").encode("utf-16")) == ["a; b", "c,d"]


def test_files_without_a_header_are_read_by_the_names_they_are_given(job: Job) -> None:
    rows = b"7,ana,one\n8,bob,two\n"
    named = job.run("a.csv", rows, Reading(names=("id", "from", "text"), header=False))
    placed = job.run("a.csv", rows, Reading({"text": "column_3"}, header=False))
    lone = job.texts("a.tsv", b"one\ntwo\n", Reading(header=False))

    assert named["rows"].rows() == [("7", "ana", None, "one"), ("8", "bob", None, "two")]
    assert placed["rows"]["text"].to_list() == ["one", "two"]
    assert placed["rows"].columns[-2:] == ["column_1", "column_2"]
    assert lone == ["one", "two"]


def test_names_for_another_number_of_columns_reject_the_file(job: Job) -> None:
    ended = job.run("a.csv", b"1,ana,one\n", Reading(names=("id", "text"), header=False))

    assert ended["reason"] == "its first record has 3 fields, and --columns names 2"


def test_a_header_that_may_be_a_row_says_what_to_do(job: Job) -> None:
    assert "give them with --columns" in job.run("a.csv", b"1,ana,one\n")["reason"]


def tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        info = tarfile.TarInfo("a.csv")
        info.size = 8
        archive.addfile(info, io.BytesIO(b"text\nhi\n"))
    return data.getvalue()


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "text\nhi\n")
    return data.getvalue()


def sqlite() -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("create table messages (text)")
        return database.serialize()


WHATSAPP = "12/31/25, 10:04 - Ana: hi\n12/31/25, 10:05 - Bob: hello, you\nand more\n"
WHATSAPP_DE = "[31.12.25, 10:04:11] Ana: hallo\n[31.12.25, 10:05:12] Bob: hi, du\n"
IRC = "[10:04] <ana> hi\n[10:05] <bob> hello, you\n[10:06] * ana waves\n"
MBOX = "From ana@example.com Thu Jan  1 10:04:00 2026\nSubject: hi\n\ntext\n"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.tar", tar(), "a tar archive; unpack it"),
        ("a.tar.gz", gzip.compress(tar()), "a tar archive; unpack it"),
        ("a.zip", zipped("a.csv"), "a zip archive; unpack it"),
        ("a.xlsx", zipped("[Content_Types].xml", "xl/x"), "an Excel workbook (xlsx); save its"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "an old Excel workbook (xls)"),
        ("a.db", sqlite(), "an SQLite database; export its table"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(99), "an image"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(99), "an image"),
        ("a.pdf", b"%PDF-1.7\n", "a PDF"),
        ("a.txt", WHATSAPP.encode(), "an exported chat (WhatsApp)"),
        ("a.txt", WHATSAPP_DE.encode(), "an exported chat (WhatsApp)"),
        ("a.log", IRC.encode(), "a log of a chat (IRC)"),
        ("a.mbox", MBOX.encode(), "e-mail as it is stored"),
        ("a.eml", b"Received: from x\nSubject: y\n\ntext\n", "e-mail as it is stored"),
        ("a.html", b"<!DOCTYPE html><p>text", "HTML or XML"),
        ("a.json", b'{"text": "a"}{"text": "b"}', "JSON objects that are not one per line"),
        ("a.json", b'{\n "text": "a"\n}\n{\n "text": "b"\n}', "JSON objects that are not one per"),
        ("a.json", b'[\n{"text": "a"}\n]', "a JSON array"),
    ],
)
def test_a_file_of_another_kind_is_rejected_under_its_own_name(
    job: Job, name, data, reason
) -> None:
    ended = job.run(name, data)

    assert ended["status"] == "rejected"
    assert ended["reason"].startswith(reason)


def test_objects_are_no_senders_unless_they_are_asked_for(job: Job) -> None:
    data = b'{"user": {"id": 7}, "author": "ana", "text": "one"}\n'
    asked = job.run("a.jsonl", data, Reading({"sender": "user"}))

    assert job.run("a.jsonl", data)["rows"]["sender"].to_list() == ["ana"]
    assert job.run("a.jsonl", data.replace(b"author", b"x"))["rows"]["sender"].to_list() == [None]
    assert asked["rows"]["sender"].to_list() == ['{"id":7}']


def test_numbers_beyond_64_bits_and_none_keep_the_message(job: Job) -> None:
    lines = [
        b'{"id": 36893488147419103232, "text": "big", "n": 18446744073709551616}',
        b'{"id": 1, "text": "not a number", "n": NaN}',
        b'{"id": 2, "text": "endless", "n": [-Infinity, Infinity]}',
        b'{"id": 3, "text": NaN}',
    ]
    ended = job.run("a.jsonl", b"\n".join(lines))

    assert (ended["rows_in"], ended["rejected"], ended["empty"]) == (4, 0, 1)
    assert ended["rows"]["text"].to_list() == ["big", "not a number", "endless"]
    assert ended["rows"]["message_id"][0] == "36893488147419103232"


@pytest.mark.parametrize("line", [b'{"text": NaN', b'{"text": "\\ud800", "n": NaN}', b"NaN"])
def test_lines_with_nan_that_are_no_objects_all_the_same_are_rejected(job: Job, line) -> None:
    assert job.run("a.jsonl", b'{"text": "fine"}\n' + line)["rejected"] == 1


def test_a_column_of_intervals_in_parquet_is_left_out_and_said_to_be(job: Job) -> None:
    interval = {1: 7, 2: 12, 3: 0, 4: b"delay", 6: 21}
    twelve = b"\1\0\0\0\2\0\0\0\3\0\0\0"
    chunks = [Chunk(page(strings(b"t"), 1), 1), Chunk(page(twelve, 1), 1, kind=7, path=("delay",))]
    ended = job.run("a.parquet", parquet([leaf(), interval], [(1, chunks)]))

    assert ended["rows"]["text"].to_list() == ["t"]
    assert ended["status"] == "read"
    assert ended["reason"] == "left out, as an INTERVAL cannot be read: delay"


def test_exact_numbers_of_parquet_stay_exact(job: Job) -> None:
    data = io.BytesIO()
    big, exact = 2**100 + 1, Decimal("12345678901234567890.123456789")
    columns = {
        "id": pl.Series([big], dtype=pl.Int128),
        "text": ["t"],
        "big": pl.Series([big], dtype=pl.Int128),
        "price": pl.Series([exact], dtype=pl.Decimal(38, 9)),
    }
    pl.DataFrame(columns).write_parquet(data)
    rows = job.run("a.parquet", data.getvalue())["rows"]

    assert rows["message_id"][0] == str(big)
    assert rows["big"][0] == big
    assert rows["price"][0] == exact
