"""What the race of the processing script relies on."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest
from benchmarks import generate, processing, shares
from benchmarks.measuring import Options
from benchmarks.processing import OTHERS, OURS, SLOWEST, Race
from benchmarks.tree import Cost, FailedError, measure


def test_made_up_messages_are_the_same_each_time_and_in_each_format(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl", "one.csv", "one.parquet"):
        generate.write(tmp_path / name, 0.1)
    table = pl.read_csv(tmp_path / "one.csv", infer_schema=False)
    lines = (tmp_path / "one.jsonl").read_bytes().splitlines(keepends=True)
    good = tmp_path / "good.jsonl"
    good.write_bytes(b"".join(line for line in lines if line.endswith(b"}\n")))

    assert lines == (tmp_path / "two.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) == table.height + 1
    assert pl.read_ndjson(good).equals(table)
    assert pl.read_parquet(tmp_path / "one.parquet")[: table.height].equals(table)


def test_one_row_in_twenty_repeats_an_earlier_one() -> None:
    rows = generate._chunk(0, 200_000)
    messages = rows.filter(pl.col("text") != generate.EMPTY)

    repeats = messages.height - messages.n_unique(["sender", "sent_at", "text"])
    # Half of the first 100,000 rows have none so far before them.
    assert repeats == pytest.approx(150_000 / 20, rel=0.05)


def test_a_way_that_writes_other_rows_gives_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "measure", lambda *_: Cost(1.0, 1.0, 1.0))
    prints = iter(["2 abc", "2 abc", "2 abd"])
    monkeypatch.setattr(processing, "_fingerprint", lambda *_: next(prints))
    race = Race(tmp_path / "messages.jsonl", tmp_path)
    race.source.touch()
    race.take(OURS)
    race.take("Polars")

    with pytest.raises(FailedError, match="DuckDB wrote other rows"):
        race.take("DuckDB")


def test_each_round_begins_with_another_way_and_the_slowest_races_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(Race, "take", lambda _, way: ran.append(way))
    options = Options(quick=False, scratch=tmp_path, progress=lambda _: None)
    Race(tmp_path / "messages.jsonl", tmp_path).rounds(2, options, "messages")
    first, second = ran[: len(OTHERS) + 1], ran[len(OTHERS) + 1 :]
    assert first == [OURS, *OTHERS]
    assert sorted(second) == sorted({OURS, *OTHERS} - {SLOWEST})
    assert second[0] == first[1]


def test_memory_and_processor_of_all_processes_of_a_command_count(tmp_path: Path) -> None:
    child = "held = bytearray(64 * 1024**2); import time; time.sleep(0.5)"
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    cost = measure([sys.executable, "-c", parent], tmp_path / "log")

    assert cost.peak > 64
    assert cost.seconds > 0.5
    assert cost.cpu > 0


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="ended with 3: oh"):
        measure([sys.executable, "-c", "print('oh'); raise SystemExit(3)"], tmp_path / "log")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_shares_of_the_time_are_told_for_each_stage_and_are_all_of_it(
    tmp_path: Path, suffix: str
) -> None:
    source = tmp_path / f"messages{suffix}"
    generate.write(source, 0.5)

    told = {row.figure: row.value for row in shares.rows(source)}

    assert set(told) == {*shares.STAGES, "rest"}
    assert all(told[stage] > 0 for stage in shares.STAGES)
    assert sum(told.values()) == pytest.approx(100, abs=1)
