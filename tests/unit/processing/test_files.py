"""Files as programs write them: read as they were meant, or rejected under their own name."""

import base64
import gzip

import polars as pl
import pytest

from default_job import json_lines, parquet

TEXTS = ['says "no"', "a, b", "two\nlines", 'ends with "', "C:\\dir", "tab\there", "plain", "你好"]


def mysql(delimiter):
    """SELECT … INTO OUTFILE … FIELDS TERMINATED BY ',' ENCLOSED BY '"', with a header."""
    escapes = str.maketrans({sign: f"\\{sign}" for sign in '\\"\n'})
    fields = [(str(n), f'"{text.translate(escapes)}"', "\\N") for n, text in enumerate(TEXTS)]
    return "\n".join(map(delimiter.join, [("id", "text", "note"), *fields])).encode()


def spark():
    """df.write.option("header", True).csv(…): a backslash before each quote in a quoted field."""
    quoted = ['"' + text.replace('"', '\\"') + '"' for text in TEXTS]
    plain = [text if set(text).isdisjoint('",\n') else quoted[n] for n, text in enumerate(TEXTS)]
    return "\n".join(["text,note", *(f"{text}," for text in plain)]).encode()


TABS = pl.DataFrame({"text": TEXTS, "note": None}).write_csv(separator="\t").encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.csv", mysql(",")), ("a.csv", mysql(";")), ("a.csv", spark()), ("a.tsv", TABS)],
    ids=["mysql", "mysql, semicolons", "spark", "TSV whose quotes all fit"],
)
def test_quotes_and_backslashes_are_read_as_they_were_written(job, name, data):
    result = job.give(name, data).run()

    assert result.rejected == []
    assert result.texts == [" ".join(text.split()) for text in TEXTS]
    assert set(result.frame["note"]) == {None}


UNQUOTED = b'id\ttext\n1\t"Hi" she said\n2\t5" wide\n3\t"all of it"\n4\t"open\n'
PLACED = ["--no-header", "--text-column", "column_2,text"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]
ODD = "naïve “café” 5 € è für größere Äpfel"


@pytest.mark.parametrize(
    ("name", "data", "arguments", "texts"),
    [
        ("a.csv", b'id,text\n1,"C:\\dir\\"\n2,"a \\ b, c"\n', [], ["C:\\dir\\", "a \\ b, c"]),
        ("a.tsv", UNQUOTED, [], ['"Hi" she said', '5" wide', '"all of it"', '"open']),
        ("a.tsv", b'id\ttext\n"1\ttwo"\n', [], ['two"']),
        ("a.csv", b'id,text\r1,one\r2,"two, too"\r', [], ["one", "two, too"]),
        ("a.csv", b'sep=;\nid;text\n1;"a; b"\n2;c,d\n', [], ["a; b", "c,d"]),
        ("a.csv", b'"SEP=;"\r\nid;text\n2;c,d\n', [], ["c,d"]),
        ("a.csv", b"7,one\n8,two\n", PLACED, ["one", "two"]),
        ("a.tsv", b"one\ntwo\n", ["--no-header"], ["one", "two"]),
        *(
            ("a.csv", f"id,text\n1,{ODD}\n".encode(encoding), ["--encoding", "cp1252"], [ODD])
            for encoding in ENCODINGS
        ),
        ("a.jsonl", json_lines({"text": ODD}).decode().encode("utf-16"), [], [ODD]),
        ("a.jsonl", b'{"kind": "start"}\n{"body": "hello"}\n{"body": null}', [], ["hello"]),
        ("a.jsonl", b"", [], []),
        ("a.csv", b"id,text\n", [], []),
        # A text that its commas split, and commas behind the last column
        ("a.csv", b'id,text,,,\n1,a,b c,,\n2,"a,",,,\n3,,a,b,\n', [], ["a,b c", "a,", ",a,b"]),
        ("a.csv", b"text,,time\na,b,c\n", [], ["a"]),
    ],
)
def test_a_file_gives_its_texts_however_it_is_written(job, name, data, arguments, texts):
    result = job.give(name, data).run(*arguments)

    assert (result.code, result.rejected, result.texts) == (0, [], texts)
    assert not {"column_3", "column_4", "column_5"} & {*result.summary["columns"]}


