"""Files that mean harm end as rejects, and a good file beside them is processed all the same.

Here in small; ``python -m fuzz.files`` has them in full size and a bounded memory.
"""

from __future__ import annotations

import bz2
import gzip

import pytest
import zstandard

from default_job import Job
from messages import parquet, streams, summary, work

from .hostile_parquet import PARQUET, written
from .hostile_texts import GOOD, MIB, TEXTS


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "UNPACKED_BYTES", MIB)
    return Job(tmp_path / "ml")


@pytest.mark.parametrize("case", [*TEXTS, *PARQUET], ids=lambda case: case.title)
def test_a_hostile_file_harms_no_other(case, job):
    job.give(case.name, b"".join(case.pieces(case.quick))).give("zz-good.jsonl", b'{"text": "t1"}')

    result = job.run("--memory-mb", "1024")

    assert result.code == 0
    assert result.file("zz-good.jsonl")["rows_in"] == 1
    assert case.ended_so(result.file(case.name), quick=True), result.file(case.name)


REPEATED = GOOD * 50_000
BOMBS = {
    "gzip": ("b.jsonl.gz", gzip.compress(REPEATED)),
    "zstd": ("b.jsonl.zst", zstandard.compress(REPEATED) * 2),
    "bz2": ("b.jsonl.bz2", bz2.compress(REPEATED)),
    "Parquet": ("b.parquet", written({"text": ["x" * MIB] * 30})),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_given_up_and_said_to_be_damaged(kind, job, monkeypatch):
    for module in (streams, parquet):
        monkeypatch.setattr(module, "BOMB_BYTES", 100_000)
        monkeypatch.setattr(module, "BOMB_RATIO", 5)
    name, data = BOMBS[kind]

    file = job.give(name, data).run().file(name)

    reason = f"damaged {kind} data: it unpacks to more than 5 times its size"
    assert (file["status"], file["reason"]) == ("damaged", reason)


def test_names_and_excerpts_cannot_forge_lines_of_the_log_or_steer_a_terminal(job):
    job.give("a\nERROR forged\x1b[2J\u202etxt.csv", b"v1,v2\n1,2\n")
    failed = job.run()
    read = job.give("a.jsonl", GOOD + "\x1b]0;x\x07 \x9b31m \u202e evil".encode()).run()

    assert failed.code == 1
    assert r"a\nERROR forged\x1b[2J\u202etxt.csv" in failed.message
    assert read.rejected[1]["excerpt"] == r"\x1b]0;x\x07 \x9b31m \u202e evil"


def test_a_name_that_is_no_text_is_no_failure(job):
    try:
        job.give("a\udcff.jsonl", GOOD)
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes only names that are text")

    assert job.run().file(r"a\udcff.jsonl")["rows_out"] == 1


def test_what_is_beyond_number_is_counted(job, monkeypatch):
    monkeypatch.setattr(work, "MAX_LISTED", 10)
    monkeypatch.setattr(summary, "MAX_FILES", 10)
    for number in range(11):
        job.give(f"{number:04}.jsonl", b'{"text":"t%d"}' % number)
    names = b",".join(b"n" * 400 + b"%d" % i for i in range(450))
    job.give("a.csv", b"text," + names + b"\nt" + b",1" * 450 + b"\nx" * 100)

    result = job.run()

    assert (result.summary["rejected"], len(result.rejected)) == (100, 11)
    assert result.rejected[-1]["reason"].startswith("90 more are rejected")
    assert (len(result.summary["files"]), result.summary["files_omitted"]) == (10, 2)
    assert (len(result.summary["columns"]), result.summary["columns_omitted"]) == (100, 354)
