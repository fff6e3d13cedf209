"""The script as a whole: files in, parts, rejects and a summary out."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

import preprocess
from here import Here
from messages import csvquotes, guard, plan

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "src/processing/preprocess.py"
SMS = ROOT.parent / "shared/data/sms"
COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".bz2": bz2.compress,
}


@dataclass(frozen=True)
class Result:
    """What a run left behind."""

    code: int
    output: Path
    message: str

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.output / "summary.json").read_bytes())

    @property
    def rejected(self) -> list[dict[str, Any]]:
        lines = (self.output / "rejected.jsonl").read_bytes().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def frame(self) -> pl.DataFrame:
        parts = sorted(self.output.glob("part-*.parquet"))
        return pl.concat([pl.read_parquet(part) for part in parts])

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(self.summary[name] for name in COUNTS)

    def texts(self) -> list[str]:
        return self.frame["text"].to_list()


@dataclass
class Job:
    """The script in this process, on a folder of its own."""

    root: Path
    runs: int = 0

    def give(self, name: str, data: bytes) -> Path:
        path = self.root / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def run(self, *arguments: str) -> Result:
        self.runs += 1
        output = self.root / f"output-{self.runs}"
        folders = ["--input", str(self.root / "input"), "--output", str(output)]
        code = preprocess.main([*folders, *arguments])
        message = self.root / "ml/output/message"
        result = Result(code, output, message.read_text() if message.exists() else "")
        if (output / "summary.json").exists():
            adds_up(result)
        return result


def adds_up(result: Result) -> None:
    """What always holds of a run's counts."""
    summary = result.summary
    for counted in (summary, *summary["files"]):
        rest = sum(counted[name] for name in COUNTS[1:])
        assert counted["rows_in"] == rest, counted
    for name in COUNTS:
        assert summary[name] == sum(file[name] for file in summary["files"])
    assert summary["rows_out"] == result.frame.height
    assert len(result.rejected) == summary["rejected"] + summary["files_rejected"]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("LANDRUN_OPT_ML", str(tmp_path / "ml"))
    monkeypatch.setattr("preprocess.signal.signal", lambda *_: None)
    monkeypatch.setattr("preprocess.Workers", Here)
    (tmp_path / "input").mkdir()
    return Job(tmp_path)


def json_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(rows).write_parquet(data)
    return data.getvalue()


ROWS = [
    {"id": "1", "from": "ana", "sent_at": "2026-01-01", "text": "naïve “café” 5 € è"},
    {"id": "2", "from": "bob", "sent_at": "2026-01-02", "text": "two"},
    {"id": "3", "from": "ana", "sent_at": "2026-01-01", "text": "naïve  “café” 5 € è "},
    {"id": "4", "from": "bob", "sent_at": "2026-01-04", "text": ""},
]


def separated(delimiter: str, rows: list[dict[str, Any]] = ROWS) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


WRITE: dict[str, Callable[[], bytes]] = {
    "jsonl": lambda: json_lines(ROWS),
    "csv": lambda: separated(","),
    "tsv": lambda: separated("\t"),
    "parquet": lambda: parquet(ROWS),
}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le", "cp1252"]
)
@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv"])
def test_text_files_of_every_kind_give_the_same(job: Job, kind, suffix, encoding) -> None:
    job.give(f"a.{kind}{suffix}", PACK[suffix](WRITE[kind]().decode().encode(encoding)))

    result = job.run("--encoding", "cp1252")

    assert (result.code, result.counts) == (0, (4, 2, 1, 1, 0)), result.message
    assert result.frame.rows() == [
        ("1", "ana", "2026-01-01", "naïve “café” 5 € è"),
        ("2", "bob", "2026-01-02", "two"),
    ]


@pytest.mark.parametrize("suffix", PACK)
def test_parquet_gives_the_same_also_when_packed(job: Job, suffix: str) -> None:
    job.give(f"a.parquet{suffix}", PACK[suffix](WRITE["parquet"]()))

    result = job.run()

    assert result.counts == (4, 2, 1, 1, 0)
    assert result.frame.columns == ["message_id", "sender", "sent_at", "text"]