def test_files_in_folders_with_odd_names_are_told_by_their_content(job):
    job.give("a/b [1]*.parquet", parquet({"text": ["t"]}))
    job.give("a/no suffix é", json_lines({"text": "t"}))
    job.give("named.gz", b"text\tn\nt\t1\n").give("semi.csv", b"text;n\nt;1\n")
    files = job.run().summary["files"]

    assert [file["format"] for file in files] == ["parquet", "jsonl", "tsv", "csv"]
    assert {file["rows_out"] + file["duplicates"] for file in files} == {1}


def test_files_without_a_header_are_read_by_the_names_they_are_given(job):
    named = job.give("a.csv", b"7,ana,one\n8,bob,two\n").run("--columns", "id,from,text")
    wrong, twice = job.run("--columns", "id,text"), job.run("--columns", "id,id")

    assert named.frame.rows() == [("7", "ana", None, "one"), ("8", "bob", None, "two")]
    assert (twice.code, "comes twice" in twice.message) == (2, True)
    assert "its first record has 3 fields, and --columns names 2" in wrong.message


WHATSAPP = b"[31.12.25, 10:04:11] Ana: hallo\n[31.12.25, 10:05:12] Bob: hi, du\n"
MBOX = b"From ana@example.com Thu Jan  1 10:04:00 2026\nSubject: hi\n\ntext\n"
MANIFEST = b'[{"prefix": "s3://b/"}, "a.csv"]'


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.tar.gz", gzip.compress(bytes(257) + b"ustar"), "a tar archive; unpack it"),
        ("a.zip", b"PK\x03\x04" + bytes(26) + b"a.csv", "a zip archive; unpack it"),
        ("a.xlsx", b"PK\x03\x04" + bytes(26) + b"xl/x", "an Excel workbook (xlsx); save its"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "an old Excel workbook (xls)"),
        ("a.db", b"SQLite format 3\0" + bytes(99), "an SQLite database; export its table"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(99), "an image"),
        ("a.txt", WHATSAPP, "an exported chat (WhatsApp)"),
        ("a.mbox", MBOX, "e-mail as it is stored"),
        ("a.html", b"<!DOCTYPE html><p>text", "HTML or XML"),
        ("a.json", b'{"text": "a"}{"text": "b"}', "JSON objects that are not one per line"),
        ("a.json", b'[\n{"text": "a"}\n]', "a JSON array; write one object per line"),
        ("r.json", MANIFEST, "landrun's manifest"),
        ("a.jsonl", b"broken\n", "no line of its beginning is a JSON object"),
        ("a.parquet", b"PAR1 and nothing", "not readable as Parquet"),
        ("a.parquet", b"text\n", "not a Parquet file, though its name says so"),
        ("a.csv", b"1,ana,one\n", "give them with --columns"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00broken", "damaged gzip data"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_of_another_kind_is_rejected_under_its_own_name(job, name, data, reason):
    result = job.give(name, data).run()

    assert result.file(name)["status"] == "rejected"
    assert reason in result.file(name)["reason"]
    assert result.message.startswith(f"no file could be used: {name}: ")


def test_objects_are_no_senders_unless_they_are_asked_for(job):
    job.give("a.jsonl", b'{"user": {"id": 7}, "text": "one"}\n')

    assert job.run().frame["sender"].to_list() == [None]
    assert job.run("--sender-column", "user").frame["sender"].to_list() == ['{"id":7}']


# Two columns, of which "delay" is an INTERVAL; nothing that is here writes those.
INTERVAL = """
UEFSMRUAFQoVCiwVAhUAFQYVBgAAAQAAAHQVABUYFRgsFQIVABUGFQYAAAEAAAACAAAAAwAAABUCGTw1ABgGc2NoZW1hFQQA
FQwlABgEdGV4dCUAABUOFRgVABgFZGVsYXklKgAWAhkcGSwmCBwVDBk1AAYQGRgEdGV4dBUAFgIWLBYsJggAACY0HBUOGTUA
BhAZGAVkZWxheRUAFgIWOhY6JjQAABZmFgIAAHUAAABQQVIx"""


def test_a_column_of_intervals_in_parquet_is_left_out_and_said_to_be(job):
    result = job.give("a.parquet", base64.b64decode(INTERVAL)).run()

    assert result.texts == ["t"]
    file = result.file("a.parquet")
    assert file["status"] == "read"
    assert file["reason"] == "left out, as an INTERVAL cannot be read: delay"
