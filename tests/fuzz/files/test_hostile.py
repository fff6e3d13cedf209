"""Files that mean harm end as rejects, and a good file beside them is processed all the same.

Here in small; ``python -m fuzz.files`` has them in full size under a limit of memory.
"""

from __future__ import annotations

import io
import logging
import time
from pathlib import Path

import polars as pl
import pytest

from messages import parquet, staging, streams, summary, work
from messages.host import memory_mb
from messages.numbers import find_numbers

from .case import Case
from .hostile_parquet import PARQUET
from .hostile_texts import TEXTS
from .job import run

GOOD = b'{"text": "the good one"}\n'


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a gigabyte in earnest takes some megabytes here."""
    monkeypatch.setattr(parquet, "UNPACKED_BYTES", 1024 * 1024)


@pytest.mark.parametrize("case", [*TEXTS, *PARQUET], ids=lambda case: case.title)
def test_a_hostile_file_harms_no_other(case: Case, tmp_path: Path) -> None:
    case.write(tmp_path / case.name, case.quick)
    (tmp_path / "zz-good.jsonl").write_bytes(GOOD)

    ended = run(tmp_path)

    outcome = case.small or case.outcome
    hostile = ended.file(case.name)
    assert ended.file("zz-good.jsonl")["rows_in"] == 1
    assert hostile["status"] == outcome.status, hostile
    assert bool(hostile["rejected"]) == outcome.rejected, hostile


def test_names_of_files_cannot_forge_lines_of_the_log_or_the_message() -> None:
    name = "a\nERROR forged\x1b[2J\u202etxt.csv"

    ended = run({name: b"v1,v2\n1,2\n"})

    assert ended.code == 1
    assert r"a\nERROR forged\x1b[2J\u202etxt.csv" in ended.message


def test_a_name_that_is_no_text_is_no_failure(tmp_path: Path) -> None:
    try:
        (tmp_path / "a\udcff.jsonl").write_bytes(GOOD)
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes only names that are text")

    assert run(tmp_path).file(r"a\udcff.jsonl")["rows_out"] == 1


def test_excerpts_cannot_steer_a_terminal() -> None:
    ended = run({"a.jsonl": GOOD + "\x1b]0;x\x07 \x9b31m \u202e evil".encode()})

    assert ended.rejected[0]["excerpt"] == r"\x1b]0;x\x07 \x9b31m \u202e evil"


def test_a_line_may_be_wrong_in_two_ways() -> None:
    """A quote that stays open, and bytes that are no UTF-8: found by fuzzing."""
    ended = run({"a.csv": b'text,n\n\xc3\xa9\xc3\xa8\xc3\xa9\xc3\xa8,1\n"x\x9d,1\ngood2,2\n'})

    assert ended.rejected[0]["reason"] == "a quote opens here and never closes"
    assert ended.file("a.csv")["rows_out"] == 2


def test_rejects_beyond_number_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_LISTED", 10)

    ended = run({"a.jsonl": GOOD + b"x\n" * 100})

    assert ended.file("a.jsonl")["rejected"] == 100
    assert len(ended.rejected) == 11
    assert ended.rejected[-1]["reason"].startswith("90 more are rejected")


def test_a_summary_of_many_files_and_columns_stays_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(summary, "MAX_FILES", 10)
    many = {f"{i:04}.jsonl": b'{"text":"t%d"}' % i for i in range(11)}
    names = b",".join(b"n" * 400 + b"%d" % i for i in range(450))

    ended = run({**many, "a.csv": b"text," + names + b"\nt" + b",1" * 450})

    assert ended.summary is not None
    assert (len(ended.summary["files"]), ended.summary["files_omitted"]) == (10, 2)
    assert (len(ended.summary["columns"]), ended.summary["columns_omitted"]) == (100, 354)


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bz2"])
def test_a_bomb_is_given_up_and_said_to_be_damaged(
    compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BOMB_BYTES", 100_000)
    monkeypatch.setattr(streams, "BOMB_RATIO", 50)
    name = {"gzip": "10 GB of NULs in gzip", "zstd": "100 GB of NULs in zstd"}.get(
        compression, "100 GB of NULs in bz2"
    )
    case = next(case for case in TEXTS if case.title == name)
    case.write(tmp_path / case.name, 1)
    blocks = streams.Blocks(tmp_path / case.name, compression)

    assert sum(map(len, blocks)) < 33_000_000
    assert blocks.damage == f"damaged {compression} data: it unpacks to more than 50 times its size"


def test_masking_long_texts_takes_linear_time() -> None:
    """Once a text of 4 MB took minutes: each number was added to a string ever longer."""
    began = time.process_time()
    find_numbers("1 " * 500_000)

    assert time.process_time() - began < 15


def test_staged_rows_do_not_keep_what_they_were_a_part_of(tmp_path: Path) -> None:
    """A single row kept of a batch holds all of the batch's text."""
    row = pl.DataFrame(
        {staging.ORDER: [0], "sender": ["a"], staging.DISTINCTION: ["9:00"], "text": ["t"]}
    )
    held = staging.Staging(tmp_path, 1)
    for _ in range(staging.FLUSH_FRAMES):
        held.add(row)

    assert held.weights[0].rows == staging.FLUSH_FRAMES


def test_looking_for_a_line_ends_with_the_range() -> None:
    """Else each range of a file that is one line would read the rest of it."""
    file = io.BytesIO(b"x" * (5 * streams.BLOCK))

    assert streams.line_start(file, 10, 20) >= 20
    assert file.tell() <= 10 + streams.BLOCK


def test_far_times_become_missing_and_near_ones_stay(tmp_path: Path) -> None:
    case = next(case for case in PARQUET if case.title == "the farthest dates there are")
    case.write(tmp_path / "a.parquet", 0)
    log = logging.getLogger("preprocess")
    log.setLevel(logging.INFO)

    ended = run(tmp_path)

    assert ended.file("a.parquet")["rows_out"] == 3


def test_the_limit_of_memory_is_that_of_the_own_group(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("104857600\n")
    monkeypatch.setattr("messages.host._own_limits", lambda: [limit])

    assert memory_mb() == 100
