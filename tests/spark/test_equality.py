"""Spark's result is the one-machine engine's, row for row."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from messages import plan
from messages.options import Rules

from .generated import messages, parquet, write_all

ROOT = Path(__file__).resolve().parents[2]


def test_files_of_every_kind_come_out_as_on_one_machine(runs):
    write_all(runs.files)
    shutil.copytree(ROOT / "samples", runs.files / "samples")

    result = runs.equal(rules=Rules(mask_columns=("sender", "subject", "nowhere")))

    assert all(result.summary[name] for name in ("duplicates", "rejected", "empty"))
    assert result.summary["mask_columns_missing"]
    assert "other_columns" in runs.rows().columns
    status = {file["name"]: file["status"] for file in result.summary["files"]}
    assert status["cut.jsonl.gz"] == "damaged"
    assert status["array.json"] == status["x.pdf"] == status["none.csv"] == "rejected"
    assert status["q.parquet.gz"] == status["p.parquet"] == status["f.csv"] == "read"
    assert status["a spaced näme+%41.jsonl"] == "read"


def test_large_files_are_read_in_stretches_by_several_tasks(runs, monkeypatch, caplog):
    chance = random.Random(5)
    rows = [row | {"text": chance.randbytes(120).hex()} for row in messages(3, 500)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    runs.give(large="\n".join([*lines, "{broken", *lines[::3]]))
    (runs.files / "large.parquet").write_bytes(parquet(rows, 100))
    monkeypatch.setattr(plan, "RANGE_BYTES", 60_000)

    with caplog.at_level("INFO", "preprocess"):
        result = runs.equal()

    assert result.summary["duplicates"] >= 167
    assert result.rejected[0]["position"] == 501
    assert "6 task(s)" in caplog.text


def test_a_run_that_keeps_nothing_leaves_a_part_without_rows(runs):
    runs.give(a='{"text": ""}\n{"text": " "}\n').equal()

    assert (len(runs.keys()), runs.rows().height) == (1, 0)