def test_files_in_folders_with_odd_names_are_told_by_their_content(job: Job) -> None:
    job.give("a/b [1]*.parquet", WRITE["parquet"]())
    job.give("a/no suffix é", WRITE["jsonl"]())
    job.give("named.gz", WRITE["tsv"]())
    job.give("semi.csv", separated(";"))

    files = job.run().summary["files"]

    assert [(f["name"], f["format"], f["rows_in"]) for f in files] == [
        ("a/b [1]*.parquet", "parquet", 4),
        ("a/no suffix é", "jsonl", 4),
        ("named.gz", "tsv", 4),
        ("semi.csv", "csv", 4),
    ]


def test_the_first_of_equal_messages_is_kept_over_all_files(job: Job) -> None:
    job.give("b.jsonl", json_lines([{"row": 9, "from": None, "text": "<b>hi</b>"}]))
    job.give("a.jsonl", json_lines([{"row": 1, "text": "hi"}, {"row": 2, "text": " hi"}]))
    job.give("c.jsonl", json_lines([{"row": 3, "from": "x", "text": "hi"}]))

    result = job.run()

    assert result.frame["row"].to_list() == [1, 3]
    assert [f["duplicates"] for f in result.summary["files"]] == [1, 1, 0]


DUPLICATES = {
    "sender, time and text": ("id,from,time,text", "1,ana,9:00,ok", "2,ana,9:00,ok", 1),
    "another time": ("id,from,time,text", "1,ana,9:00,ok", "1,ana,9:05,ok", 0),
    "another sender": ("id,from,time,text", "1,ana,9:00,ok", "1,bob,9:00,ok", 0),
    "another text": ("id,from,time,text", "1,ana,9:00,ok", "1,ana,9:00,no", 0),
    "neither sender nor time known": ("id,from,time,text", "1,,,ok", "2,,,ok", 1),
    "sender and text": ("id,from,text", "1,ana,ok", "2,ana,ok", 1),
    "time and text": ("id,time,text", "1,9:00,ok", "2,9:00,ok", 1),
    "another time without senders": ("id,time,text", "1,9:00,ok", "1,9:05,ok", 0),
    "id and text": ("id,text", "1,ok", "1,ok", 1),
    "another id": ("id,text", "1,ok", "2,ok", 0),
    "equal ids alone": ("id,text", "5.7E+17,ok", "5.7E+17,no", 0),
    "text alone": ("shop,text", "north,ok", "south,ok", 1),
}


@pytest.mark.parametrize(
    ("header", "first", "second", "duplicates"), DUPLICATES.values(), ids=DUPLICATES
)
def test_a_duplicate_agrees_in_sender_time_and_text_as_far_as_the_file_has_them(
    job: Job, header: str, first: str, second: str, duplicates: int
) -> None:
    job.give("a.csv", f"{header}\n{first}\n{second}\n".encode())

    assert job.run().counts == (2, 2 - duplicates, duplicates, 0, 0)


@pytest.mark.parametrize(
    ("header", "arguments", "agrees_in"),
    [
        ("id,from,time,text", [], ["sender", "sent_at", "text"]),
        ("id,from,text", [], ["sender", "text"]),
        ("id,time,text", [], ["sent_at", "text"]),
        ("id,text", [], ["message_id", "text"]),
        ("shop,text", [], ["text"]),
        ("id,from,time,text", ["--duplicates", "sender-text"], ["sender", "text"]),
    ],
)
def test_the_summary_says_of_each_file_what_its_duplicates_agree_in(
    job: Job, header: str, arguments: list[str], agrees_in: list[str]
) -> None:
    job.give("a.csv", f"{header}\n{header.replace('text', 'ok')}\n".encode())

    assert job.run(*arguments).summary["files"][0]["duplicates_by"] == agrees_in


@pytest.mark.parametrize("case", ["another time", "another id"])
def test_with_sender_text_a_duplicate_agrees_in_these_alone(job: Job, case: str) -> None:
    job.give("a.csv", "\n".join(DUPLICATES[case][:3]).encode())

    assert job.run("--duplicates", "sender-text").counts == (2, 1, 1, 0, 0)


def test_a_run_fails_where_every_row_is_rejected_and_says_why_most_of_them_are(job: Job) -> None:
    job.give("a.csv", b"id,text\n1,a,b\n2,c,d\n3\n")
    job.give("b.jsonl", b'{"text": ""}\n')

    assert job.run().code == 0, "an empty message is no reject"

    job.give("b.jsonl", b"")
    result = job.run()

    assert result.code == 1
    assert result.message == (
        "3 of 3 rows were rejected, every row was rejected; the commonest reason (2 times):"
        " 3 fields where the header has 2; see rejected.jsonl"
    )
    assert len(result.rejected) == 3


