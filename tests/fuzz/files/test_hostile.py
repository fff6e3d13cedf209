"""Files that mean harm end as rejects, and a good file beside them is processed all the same.

Here in small; ``python -m fuzz.files`` has them in full size under a limit of memory.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from default_job import Job
from messages import parquet, streams, summary, work

from .hostile_parquet import PARQUET
from .hostile_texts import GOOD, MIB, TEXTS, Case


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(parquet, "UNPACKED_BYTES", 1024 * 1024)
    return Job(tmp_path / "ml")


@pytest.mark.parametrize("case", [*TEXTS, *PARQUET], ids=lambda case: case.title)
def test_a_hostile_file_harms_no_other(case: Case, job: Job) -> None:
    job.give(case.name, b"".join(case.pieces(case.quick))).give("zz-good.jsonl", b'{"text": "t1"}')

    result = job.run("--memory-mb", "1024")

    assert result.code == 0
    assert result.file("zz-good.jsonl")["rows_in"] == 1
    assert case.ended_so(result.file(case.name), quick=True), result.file(case.name)


def test_names_of_files_cannot_forge_lines_of_the_log_or_the_message(job: Job) -> None:
    result = job.give("a\nERROR forged\x1b[2J\u202etxt.csv", b"v1,v2\n1,2\n").run()

    assert result.code == 1
    assert r"a\nERROR forged\x1b[2J\u202etxt.csv" in result.message


def test_a_name_that_is_no_text_is_no_failure(job: Job) -> None:
    try:
        job.give("a\udcff.jsonl", GOOD)
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes only names that are text")

    assert job.run().file(r"a\udcff.jsonl")["rows_out"] == 1


def test_excerpts_cannot_steer_a_terminal(job: Job) -> None:
    result = job.give("a.jsonl", GOOD + "\x1b]0;x\x07 \x9b31m \u202e evil".encode()).run()

    assert result.rejected[0]["excerpt"] == r"\x1b]0;x\x07 \x9b31m \u202e evil"


def test_a_line_may_be_wrong_in_two_ways(job: Job) -> None:
    """A quote that stays open, and bytes that are no UTF-8: found by fuzzing."""
    data = b'text,n\n\xc3\xa9\xc3\xa8\xc3\xa9\xc3\xa8,1\n"x\x9d,1\ngood2,2\n'
    result = job.give("a.csv", data).run()

    assert result.rejected[0]["reason"] == "a quote opens here and never closes"
    assert result.file("a.csv")["rows_out"] == 2


def test_rejects_beyond_number_are_counted(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_LISTED", 10)

    result = job.give("a.jsonl", GOOD + b"x\n" * 100).run()

    assert (result.file("a.jsonl")["rejected"], len(result.rejected)) == (100, 11)
    assert result.rejected[-1]["reason"].startswith("90 more are rejected")


def test_a_summary_of_many_files_and_columns_stays_small(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MAX_FILES", 10)
    for number in range(11):
        job.give(f"{number:04}.jsonl", b'{"text":"t%d"}' % number)
    names = b",".join(b"n" * 400 + b"%d" % i for i in range(450))

    told = job.give("a.csv", b"text," + names + b"\nt" + b",1" * 450).run().summary

    assert (len(told["files"]), told["files_omitted"]) == (10, 2)
    assert (len(told["columns"]), told["columns_omitted"]) == (100, 354)


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bz2"])
def test_a_bomb_is_given_up_and_said_to_be_damaged(
    compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BOMB_BYTES", 100_000)
    monkeypatch.setattr(streams, "BOMB_RATIO", 50)
    case = next(case for case in TEXTS if f"GB of NULs in {compression}" in case.title)
    (tmp_path / case.name).write_bytes(b"".join(case.pieces(1)))
    blocks = streams.Blocks(tmp_path / case.name, compression)

    assert sum(map(len, blocks)) < 33_000_000
    assert blocks.damage == f"damaged {compression} data: it unpacks to more than 50 times its size"


def test_parquet_that_unpacks_beyond_measure_is_given_up(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BOMB_BYTES", MIB)
    monkeypatch.setattr(parquet, "BOMB_RATIO", 5)
    case = next(case for case in PARQUET if "texts of 1 MB" in case.title)

    file = job.give("a.parquet", b"".join(case.pieces(30))).run().file("a.parquet")

    assert file["status"] == "damaged"
    assert file["reason"] == "damaged Parquet data: it unpacks to more than 5 times its size"
