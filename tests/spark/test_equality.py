"""Spark's result is the one-machine engine's, row for row."""

import random
from pathlib import Path

from default_job import PACK, json_lines, parquet
from fuzz.files.hostile import CASES
from messages import plan
from messages.options import Rules

ROOT = Path(__file__).resolve().parents[2]


def test_files_of_every_kind_come_out_as_on_one_machine(runs):
    for path in (ROOT / "samples").iterdir():
        runs.give(f"samples/{path.name}", path.read_bytes())
        runs.give(f"a spaced näme+%41/{path.name}", path.read_bytes())
    for number, case in enumerate(CASES):
        runs.give(f"{number:02}-{case.name}", b"".join(case.pieces(case.quick)))
    orders = (ROOT / "samples/orders.jsonl").read_bytes()
    runs.give("cut.jsonl.gz", PACK[".gz"](orders)[:-200])
    runs.give("packed.parquet.gz", PACK[".gz"](parquet({"text": ["t"], "tags": [["a", "b"]]})))

    result = runs.equal(rules=Rules(mask_columns=("sender", "subject", "nowhere")))

    assert all(result.summary[name] for name in ("duplicates", "rejected", "empty"))
    assert result.summary["mask_columns_missing"]
    assert "other_columns" in runs.rows().columns
    status = {file["name"]: file["status"] for file in result.summary["files"]}
    assert status["cut.jsonl.gz"] == "damaged"
    assert status["samples/README.md"] == "rejected"
    assert status["packed.parquet.gz"] == status["a spaced näme+%41/returns.parquet"] == "read"


def test_large_files_are_read_in_stretches_by_several_tasks(runs, monkeypatch, caplog):
    chance = random.Random(5)
    rows = [{"id": str(n), "text": chance.randbytes(120).hex()} for n in range(500)]
    runs.give("large.jsonl", json_lines(*rows) + b"{broken\n" + json_lines(*rows[::3]))
    runs.give("large.parquet", parquet(rows, row_group_size=100))
    monkeypatch.setattr(plan, "RANGE_BYTES", 60_000)

    with caplog.at_level("INFO", "preprocess"):
        result = runs.equal()

    assert result.summary["duplicates"] == 667
    assert result.rejected[0]["position"] == 501
    assert "5 task(s)" in caplog.text


def test_a_run_that_keeps_nothing_leaves_a_part_without_rows(runs):
    runs.give("a.jsonl", json_lines({"text": ""}, {"text": " "})).equal()

    assert (len(runs.keys()), runs.rows().height) == (1, 0)
