"""Spark's result is the one-machine engine's, row for row."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cluster import job
from messages.options import Reading, Rules

from .generated import parquet, write_all
from .runs import Runs

ROOT = Path(__file__).resolve().parents[2]
SMS = ROOT.parent / "shared/data/sms"
RANGE = 32 * 1024 * 1024


def lines(rows: Iterable[dict[str, Any]]) -> str:
    return "\n".join(map(json.dumps, rows))


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Into which groups of tasks the driver cuts the work."""
    seen: list[tuple[int, int]] = []
    cut = job._groups

    def watched(work: list, most: int) -> list[tuple[int, int]]:
        seen.extend(cut(work, most))
        return seen

    monkeypatch.setattr(job, "_groups", watched)
    return seen


def test_samples_come_out_as_on_one_machine(runs: Runs) -> None:
    shutil.copytree(ROOT / "samples", runs.files, dirs_exist_ok=True)
    result = runs.equal()

    assert result.summary["rows_out"] > 100
    assert all(result.summary[name] for name in ("duplicates", "rejected", "empty"))


def test_named_columns_are_masked_as_on_one_machine(runs: Runs) -> None:
    ana = {"from": "ana@example.com", "tel": 5551234567, "text": "ok"}
    runs.give(a=lines([ana, {"from": "bob@example.com", "tel": None, "text": "ok"}]))

    result = runs.equal(rules=Rules(mask_columns=("sender", "tel", "subject")))

    assert result.frame["sender"].to_list() == ["<EMAIL>", "<EMAIL>"]
    assert set(result.frame["tel"]) == {"<PHONE>", None}
    assert result.summary["mask_columns_missing"] == ["subject"]


@pytest.mark.skipif(not SMS.is_dir(), reason="real messages are not part of the repository")
def test_real_messages_come_out_as_on_one_machine(runs: Runs) -> None:
    shutil.copytree(SMS, runs.files, dirs_exist_ok=True)
    result = runs.equal(Reading({"text": "SMS,v2"}, encoding="cp1252"))

    assert result.summary["rows_in"] == 5574 + 5572
    assert result.summary["rows_out"] > 5000
    assert result.summary["files_rejected"] == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_generated_files_of_every_kind_come_out_as_on_one_machine(runs: Runs, seed: int) -> None:
    write_all(runs.files, seed)
    result = runs.equal()

    status = {file["name"]: file["status"] for file in result.summary["files"]}
    assert status["cut.jsonl.gz"] == "damaged"
    assert status["array.json"] == status["x.pdf"] == status["none.csv"] == "rejected"
    assert status["q.parquet.gz"] == status["p.parquet"] == status["f.csv"] == "read"
    assert status["a spaced näme+%41.jsonl"] == "read"


def test_a_large_plain_file_is_read_by_several_tasks(runs: Runs, groups: list) -> None:
    chance, count = random.Random(5), 0
    with (runs.files / "large.jsonl").open("wb") as file:
        while file.tell() < 2.2 * RANGE:
            text = f"{chance.randrange(20_000)} " + "längere Nachricht " * chance.randrange(100)
            row = {"id": count, "sender": chance.choice("abc"), "text": text}
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            file.write(b"{broken\n" * (count % 1000 == 0))
            count += 1

    result = runs.equal()

    assert result.summary["duplicates"] > 300
    assert result.summary["rejected"] > 10
    assert groups == [(0, 1), (1, 2), (2, 3)], "three tasks, each in a partition of its own"


def test_large_parquet_is_read_by_its_row_groups(runs: Runs, groups: list) -> None:
    chance = random.Random(6)
    same = {"sender": "a", "time": "2026-01-01T00:00:00"}
    texts = (chance.randbytes(150).hex() for _ in range(250_000))
    rows = [{"id": str(n), **same, "text": text} for n, text in enumerate(texts)]
    assert len(parquet(rows, runs.files / "large.parquet", 20_000)) > RANGE

    result = runs.equal()

    assert result.summary["rows_out"] == len(rows)
    assert len(groups) == 2


def test_the_first_of_equal_messages_is_kept_whichever_file_it_is_in(runs: Runs) -> None:
    for name in "bac":
        found = ({"id": f"{name}{i}", "sender": None, "text": f"text {i % 3}"} for i in range(6))
        runs.give(**{name: lines(found)})

    assert sorted(runs.equal().frame["message_id"]) == ["a0", "a1", "a2"]


def test_columns_beyond_the_most_go_where_they_go_on_one_machine(runs: Runs) -> None:
    for name in "ab":
        found = ({"text": f"{name}{i}", f"{name}{i}": i, "other_columns": i} for i in range(400))
        runs.give(**{name: lines(found)})

    assert "other_columns" in runs.equal().frame.columns


def test_a_run_that_keeps_nothing_leaves_a_part_without_rows(runs: Runs) -> None:
    result = runs.give(a='{"text": ""}\n{"text": " "}\n').equal()

    assert (len(result.parts), result.frame.height) == (1, 0)
