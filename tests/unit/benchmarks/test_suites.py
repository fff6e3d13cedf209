"""What suites measure with: AWS's stand-in answers as AWS does, and ways do the same job."""

from __future__ import annotations

import sys

import polars as pl
import pytest
from benchmarks import generate, landings, processing, standins, tables
from benchmarks.processing import OURS, Cost, Race, measure

from landrun.adapters.clients import client
from landrun.models.events import parse_object_created


@pytest.fixture(autouse=True)
def account(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in landings.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_a_quota_gives_its_bucket_at_once_and_then_its_refill(monkeypatch):
    now = 100.0
    monkeypatch.setattr(standins.time, "monotonic", lambda: now)
    quota = standins.Quota(13, 3)

    def taken():
        for count in range(100):
            try:
                quota.take()
            except standins.Refused:
                return count
        return 100

    assert taken() == 13
    now += 1
    assert taken() == 3
    now += 1000
    assert taken() == 13


def test_a_refused_call_is_tried_again_by_botocore():
    answers = iter([standins.Refused("ThrottlingException"), None])

    def start(call):
        refused = next(answers)
        if refused:
            raise refused
        return standins.start_execution(call)

    aws = standins.Aws({"StartExecution": start})
    with aws.answering():
        client("stepfunctions").start_execution(stateMachineArn=landings.MACHINE, name="a")
    assert aws.calls == {"StartExecution": 2}


def test_landings_are_of_objects_of_their_own():
    records = [record for batch in landings.batches(25) for record in batch["Records"]]
    found = [parse_object_created(record["body"]) for record in records]
    assert len({(one.key, one.version_id) for one in found}) == 25


def test_a_tick_asks_dynamodb_twice_for_each_landing_and_once_for_each_shard():
    calls = {"20": [], "60": []}
    for size in (20, 60):
        tables.tick(size, calls)
    assert calls["60"][0] - calls["20"][0] == 2 * 40


def test_looking_for_failed_runs_reads_no_more_rows_of_a_hundred_times_as_many_runs():
    read = {"10000": [], "1000000": []}
    for size in (10_000, 1_000_000):
        tables.look(size, read)
    assert read["1000000"][0] < 1.5 * read["10000"][0]


def test_made_up_messages_are_the_same_each_time_and_in_each_format(tmp_path):
    for name in ("one.jsonl", "two.jsonl", "one.csv", "one.parquet"):
        generate.write(tmp_path / name, 0.1)
    table = pl.read_csv(tmp_path / "one.csv", infer_schema=False)
    lines = (tmp_path / "one.jsonl").read_bytes().splitlines(keepends=True)
    good = b"".join(line for line in lines if line.endswith(b"}\n"))

    assert lines == (tmp_path / "two.jsonl").read_bytes().splitlines(keepends=True)
    assert pl.read_ndjson(good).equals(table)
    assert pl.read_parquet(tmp_path / "one.parquet")[: table.height].equals(table)


def test_one_row_in_twenty_repeats_an_earlier_one():
    rows = generate._chunk(0, 200_000)
    messages = rows.filter(pl.col("text") != generate.EMPTY)
    repeats = messages.height - messages.n_unique(["sender", "sent_at", "text"])
    assert repeats == pytest.approx(150_000 / 20, rel=0.05)  # the first have none before them


def test_a_way_that_writes_other_rows_gives_no_figure(tmp_path, monkeypatch):
    rows = iter(["", "2 abc", "", "2 abc", "", "2 abd"])

    def measured(_command, log):
        log.write_text(next(rows), encoding="utf-8")
        return Cost(1.0, 1.0)

    monkeypatch.setattr(processing, "measure", measured)
    race = Race(tmp_path / "messages.jsonl", tmp_path)
    race.source.touch()
    race.run(OURS)
    race.run("Polars")

    with pytest.raises(RuntimeError, match="DuckDB wrote other rows"):
        race.run("DuckDB")


def test_memory_of_all_processes_of_a_command_counts(tmp_path):
    child = "held = bytearray(64 * 1024**2); import time; time.sleep(0.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    cost = measure([sys.executable, "-c", parent], tmp_path / "log")
    assert cost.mib > 64
    assert cost.seconds > 0.5


def test_a_command_that_fails_is_no_figure(tmp_path):
    with pytest.raises(RuntimeError, match="ended with 3: oh"):
        measure([sys.executable, "-c", "print('oh'); raise SystemExit(3)"], tmp_path / "log")
