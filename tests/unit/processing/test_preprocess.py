"""The script as a whole: files in, parts, rejects and a summary out."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from default_job import COUNTS, PACK, Here, json_lines, parquet

ROOT = Path(__file__).resolve().parents[3]
ALL, LESS = ["sender", "sent_at", "text"], ["sender", "text"]


@pytest.mark.parametrize(
    ("header", "first", "second", "duplicates", "agree_in"),
    [
        ("id,from,time,text", "1,ana,9:00,ok", "2,ana,9:00,ok", 1, ALL),
        ("id,from,time,text", "1,ana,9:00,ok", "1,ana,9:05,ok", 0, ALL),
        ("id,from,time,text", "1,,,ok", "2,,,ok", 1, ALL),
        ("id,from,text", "1,ana,ok", "2,ana,ok", 1, LESS),
        ("id,time,text", "1,9:00,ok", "1,9:05,ok", 0, ["sent_at", "text"]),
        ("id,text", "1,ok", "2,ok", 0, ["message_id", "text"]),
        ("shop,text", "north,ok", "south,ok", 1, ["text"]),
        ("id,from,time,text", "1,ana,9:00,ok", "1,ana,9:05,ok", "sender-text", LESS),
    ],
)
def test_a_duplicate_agrees_in_what_the_file_has_and_the_summary_says_in_what(
    job, header, first, second, duplicates, agree_in
):
    arguments = ("--duplicates", duplicates) if isinstance(duplicates, str) else ()
    found = 1 if arguments else duplicates

    result = job.give("a.csv", f"{header}\n{first}\n{second}\n".encode()).run(*arguments)

    assert result.counts == (2, 2 - found, found, 0, 0)
    assert result.file("a.csv")["duplicates_by"] == agree_in


def test_the_first_of_equal_messages_is_kept_and_other_columns_are_united_by_name(job):
    job.give("b.jsonl", json_lines({"text": "<b>a</b>"}, {"text": "b", "n": 1.5, "v": 1}))
    job.give("a.jsonl", json_lines({"text": "a", "n": 1, "tags": ["x"], "ok": True}))
    result = job.give("c.csv", b"v,text\nx,c\n,a\n").run()

    assert result.frame.columns == result.summary["columns"]
    assert result.frame.select("text", "n", "tags", "ok", "v").rows() == [
        ("a", 1.0, '["x"]', True, None),
        ("b", 1.5, None, None, "1"),
        ("c", None, None, None, "x"),
    ]


def test_named_columns_are_masked_and_senders_distinguished_before_that(job):
    ana, bob = {"from": "ana@example.com"}, {"from": "bob@example.com"}
    rows = (
        {**ana, "text": "ok", "tel": 5551234567},
        {**bob, "text": "ok"},
        {**ana, "text": "ok", "tel": 1},
        {"text": "so 612345678", "tags": ["eve@example.com"]},
    )
    job.give("a.jsonl", json_lines(*rows))
    masked = job.run("--mask-columns", "sender, tel,tags", "--region", "es")
    other = job.run("--mask-columns", "subjet")

    assert masked.frame.select("text", "sender", "tel", "tags").rows() == [
        ("ok", "<EMAIL>", "<PHONE>", None),
        ("ok", "<EMAIL>", None, None),
        ("so <PHONE>", None, None, '["<EMAIL>"]'),
    ]
    assert "mask_columns_missing" not in masked.summary
    assert other.summary["mask_columns_missing"] == ["subjet"]
    assert ("ana@example.com", 5551234567) in other.frame.select("sender", "tel").rows()
    assert "so 612345678" in other.texts


FEW = b"id,text\n1,a,b\n2,c,d\n3\n"
ONE_OF_FOUR = b'{"text": "1"}\n{"text": "2"}\n{"text": "3"}\n[1]\n'
ALL_REJECTED = "every row was rejected; the commonest reason (2 times): 3 fields where the header"
TOO_MANY = "1 of 4 rows were rejected, more than --max-rejected"


@pytest.mark.parametrize(
    ("data", "arguments", "code", "message"),
    [
        (FEW, [], 1, ALL_REJECTED),
        (b"id,text\n1,\n", [], 0, ""),  # an empty message is no reject
        (ONE_OF_FOUR, ["--max-rejected", "0.2"], 1, TOO_MANY),
        (ONE_OF_FOUR, ["--max-rejected", "0.25"], 0, ""),
        (FEW, ["--sender-column", "whom"], 1, "no column 'whom' (--sender-column): it has 'id'"),
        (FEW, ["--workers", "0"], 2, "wrong arguments: argument --workers"),
        (FEW, ["--region", "Germany"], 2, "wrong arguments: argument --region"),
        (FEW, ["--cleaner", "json:clean"], 1, "--cleaner json:clean: module 'json' has no attri"),
    ],
)
def test_a_run_ends_with_a_code_and_the_reason(job, data, arguments, code, message):
    result = job.give("a.jsonl" if data == ONE_OF_FOUR else "a.csv", data).run(*arguments)

    assert result.code == code
    assert message in result.message


def test_columns_beyond_the_most_are_packed_into_one_and_masked_there(job, monkeypatch):
    for module in ("batch", "buckets"):
        monkeypatch.setattr(f"messages.{module}.MAX_COLUMNS", 1)
    own = {"text": "b", "b": "y", "n": 1, "other_columns": "own"}
    job.give("a.jsonl", json_lines({"text": "a", "b": "x", "mail": "bob@example.com"}, own))
    job.give("b.jsonl", json_lines({"text": "c", "x": 1, "y": 2}))

    packed = job.run("--mask-columns", "mail").frame["other_columns"].to_list()

    own = '{"n":1,"other_columns":"own"}'
    assert packed == ['{"mail":"<EMAIL>"}', own, '{"y":2,"x":1}']


def test_rejects_name_file_position_and_reason(job):
    job.give("a.csv", b'id,text\n1,"two\nlines"\n2,a,b\n3,ok\n')
    job.give("b.jsonl", b'{"text": "ok"}\n\n{"text": \n').give("c.pdf", b"%PDF-1.7")

    result = job.run()

    assert [(r["file"], r["position"], r["reason"]) for r in result.rejected] == [
        ("a.csv", 4, "3 fields where the header has 2"),
        ("b.jsonl", 3, "not valid JSON: unexpected end of data at character 10"),
        ("c.pdf", None, result.file("c.pdf")["reason"]),
    ]
    assert (result.code, result.summary["files_rejected"]) == (0, 1)


def test_what_is_said_of_a_file_shows_no_values_of_it(job, monkeypatch):
    first = f"1,bob@example.com,5551234567,请联系我13800138000谢谢,{'x' * 35} 4111 1111 1111 1111"
    unnamed = job.give("a.csv", first.encode()).run()
    shown = "it has '1', '<EMAIL>', '<PHONE>', '请联系我<PHONE>谢谢', 'xxx"
    assert unnamed.message.startswith(f"no file could be used: a.csv: no text column: {shown}")
    assert "4111" not in unnamed.message + json.dumps([unnamed.summary, unnamed.rejected])

    def torn(*_, **__):
        raise pl.exceptions.ComputeError("cannot read 'write to ana@example.com'")

    monkeypatch.setattr(pl.LazyFrame, "collect_batches", torn)
    damaged = job.give("a.parquet", parquet({"text": ["a"]})).run().file("a.parquet")
    assert damaged["reason"] == "damaged Parquet data: cannot read 'write to <EMAIL>'"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_damaged_file_keeps_what_could_be_read(job, suffix):
    packed = PACK[suffix](json_lines(*[{"text": f"message {i * 7919}"} for i in range(9000)]))

    result = job.give("a.jsonl", PACK[suffix](b'{"text": "a"}\n') + packed[:-2000]).run()

    file = result.file("a.jsonl")
    assert (result.code, file["status"], file["rejected"]) == (0, "damaged", 1)
    assert file["rows_out"] > 1000
    assert result.rejected[0]["position"] == file["rows_in"]
    assert "the rest of the file is lost" in result.rejected[0]["reason"]


def test_missing_input_empty_input_and_used_output_are_refused(job):
    assert "nothing to process" in job.run().message
    job.give("a.jsonl", b'{"text": "a"}')
    (job.root / "output-2").mkdir()
    (job.root / "output-2/part-00000.parquet").touch()
    assert "holds parts of an earlier run" in job.run().message
    (job.input / "a.jsonl").unlink()
    job.input.rmdir()
    assert "is not a folder" in job.run().message


def many(count):
    return [
        {"n": i, "from": f"u{i % 50}", "text": f"text {i % 1000}\n" + "é, " * (i % 20)}
        for i in range(count)
    ]


class Backwards(Here):
    """Workers of which the last call is done first."""

    def run(self, calls):
        return reversed(list(super().run(calls)))


CONSTANTS = {
    "plan.RANGE_BYTES": 8192,
    "guard.SMALL_BYTES": 0,
    "csvrows.BATCH_BYTES": 1000,
    "plan.BUCKET_MIB": range(1, 2),
    "plan.MIB": 16 * 1024,
    "plan.EXPANSION": {None: 0.01},
    "plan.PARQUET_EXPANSION": 0.01,
}
"""With these, files are read in stretches, and buckets outgrow their share of memory."""


def test_output_does_not_depend_on_stretches_workers_or_memory(job, monkeypatch):
    job.give("a.jsonl", json_lines(*many(800)) + b"broken\n" + json_lines(*many(10)))
    job.give("b.tsv", pl.DataFrame(many(100)).write_csv(separator="\t").encode())
    job.give("c.parquet", parquet(many(900)))
    job.give("d.csv", pl.DataFrame(many(1500)).write_csv().encode() + b'1,2\n1,"2 wide,3\n')
    whole = job.run()
    for name, value in CONSTANTS.items():
        monkeypatch.setattr(f"messages.{name}", value)
    cut = job.run("--workers", "2", workers=Backwards)

    assert len(cut.parts) > 2
    assert cut.counts == whole.counts
    assert cut.counts[1:] == (1000, 2310, 0, 3)
    assert cut.rejected == whole.rejected
    assert cut.rejected[0]["position"] == 801
    assert cut.frame.sort("n").equals(whole.frame.sort("n"))
    left = ["rejected.jsonl", "summary.json", *cut.summary["parts"]]
    assert sorted(path.name for path in cut.output.iterdir()) == sorted(left)


def sample_counts():
    table = (ROOT / "samples/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+\.\S+) \|" + r" (\d+) \|" * len(COUNTS), table, re.MULTILINE)
    return {name: tuple(map(int, counts)) for name, *counts in rows}


OTHERS = {"README.md", "notebook.ipynb"}
SAMPLES = sorted({path.name for path in (ROOT / "samples").iterdir()} - OTHERS)
PACKED = [(name, suffix) for name in ("orders.jsonl", "returns.parquet") for suffix in PACK]


@pytest.mark.parametrize(("name", "suffix"), [*((name, "") for name in SAMPLES), *PACKED])
def test_a_sample_gives_the_counts_its_readme_says_however_it_is_packed(job, name, suffix):
    data = PACK[suffix]((ROOT / "samples" / name).read_bytes())
    result = job.give(f"{name}{suffix}", data).run()

    assert (result.code, result.counts) == (0, sample_counts()[name])
    assert result.frame.columns[:4] == ["message_id", "sender", "sent_at", "text"]
    shown = r"@example|4111 1111|3782 8|https?:|555\) 010|030 1234"
    assert not re.search(shown, " ".join(result.texts))
