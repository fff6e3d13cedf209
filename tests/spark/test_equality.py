"""Spark's result is the one-machine engine's, row for row."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest

from messages.options import Reading, Rules

from .generated import parquet, write_all
from .runs import Runs

ROOT = Path(__file__).resolve().parents[2]
SMS = ROOT.parent / "shared/data/sms"
RANGE = 32 * 1024 * 1024


def test_samples_come_out_as_on_one_machine(runs: Runs) -> None:
    result = runs.equal(ROOT / "samples")

    assert result.summary["rows_out"] > 100
    assert all(result.summary[name] for name in ("duplicates", "rejected", "empty"))


def test_named_columns_are_masked_as_on_one_machine(runs: Runs, tmp_path: Path) -> None:
    rows = [
        {"from": "ana@example.com", "tel": 5551234567, "text": "ok"},
        {"from": "bob@example.com", "tel": None, "text": "ok"},
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))

    result = runs.equal(tmp_path / "in", rules=Rules(mask_columns=("sender", "tel", "subject")))

    assert result.frame["sender"].to_list() == ["<EMAIL>", "<EMAIL>"]
    assert set(result.frame["tel"]) == {"<PHONE>", None}
    assert result.summary["mask_columns_missing"] == ["subject"]


@pytest.mark.skipif(not SMS.is_dir(), reason="real messages are not part of the repository")
def test_real_messages_come_out_as_on_one_machine(runs: Runs) -> None:
    result = runs.equal(SMS, Reading({"text": "SMS,v2"}, encoding="cp1252"))

    assert result.summary["rows_in"] == 5574 + 5572
    assert result.summary["rows_out"] > 5000
    assert result.summary["files_rejected"] == 0


@pytest.mark.parametrize("seed", range(1, 4))
def test_generated_files_of_all_kinds_come_out_as_on_one_machine(
    runs: Runs, tmp_path: Path, seed: int
) -> None:
    result = runs.equal(write_all(tmp_path / "in", seed))

    status = {file["name"]: file["status"] for file in result.summary["files"]}
    assert status["cut.jsonl.gz"] == "damaged"
    assert status["array.json"] == status["x.pdf"] == status["none.csv"] == "rejected"
    assert status["q.parquet.gz"] == status["p.parquet"] == status["f.csv"] == "read"
    assert status["a spaced näme+%41.jsonl"] == "read"


def test_a_large_plain_file_is_read_by_several_tasks(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    chance = random.Random(5)
    lines = 0
    with (tmp_path / "in" / "large.jsonl").open("wb") as file:
        while file.tell() < 2.2 * RANGE:
            text = f"{chance.randrange(20_000)} " + "längere Nachricht " * chance.randrange(100)
            row = {"id": lines, "sender": chance.choice("abc"), "text": text}
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            if lines % 1000 == 0:
                file.write(b"{broken\n")
            lines += 1
    groups = _groups_seen(monkeypatch)

    result = runs.equal(tmp_path / "in")

    assert result.summary["duplicates"] > 300
    assert result.summary["rejected"] > 10
    assert groups == [(0, 1), (1, 2), (2, 3)], "three tasks, each in a partition of its own"


def test_parquet_of_several_tasks_and_row_groups_is_read_by_its_row_groups(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    chance = random.Random(6)
    rows = [
        {
            "id": str(n),
            "sender": "a",
            "time": "2026-01-01T00:00:00",
            "text": chance.randbytes(150).hex(),
        }
        for n in range(250_000)
    ]
    parquet(rows, tmp_path / "in" / "large.parquet", 20_000)
    assert (tmp_path / "in" / "large.parquet").stat().st_size > RANGE
    groups = _groups_seen(monkeypatch)

    result = runs.equal(tmp_path / "in")

    assert result.summary["rows_out"] == len(rows)
    assert len(groups) == 2


def test_the_first_of_equal_messages_is_kept_whichever_file_it_is_in(
    runs: Runs, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("b.jsonl", "a.jsonl", "c.jsonl"):
        rows = [{"id": f"{name}{i}", "sender": None, "text": f"text {i % 3}"} for i in range(6)]
        (folder / name).write_text("\n".join(map(json.dumps, rows)))

    result = runs.equal(folder)

    assert sorted(result.frame["message_id"]) == ["a.jsonl0", "a.jsonl1", "a.jsonl2"]


def test_columns_beyond_the_most_go_where_they_go_on_one_machine(
    runs: Runs, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "ab":
        rows = [{"text": f"{name}{i}", f"{name}{i}": i, "other_columns": i} for i in range(400)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))

    assert "other_columns" in runs.equal(folder).frame.columns


def test_a_run_that_keeps_nothing_leaves_a_part_without_rows(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"text": ""}\n{"text": " "}\n')

    result = runs.equal(tmp_path / "in")

    assert [pl.read_parquet(part).height for part in result.parts] == [0]


def _groups_seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Watch into which groups of tasks the driver cuts the work."""
    from cluster import job  # noqa: PLC0415

    seen: list[tuple[int, int]] = []
    cut = job._groups

    def groups(work: list, most: int) -> list[tuple[int, int]]:
        seen.extend(cut(work, most))
        return seen

    monkeypatch.setattr(job, "_groups", groups)
    return seen