@pytest.mark.parametrize(("most", "code"), [("0", 1), ("0.2", 1), ("0.25", 0), ("1", 0)])
def test_a_run_fails_where_more_rows_are_rejected_than_allowed(
    job: Job, most: str, code: int
) -> None:
    job.give("a.jsonl", json_lines([{"text": f"{n}"} for n in range(3)]) + b"[1]\n")

    result = job.run("--max-rejected", most)

    assert result.code == code
    assert ("1 of 4 rows were rejected, more than --max-rejected" in result.message) == bool(code)
    assert result.summary["rows_out"] == 3


def test_a_cleaner_of_ones_own_replaces_the_cleaning(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shouting.py").write_text(
        "def clean(texts):\n    return texts.str.to_uppercase()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    job.give("a.jsonl", json_lines([{"text": "<b>mail a@b.com</b>"}, {"text": ""}]))

    result = job.run("--cleaner", "shouting:clean")

    assert (result.texts(), result.counts) == (["<B>MAIL A@B.COM</B>"], (2, 1, 0, 1, 0))


def test_what_an_error_quotes_of_a_file_is_masked(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quoting.py").write_text("def clean(texts):\n    raise ValueError(texts[0])\n")
    monkeypatch.syspath_prepend(tmp_path)
    job.give("a.jsonl", json_lines([{"text": "write to ana@example.com"}]))

    result = job.run("--cleaner", "quoting:clean")

    assert "it cannot be read: ValueError: write to <EMAIL>" in result.message
    assert "ana@example.com" not in (result.output / "rejected.jsonl").read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "nowhere:clean",
            "--cleaner nowhere:clean: No module named 'nowhere'; write",
        ),
        ("json:clean", "has no attribute 'clean'"),
        ("json", "write module:function"),
    ],
)
def test_a_cleaner_that_is_not_there_is_named_before_anything_is_read(
    job: Job, name: str, said: str
) -> None:
    job.give("a.jsonl", json_lines([{"text": "hi"}]))

    result = job.run("--cleaner", name)

    assert result.code == 1
    assert said in result.message


def test_other_columns_are_united_over_files_by_name(job: Job) -> None:
    job.give("a.jsonl", json_lines([{"text": "a", "n": 1, "tags": ["x"]}]))
    job.give("b.jsonl", json_lines([{"text": "b", "n": 1.5, "v": 1}]))
    job.give("c.csv", b"v,text\nx,c\n")

    frame = job.run().frame

    assert frame.columns == ["message_id", "sender", "sent_at", "text", "n", "tags", "v"]
    assert frame["n"].to_list() == [1.0, 1.5, None]
    assert frame["v"].to_list() == [None, "1", "x"]
    assert frame["tags"].to_list() == ['["x"]', None, None]


def test_rejects_name_file_position_and_reason(job: Job) -> None:
    job.give("a.csv", b'id,text\n1,"two\nlines"\n2,a,b\n3,ok\n')
    job.give("b.jsonl", b'{"text": "ok"}\n\n{"text": \n')
    job.give("c.pdf", b"%PDF-1.7")

    result = job.run()

    assert [(r["file"], r["position"], r["reason"]) for r in result.rejected] == [
        ("a.csv", 4, "3 fields where the header has 2"),
        ("b.jsonl", 3, "not valid JSON: unexpected end of data at character 10"),
        ("c.pdf", None, result.summary["files"][2]["reason"]),
    ]
    assert result.code == 0
    assert result.summary["files_rejected"] == 1
    assert result.summary["files"][2]["status"] == "rejected"


def test_a_run_whose_files_are_all_rejected_fails_with_the_cause(job: Job) -> None:
    job.give("a.csv", b"v1,v2\nham,hello\n")

    result = job.run()

    assert result.code == 1
    assert result.message == (
        "no file could be used: a.csv: no text column: it has 'v1', 'v2'; "
        "name the one to use with --text-column (of a file without a header, give them with"
        " --columns)"
    )
    assert result.counts == (0, 0, 0, 0, 0)
    assert len(result.rejected) == 1


