"""Files as programs write them: read as they were meant, or rejected under their own name."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import sqlite3
import tarfile
import zipfile
from decimal import Decimal

import polars as pl
import pytest

TEXTS = ['says "no"', "a, b", "two\nlines", 'ends with "', "C:\\dir", "tab\there", "plain", "你好"]


def run(job, name, data, *arguments):
    """Process one file beside a good one, so that the run does not fail."""
    for path in job.input.iterdir():
        path.unlink()
    result = job.give(name, data).give("zz-good.jsonl", b'{"text": "good"}').run(*arguments)
    assert result.code == 0, result.message
    return result


def rows(result):
    return result.frame.filter(pl.col("text") != "good")


def texts(result):
    """The texts of a file none of whose rows is rejected."""
    assert result.rejected == []
    return rows(result)["text"].to_list()


def mysql(delimiter):
    """SELECT … INTO OUTFILE … FIELDS TERMINATED BY ',' ENCLOSED BY '"', with a header."""
    escapes = str.maketrans({sign: f"\\{sign}" for sign in '\\"\n'})
    lines = [
        f'{n}{delimiter}"{text.translate(escapes)}"{delimiter}\\N' for n, text in enumerate(TEXTS)
    ]
    return "\n".join([delimiter.join(["id", "text", "note"]), *lines, ""]).encode()


def spark():
    """df.write.option("header", True).csv(…): a backslash before each quote in a quoted field."""
    quoted = ['"' + text.replace('"', '\\"') + '"' for text in TEXTS]
    plain = [text if set(text).isdisjoint('",\n') else quoted[n] for n, text in enumerate(TEXTS)]
    return "\n".join(
        ["id,text,note", *(f"{n},{text}," for n, text in enumerate(plain)), ""]
    ).encode()


def quoted_tsv():
    text = io.StringIO(newline="")
    fields = [["id", "note", "text"], *([n, "", t] for n, t in enumerate(TEXTS))]
    csv.writer(text, delimiter="\t").writerows(fields)
    return text.getvalue().encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("a.csv", mysql(","), id="mysql"),
        pytest.param("a.csv", mysql(";"), id="mysql, semicolons"),
        pytest.param("a.csv", spark(), id="spark"),
        pytest.param("a.tsv", quoted_tsv(), id="TSV whose quotes all fit"),
    ],
)
def test_quotes_and_backslashes_are_read_as_they_were_written(job, name, data):
    result = run(job, name, data)

    assert texts(result) == [" ".join(text.split()) for text in TEXTS]
    assert set(rows(result)["note"]) == {None}


@pytest.mark.parametrize(
    ("name", "data", "arguments", "expected"),
    [
        (
            "a.csv",
            b'id,text\n1,"C:\\dir\\"\n2,"a \\ b, c"\n3,plain\n',
            [],
            ["C:\\dir\\", "a \\ b, c", "plain"],
        ),
        (
            "a.tsv",
            b'id\ttext\n1\t"Hi" she said\n2\t5" wide\n3\t"all of it"\n4\t"open\n',
            [],
            ['"Hi" she said', '5" wide', '"all of it"', '"open'],
        ),
        ("a.csv", b'id,text\r1,one\r2,"two, too"\r', [], ["one", "two, too"]),
        ("a.tsv", b"id\ttext\r1\tone\r2\ttwo, too\r", [], ["one", "two, too"]),
        ("a.jsonl", b'{"text": "one"}\r{"text": "two"}\r', [], ["one", "two"]),
        ("a.csv", b'sep=;\nid;text\n1;"a; b"\n2;c,d\n', [], ["a; b", "c,d"]),
        ("a.csv", b'"sep=;"\nid;text\n2;c,d\n', [], ["c,d"]),
        ("a.csv", b"SEP=;\r\nid;text\n2;c,d\n", [], ["c,d"]),
        ("a.csv", "\ufeffsep=;\nid;text\n2;c,d\n".encode(), [], ["c,d"]),
        ("a.csv", "sep=;\nid;text\n2;c,d\n".encode("utf-16"), [], ["c,d"]),
        (
            "a.csv",
            b"7,one\n8,two\n",
            ["--no-header", "--text-column", "column_2,text"],
            ["one", "two"],
        ),
        ("a.tsv", b"one\ntwo\n", ["--no-header"], ["one", "two"]),
    ],
)
def test_a_text_is(job, name, data, arguments, expected):
    assert texts(run(job, name, data, *arguments)) == expected


def test_files_without_a_header_are_read_by_the_names_they_are_given(job):
    data = b"7,ana,one\n8,bob,two\n"
    named = rows(run(job, "a.csv", data, "--columns", "id,from,text"))
    placed = rows(run(job, "a.csv", data, "--no-header", "--text-column", "column_3"))

    assert named.rows() == [("7", "ana", None, "one"), ("8", "bob", None, "two")]
    assert placed.columns[-2:] == ["column_1", "column_2"]


def tar():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    return data.getvalue()


def zipped(*names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "text\nhi\n")
    return data.getvalue()


def sqlite():
    with sqlite3.connect(":memory:") as database:
        database.execute("create table messages (text)")
        return database.serialize()


WHATSAPP = b"12/31/25, 10:04 - Ana: hi\n12/31/25, 10:05 - Bob: hello, you\nand more\n"
WHATSAPP_DE = b"[31.12.25, 10:04:11] Ana: hallo\n[31.12.25, 10:05:12] Bob: hi, du\n"
IRC = b"[10:04] <ana> hi\n[10:05] <bob> hello, you\n[10:06] * ana waves\n"
MBOX = b"From ana@example.com Thu Jan  1 10:04:00 2026\nSubject: hi\n\ntext\n"
MANIFEST = b'[{"prefix": "s3://b/"}, "a.csv"]'


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
        ("a.txt", WHATSAPP, "an exported chat (WhatsApp)"),
        ("a.txt", WHATSAPP_DE, "an exported chat (WhatsApp)"),
        ("a.log", IRC, "a log of a chat (IRC)"),
        ("a.mbox", MBOX, "e-mail as it is stored"),
        ("a.eml", b"Received: from x\nSubject: y\n\ntext\n", "e-mail as it is stored"),
        ("a.html", b"<!DOCTYPE html><p>text", "HTML or XML"),
        ("a.json", b'{"text": "a"}{"text": "b"}', "JSON objects that are not one per line"),
        ("a.json", b'{\n "text": "a"\n}\n{\n "text": "b"\n}', "JSON objects that are not one per"),
        ("a.json", b'[\n{"text": "a"}\n]', "a JSON array; write one object per line"),
        ("r.json", MANIFEST, "landrun's manifest, which lists the data"),
        ("r.json", MANIFEST, "InputMessageFormat=uri"),
        ("a.jsonl", b"broken\n", "no line of its beginning is a JSON object"),
        ("a.parquet", b"PAR1 and nothing", "not readable as Parquet"),
        ("a.parquet", b"text\n", "not a Parquet file, though its name says so"),
        ("a.csv", b'text,"id\nx,1\n', "its header is unreadable"),
        ("a.csv", b"1,ana,one\n", "give them with --columns"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00broken", "damaged gzip data"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_of_another_kind_is_rejected_under_its_own_name(job, name, data, reason):
    file = run(job, name, data).file(name)

    assert file["status"] == "rejected"
    assert reason in file["reason"]


def test_names_for_another_number_of_columns_reject_the_file(job):
    file = run(job, "a.csv", b"1,ana,one\n", "--columns", "id,text").file("a.csv")

    assert file["reason"] == "its first record has 3 fields, and --columns names 2"


def test_objects_are_no_senders_unless_they_are_asked_for(job):
    def sender(data, *arguments):
        return rows(run(job, "a.jsonl", data, *arguments))["sender"].to_list()

    data = b'{"user": {"id": 7}, "author": "ana", "text": "one"}\n'
    assert sender(data) == ["ana"]
    assert sender(data.replace(b"author", b"x")) == [None]
    assert sender(data, "--sender-column", "user") == ['{"id":7}']


def test_numbers_beyond_64_bits_and_nan_keep_the_message(job):
    lines = [
        b'{"id": 36893488147419103232, "text": "big", "n": 18446744073709551616}',
        b'{"id": 1, "text": "not a number", "n": NaN}',
        b'{"id": 2, "text": "endless", "n": [-Infinity, Infinity]}',
        b'{"id": 3, "text": NaN}',
        *(b'{"text": NaN', b'{"text": "\\ud800", "n": NaN}', b"NaN"),
    ]
    result = run(job, "a.jsonl", b"\n".join(lines))

    file = result.file("a.jsonl")
    assert (file["rows_in"], file["rejected"], file["empty"]) == (7, 3, 1)
    assert rows(result)["text"].to_list() == ["big", "not a number", "endless"]
    assert rows(result)["message_id"][0] == "36893488147419103232"


# Two columns, of which "delay" is an INTERVAL; nothing that is here writes those.
INTERVAL = """
UEFSMRUAFQoVCiwVAhUAFQYVBgAAAQAAAHQVABUYFRgsFQIVABUGFQYAAAEAAAACAAAAAwAAABUCGTw1ABgGc2NoZW1hFQQA
FQwlABgEdGV4dCUAABUOFRgVABgFZGVsYXklKgAWAhkcGSwmCBwVDBk1AAYQGRgEdGV4dBUAFgIWLBYsJggAACY0HBUOGTUA
BhAZGAVkZWxheRUAFgIWOhY6JjQAABZmFgIAAHUAAABQQVIx"""


def test_a_column_of_intervals_in_parquet_is_left_out_and_said_to_be(job):
    result = run(job, "a.parquet", base64.b64decode(INTERVAL))

    assert texts(result) == ["t"]
    file = result.file("a.parquet")
    assert file["status"] == "read"
    assert file["reason"] == "left out, as an INTERVAL cannot be read: delay"


def test_exact_numbers_of_parquet_stay_exact(job):
    big, exact = 2**100 + 1, Decimal("12345678901234567890.123456789")
    columns = {
        "id": pl.Series([big], dtype=pl.Int128),
        "text": ["t"],
        "price": pl.Series([exact], dtype=pl.Decimal(38, 9)),
    }
    data = io.BytesIO()
    pl.DataFrame(columns | {"big": columns["id"]}).write_parquet(data)
    row = rows(run(job, "a.parquet", data.getvalue())).to_dicts()[0]

    assert (row["message_id"], row["big"], row["price"]) == (str(big), big, exact)
