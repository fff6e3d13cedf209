"""The race of the processing script on real messages: SMS that people wrote, many times over.

The SMS Spam Collection (UCI, CC BY 4.0) as ``../shared/data/sms/SMSSpamCollection.tsv``, or where
``LANDRUN_BENCH_SMS`` says; it is not part of the project, and without it the suite says so and
yields nothing. preprocess.py cleans more than the others' plain expressions do, so the race is over
those messages of which both make the same; how many that are is a row of its own. Each copy of the
collection has senders of its own, so that a copy's duplicates are dropped and no others.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import polars as pl

from benchmarks import processing
from benchmarks.measuring import Options, Row

TITLE = "Real messages: the job's script beside others that do the same"

SMS = processing.ROOT.parent / "shared" / "data" / "sms" / "SMSSpamCollection.tsv"
QUICK_MB, FULL_MB = 10, "1000"
JUDGES = ("Polars", "DuckDB", "pandas")
"""Whose plain expressions say which messages are cleaned alike; PySpark's are as DuckDB's."""


def run(options: Options) -> Iterator[Row]:
    """Yield how many messages are cleaned alike, and the race over those."""
    sms = Path(os.environ.get("LANDRUN_BENCH_SMS", SMS))
    if not sms.exists():
        options.progress(f"no real messages here: no {sms}")
        return
    megabytes = QUICK_MB if options.quick else float(os.environ.get("LANDRUN_BENCH_MB", FULL_MB))
    rounds = 1 if options.quick else int(os.environ.get("LANDRUN_BENCH_ROUNDS", "3"))
    texts = _texts(sms)
    alike = _alike(texts, options)
    share = 100 * len(alike) / len(texts)
    yield Row("real SMS", "cleaned alike by preprocess.py and by plain expressions", share, "%")
    folder = options.scratch / "real"
    folder.mkdir()
    race = processing.Race(folder / "messages.jsonl", options.scratch)
    _write(race.source, alike, megabytes)
    race.rounds(rounds, options, "real messages")
    case = f"real SMS, {race.source.stat().st_size / 1e6:.0f} MB"
    yield from processing.rows(race, case, aimed=not options.quick)


def _texts(sms: Path) -> list[str]:
    """Read the messages: a label, a tab, a text in which quotes are plain characters."""
    lines = sms.read_text(encoding="utf-8").split("\n")[1:]
    return [line.split("\t", 1)[1].rstrip("\r") for line in lines if "\t" in line]


def _alike(texts: list[str], options: Options) -> list[str]:
    """Give the messages of which preprocess.py and plain expressions make the same."""
    folder = options.scratch / "alike"
    folder.mkdir()
    source = folder / "messages.jsonl"
    with source.open("wb") as file:
        file.writelines(_line(n, f"sender-{n}", text) for n, text in enumerate(texts))
    race = processing.Race(source, options.scratch)
    race.once(processing.OURS)
    same = _read(options.scratch / "output")
    for way in JUDGES:
        race.once(way)
        same = same.join(_read(options.scratch / "output"), on=("message_id", "text"), how="semi")
    shutil.rmtree(folder)
    return [texts[int(name.removeprefix("m-"))] for name in same["message_id"].sort()]


def _write(path: Path, texts: list[str], megabytes: float) -> None:
    """Write copies of the messages, each with senders of its own."""
    number = copy = 0
    with path.open("wb") as file:
        while file.tell() < megabytes * 1e6:
            sender = f"sender-{copy}"
            file.writelines(_line(number + n, sender, text) for n, text in enumerate(texts))
            number, copy = number + len(texts), copy + 1


def _line(number: int, sender: str, text: str) -> bytes:
    # Ids sort as numbers do: some ways find the first of duplicates by it.
    named = {"message_id": f"m-{number:010}", "sender": sender, "sent_at": "2011-01-01T00:00:00Z"}
    return orjson.dumps({**named, "text": text, "lang": "en"}, option=orjson.OPT_APPEND_NEWLINE)


def _read(output: Path) -> pl.DataFrame:
    """Read the ids and texts that a way has written."""
    parts = [pl.read_parquet(part) for part in sorted(output.rglob("*.parquet"))]
    return pl.concat([part.select("message_id", "text") for part in parts])