def test_a_rejected_file_without_a_header_shows_no_values_of_its_first_row(job: Job) -> None:
    first = (
        "1,bob@example.com,5551234567,4111 1111 1111 1111,请联系我13800138000谢谢大家," + "x" * 35
    )
    job.give("a.csv", f"{first} 4111 1111 1111 1111\n".encode())

    result = job.run()

    told = "it has '1', '<EMAIL>', '<PHONE>', '<CARD>', '请联系我<PHONE>谢谢大家', 'xxx"
    assert told in result.message
    for shown in (result.message, json.dumps(result.summary), json.dumps(result.rejected)):
        assert "4111" not in shown


MASKED = json_lines(
    [
        {
            "from": "ana@example.com",
            "text": "ok",
            "subject": "call 555-123-4567",
            "tel": 5551234567,
        },
        {"from": "bob@example.com", "text": "ok", "subject": "Größe?", "tel": None},
        {"from": "ana@example.com", "text": "ok", "subject": "again", "tel": 1},
        {"text": "so 612345678", "tags": ["eve@example.com"]},
    ]
)


def test_named_columns_are_masked_and_senders_told_apart_before_that(job: Job) -> None:
    job.give("a.jsonl", MASKED)

    result = job.run("--mask-columns", "sender, subject,tel,tags")

    assert result.counts == (4, 3, 1, 0, 0)
    rows = result.frame.sort("subject", nulls_last=True)
    assert rows["sender"].to_list() == ["<EMAIL>", "<EMAIL>", None]
    assert rows["subject"].to_list() == ["Größe?", "call <PHONE>", None]
    assert rows["tel"].to_list() == [None, "<PHONE>", None]
    assert rows["tags"].to_list() == [None, None, '["<EMAIL>"]']
    assert "mask_columns_missing" not in result.summary


def test_a_column_is_masked_where_each_of_its_values_is(job: Job) -> None:
    job.give("a.jsonl", json_lines([{"text": "a", "tel": "555-123-4567"}]))

    result = job.run("--mask-columns", "tel")

    assert result.frame["tel"].to_list() == ["<PHONE>"]
    assert result.frame.columns == result.summary["columns"]


def test_other_columns_stay_and_a_name_that_no_column_has_is_told(job: Job) -> None:
    job.give("a.jsonl", MASKED)

    result = job.run("--mask-columns", "subjet")

    assert result.summary["mask_columns_missing"] == ["subjet"]
    assert "ana@example.com" in result.frame["sender"]
    assert 5551234567 in result.frame["tel"]


def test_a_masked_column_among_those_packed_into_one_is_masked_there(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messages.buckets.MAX_COLUMNS", 1)
    job.give("a.jsonl", json_lines([{"text": "a", "b": "x", "mail": "bob@example.com"}]))

    result = job.run("--mask-columns", "mail")

    assert result.frame["other_columns"].to_list() == ['{"mail":"<EMAIL>"}']


def test_a_region_is_that_of_all_texts(job: Job) -> None:
    job.give("a.jsonl", MASKED)
    job.give("b.csv", b"text\nso 612345678\n")

    assert "so <PHONE>" in job.run("--region", "es").frame["text"]
    assert "so 612345678" in job.run().frame["text"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.json", b'[{"text": "a"}]', "a JSON array; write one object per line"),
        ("r.json", b'[{"prefix": "s3://b/"}, "a.csv"]', "landrun's manifest, which lists the data"),
        ("r.json", b'[{"prefix": "s3://b/"}, "a.csv"]', "InputMessageFormat=uri"),
        ("a.jsonl", b"broken\n", "no line of its beginning is a JSON object"),
        ("a.xlsx", b"PK\x03\x04rest", "a zip archive; unpack it"),
        ("a.parquet", b"PAR1 and nothing", "not readable as Parquet"),
        ("a.parquet", b"text\n", "not a Parquet file, though its name says so"),
        ("a.csv", b'text,"id\nx,1\n', "its header is unreadable"),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00broken", "damaged gzip data"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(job: Job, name, data, reason) -> None:
    job.give(name, data)

    result = job.run()

    assert result.code == 1
    assert reason in result.message
    assert "Traceback" not in result.message


def test_a_column_named_by_argument_that_is_missing_rejects_the_file(job: Job) -> None:
    job.give("a.csv", b"text,who\nhi,x\n")

    assert "no column 'whom' (--sender-column)" in job.run("--sender-column", "whom").message
    assert job.run("--sender-column", "WHO", "").frame["sender"].to_list() == ["x"]


def test_json_columns_are_found_beyond_the_first_line(job: Job) -> None:
    job.give("a.jsonl", json_lines([{"kind": "start"}, {"body": "hello"}, {"body": None}]))

    assert job.run().counts == (3, 1, 0, 2, 0)


def test_empty_files_and_headers_without_rows_are_fine(job: Job) -> None:
    job.give("a.jsonl", b"")
    job.give("b.csv", b"id,text\n")

    result = job.run()

    assert (result.code, result.counts) == (0, (0, 0, 0, 0, 0))
    assert result.frame.schema["text"] == pl.String


def test_what_a_reader_says_of_damage_is_masked(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("cannot read 'write to ana@example.com'")

    job.give("a.parquet", parquet(ROWS))
    monkeypatch.setattr(pl.LazyFrame, "collect_batches", torn)

    result = job.run()

    [file] = result.summary["files"]
    assert file["reason"] == "damaged Parquet data: cannot read 'write to <EMAIL>'"


def test_a_damaged_file_keeps_what_could_be_read(job: Job) -> None:
    packed = PACK[".gz"](json_lines([{"text": f"message {i * 7919}"} for i in range(20_000)]))
    job.give("a.jsonl.gz", packed[: len(packed) // 2])

    result = job.run()

    file = result.summary["files"][0]
    assert (result.code, file["status"], file["rejected"]) == (0, "damaged", 1)
    assert file["rows_out"] > 1000
    assert result.rejected[0]["position"] == file["rows_in"]
    assert "the rest of the file is lost" in result.rejected[0]["reason"]


@pytest.mark.parametrize(
    "arguments",
    [["--workers", "0"], ["--unknown"], ["--memory-mb", "x"], ["--region", "Germany"]],
)
def test_wrong_arguments_are_named(job: Job, arguments: list[str]) -> None:
    result = job.run(*arguments)

    assert result.code == 2
    assert result.message.startswith("wrong arguments: ")
    assert arguments[0] in result.message


def test_missing_input_empty_input_and_used_output_are_refused(job: Job) -> None:
    assert "nothing to process" in job.run().message
    job.give("a.jsonl", b'{"text": "a"}')
    (job.root / "output-2").mkdir()
    (job.root / "output-2/part-00000.parquet").touch()
    assert "holds parts of an earlier run" in job.run().message
    for path in (job.root / "input").iterdir():
        path.unlink()
    (job.root / "input").rmdir()
    assert "is not a folder" in job.run().message


def test_a_long_failure_is_cut_to_what_sagemaker_takes(job: Job) -> None:
    job.give("é" * 100 + ".csv", ("é" * 900 + "\n").encode())

    assert job.run("--text-column", "x" * 2000).code == 1
    assert len((job.root / "ml/output/message").read_bytes()) <= 1024


def many(count: int) -> list[dict[str, Any]]:
    return [
        {"id": i, "from": f"u{i % 50}", "text": f"text {i % 700} " + "é" * (i % 40), "n": i}
        for i in range(count)
    ]


def test_output_does_not_depend_on_ranges_workers_or_memory(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.give("a.jsonl", json_lines(many(5000)) + b"broken\n" + json_lines(many(10)))
    job.give("b.tsv", separated("\t", many(100)))
    job.give("c.parquet", parquet(many(3000)))
    whole = job.run()
    monkeypatch.setattr(plan, "RANGE_BYTES", 4096)
    monkeypatch.setattr(plan, "BUCKET_MIB", range(1, 2))
    monkeypatch.setattr(plan, "MIB", 16 * 1024)
    cut = job.run("--workers", "2")
    again = job.run("--workers", "1")

    assert len(cut.summary["parts"]) > 5
    assert cut.counts == whole.counts == again.counts
    assert cut.rejected == whole.rejected
    assert cut.rejected[0]["position"] == 5001
    assert cut.frame.sort("n", "text").equals(whole.frame.sort("n", "text"))
    for part in cut.summary["parts"]:
        assert (cut.output / part).read_bytes() == (again.output / part).read_bytes()


@pytest.mark.parametrize("text", ["two\nlines, {}", '5" wide {}'])
def test_a_csv_file_gives_the_same_whole_and_in_parts(
    job: Job, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    rows = [{"row": i, "text": text.format(i % 190), "more": "m"} for i in range(200)]
    job.give("a.csv", separated(",", rows) + b"not,enough\n")
    job.give("b.jsonl", json_lines(many(10)))
    whole = job.run()
    monkeypatch.setattr(plan, "RANGE_BYTES", 700)
    monkeypatch.setattr(csvquotes, "BATCH_BYTES", 100)
    cut = job.run()

    assert cut.counts == whole.counts
    assert cut.counts[2:] == (10, 0, 1)
    assert cut.rejected == whole.rejected
    assert cut.frame.equals(whole.frame)


def test_a_bucket_that_outgrows_its_share_is_spread(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.give("a.jsonl", json_lines(many(4000)))
    whole = job.run()
    monkeypatch.setattr(plan, "EXPANSION", {None: 0.01})
    monkeypatch.setattr(plan, "BUCKET_MIB", range(1, 2))
    monkeypatch.setattr(plan, "MIB", 32 * 1024)
    spread = job.run()

    assert len(spread.summary["parts"]) > 2
    assert spread.counts == whole.counts
    assert spread.frame.sort("n").equals(whole.frame.sort("n"))
    assert sorted(p.name for p in spread.output.iterdir()) == sorted(
        ["rejected.jsonl", "summary.json", *spread.summary["parts"]]
    )


def configure(job: Job, host: str, *, sharded: bool) -> None:
    config = job.root / "ml/config"
    config.mkdir(parents=True, exist_ok=True)
    hosts = {"current_host": host, "hosts": ["algo-2", "algo-1"]}
    (config / "resourceconfig.json").write_text(json.dumps(hosts))
    kind = "ShardedByS3Key" if sharded else "FullyReplicated"
    given = {"S3Input": {"LocalPath": "/opt/ml/x/input", "S3DataDistributionType": kind}}
    (config / "processingjobconfig.json").write_text(json.dumps({"ProcessingInputs": [given]}))


def test_hosts_that_all_have_all_files_share_them(job: Job) -> None:
    job.give("a.jsonl", b'{"text": "a"}')
    job.give("b.jsonl", b'{"text": "b"}')
    outputs = []
    for host in ("algo-1", "algo-2"):
        configure(job, host, sharded=False)
        output = job.run().output
        outputs += [p.name for p in output.iterdir()]
        summary = json.loads((output / f"summary-{host}.json").read_text())
        own = {"algo-1": "a.jsonl", "algo-2": "b.jsonl"}[host]
        assert [f["name"] for f in summary["files"]] == [own]

    assert sorted(outputs)[:2] == ["part-algo-1-00000.parquet", "part-algo-2-00000.parquet"]


def test_hosts_with_files_of_their_own_take_all_they_have(job: Job) -> None:
    job.give("b.jsonl", b'{"text": "b"}')
    configure(job, "algo-2", sharded=True)

    summary = json.loads((job.run().output / "summary-algo-2.json").read_text())

    assert summary["rows_out"] == 1


def sample_counts() -> dict[str, tuple[int, ...]]:
    table = (ROOT / "samples/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+\.\S+) \|" + r" (\d+) \|" * len(COUNTS), table, re.MULTILINE)
    return {name: tuple(map(int, counts)) for name, *counts in rows}


def test_the_readme_of_the_samples_lists_each_of_them() -> None:
    names = {path.name for path in (ROOT / "samples").iterdir()}

    assert names == {*sample_counts(), "README.md", "notebook.ipynb"}


@pytest.mark.parametrize("name", sample_counts())
def test_a_sample_gives_the_counts_its_readme_says(job: Job, name: str) -> None:
    job.give(name, (ROOT / "samples" / name).read_bytes())

    result = job.run()

    assert (result.code, result.counts) == (0, sample_counts()[name])
    text = " ".join(result.texts())
    assert not re.search(r"@example|4111 1111|3782 8|https?:|555\) 010|030 1234", text)


@pytest.mark.skipif(not SMS.is_dir(), reason="real messages (shared/data/sms) are not here")
@pytest.mark.parametrize(
    ("name", "arguments", "rows", "out"),
    [
        ("SMSSpamCollection.tsv", [], 5574, 5100),
        ("spam_latin1.csv", ["--text-column", "v2", "--encoding", "cp1252"], 5572, 5100),
    ],
)
def test_real_messages_add_up(job: Job, name, arguments, rows, out) -> None:
    job.give(name, (SMS / name).read_bytes())

    result = job.run(*arguments)

    assert result.counts[0] == rows
    assert result.summary["rejected"] == result.summary["empty"] == 0
    assert out < result.summary["rows_out"] < out + 100
    assert not any("&lt;" in text or "&amp;" in text for text in result.texts())


def command(root: Path, *arguments: str) -> list[str]:
    folders = ["--input", str(root / "input"), "--output", str(root / "output")]
    return [sys.executable, str(SCRIPT), *folders, *arguments]


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "LANDRUN_OPT_ML": str(root / "ml"), "PYTHONPATH": str(root)}


def as_sagemaker_runs_it(job: Job, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a process of its own; modules in the job's root can be imported."""
    return subprocess.run(
        command(job.root, *arguments),
        env=environment(job.root),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_entry_point_runs_as_sagemaker_runs_it(job: Job) -> None:
    job.give("a.jsonl", json_lines(ROWS))
    (job.root / "ml/processing").mkdir(parents=True)

    run = as_sagemaker_runs_it(job, "", "--workers", "2")

    assert (run.returncode, run.stderr) == (0, "")
    assert "done: rows_in 4, rows_out 2" in run.stdout
    assert list((job.root / "ml/processing").iterdir()) == []


def test_two_workers_leave_what_one_leaves(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    job.give("a.jsonl", json_lines(many(900)) + b"broken\n")
    job.give("b.tsv", separated("\t", many(100)))
    one = job.run()
    monkeypatch.setattr("preprocess.Workers", guard.Workers)
    monkeypatch.setattr(guard, "SMALL_BYTES", 0)
    monkeypatch.setattr(plan, "RANGE_BYTES", 8192)

    two = job.run("--workers", "2")

    assert two.counts == one.counts
    assert two.rejected == one.rejected
    assert two.frame.sort("n", "text").equals(one.frame.sort("n", "text"))


def test_bad_input_ends_the_entry_point_without_a_traceback(job: Job) -> None:
    run = as_sagemaker_runs_it(job)

    assert run.returncode == 1
    assert "Traceback" not in run.stdout + run.stderr
    assert "nothing to process" in (job.root / "ml/output/message").read_text()


def test_stopping_the_job_leaves_no_worker_and_no_scratch(job: Job) -> None:
    job.give("a.jsonl", json_lines(many(10)))
    (job.root / "ml/processing").mkdir(parents=True)
    (job.root / "waiting.py").write_text(
        "import time\n\ndef clean(texts):\n    print('cleaning', flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen(
        command(job.root, "--cleaner", "waiting:clean"),
        env=environment(job.root),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        assert any(line == "cleaning\n" for line in run.stdout)
        run.send_signal(signal.SIGTERM)
        code = run.wait(timeout=60)
    deadline = time.monotonic() + 60
    while _group_lives(run.pid) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert code == 143
    assert not _group_lives(run.pid)
    assert list((job.root / "ml/processing").iterdir()) == []


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_file_that_kills_its_worker_is_rejected_by_name_and_the_others_are_processed(
    job: Job,
) -> None:
    job.give("killer.jsonl", json_lines([{"text": "first"}, {"text": "kill"}]))
    job.give("other.jsonl", json_lines(many(10)))
    (job.root / "killing.py").write_text(
        "import os\n\ndef clean(texts):\n    return texts if 'kill' not in texts else os.abort()\n"
    )

    run = as_sagemaker_runs_it(job, "--cleaner", "killing:clean")

    result = Result(run.returncode, job.root / "output", "")
    adds_up(result)
    assert result.code == 0, run.stdout
    assert result.counts == (10, 10, 0, 0, 0)
    assert [(file["name"], file["status"]) for file in result.summary["files"]] == [
        ("killer.jsonl", "rejected"),
        ("other.jsonl", "read"),
    ]
    assert result.rejected[0]["reason"] == "reading it took more memory than a worker may have"


def test_a_worker_that_something_else_kills_is_told_as_want_of_memory(job: Job) -> None:
    job.give("a.jsonl", json_lines([{"text": "hi"}]))
    (job.root / "killing.py").write_text(
        "import os\n\ndef clean(texts):\n    os.kill(os.getpid(), 9)\n"
    )

    run = as_sagemaker_runs_it(job, "--cleaner", "killing:clean")

    assert run.returncode == 1
    said = (job.root / "ml/output/message").read_text()
    assert said.startswith("a worker was killed that read a.jsonl, most likely for want of memory")
