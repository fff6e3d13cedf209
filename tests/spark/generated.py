"""Files of messages made from a seed: all formats, with what goes wrong in each."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import zstandard

WORDS = [
    "hello",
    "is",
    "the",
    "lamp",
    "still",
    "there",
    "Grüße",
    "50€",
    "call",
    "555-0134",
    "a@b.example",
    "&amp;",
    "über",
    "値段",
    "ok",
]
HOSTILE = [
    b"{", b"", b"   ", b"[1,2]", b'{"text": 7}', b'{"text": null}', b'{"text": "a"} trailing',
    b'{"text": "\xff\xfe"}', b'{"text": "\\ud800"}', b'{"text": "cr\r"}\r', b"\x00", b'"text"',
    b'{"text": "", "sender": "x"}', b'{"text": "' + b"[" * 50 + b'"}',
    b'{"text":"dup","text":"key"}',
]  # fmt: skip


def messages(seed: int, count: int) -> list[dict[str, Any]]:
    """Messages of which about one in five repeats an earlier one, and some say nothing."""
    chance, made = random.Random(seed), []
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=chance.randint(0, 6)))
        sender: str | None = chance.choice(["ann", "bob", "", None])
        if made and chance.random() < 0.2:
            again = chance.choice(made)
            text, sender = again["text"], again["sender"]
        when = (begin + timedelta(minutes=number)).replace(tzinfo=None).isoformat()
        made.append({"id": f"{seed}-{number}", "sender": sender, "time": when, "text": text})
    return made


def jsonl(rows: Sequence[dict[str, Any]], seed: int, *, hostile: bool = True) -> bytes:
    """JSON lines, with columns that differ from row to row in number and type."""
    chance, lines = random.Random(seed), []
    for row in rows:
        more = {"stars": chance.choice([1, 2.5, "three", None]), f"x{chance.randrange(3)}": [1]}
        lines.append(json.dumps({**row, **more}, ensure_ascii=chance.random() < 0.5).encode())
        if hostile and chance.random() < 0.1:
            lines.append(chance.choice(HOSTILE))
    return b"\n".join(lines)


def separated(rows: Sequence[dict[str, Any]], delimiter: str) -> str:
    """CSV, whose texts may hold quotes and newlines."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows({**row, "text": row["text"].replace(" ok", ',"ok"\n')} for row in rows)
    return file.getvalue() + "too,few\n" + ",".join("abcdefg") + "\n"


def tabbed(rows: Sequence[dict[str, Any]]) -> str:
    """TSV, in which quotes mean nothing."""
    head, *lines = [list(rows[0]), *([v or "" for v in row.values()] for row in rows)]
    return "\n".join(["", "\t".join(head), *map("\t".join, lines), 'one field with "quotes'])


def parquet(rows: Sequence[dict[str, Any]], path: Path, group: int) -> None:
    """Parquet with types of its own, in several row groups."""
    frame = pl.DataFrame(rows).with_columns(
        pl.col("time").str.to_datetime(),
        small=pl.lit(7, pl.UInt8),
        tags=pl.concat_list(pl.col("id"), pl.col("id")),
        stars=pl.Series([i / 3 for i in range(len(rows))]),
    )
    frame.write_parquet(path, row_group_size=group)


def write_all(folder: Path, seed: int, count: int = 200) -> Path:
    """Write a folder of every kind of file; the same messages turn up in several."""
    folder.mkdir(exist_ok=True)
    (folder / "deep").mkdir()
    rows = messages(seed, count)
    half = rows[count // 2 :] + messages(seed + 1, count // 2)
    latin = [row | {"text": f"Grüße {row['id']}"} for row in rows[:60]]
    zst = zstandard.ZstdCompressor().compress
    contents = {
        "a.jsonl": jsonl(rows, seed),
        "b.jsonl.gz": gzip.compress(jsonl(half, seed)),
        "c.ndjson.zst": zst(jsonl(half, seed + 1)),
        "deep/d.json.bz2": bz2.compress(jsonl(rows[:20], seed, hostile=False)),
        "e.csv": separated(half, ",").encode(),
        "f.csv": separated(rows[:50], ";").encode("utf-16"),
        "g.csv": separated(latin, ",").encode("cp1252"),
        "h.tsv": tabbed(rows).encode(),
        "cut.jsonl.gz": gzip.compress(jsonl(half, seed))[:-200],
        "empty.jsonl": b"",
        "none.csv": b"colour,size\nred,1\n",
        "a spaced näme+%41.jsonl": jsonl(half[:30], seed),
        "array.json": b"[{}, {}]",
        "x.pdf": b"%PDF-1.4",
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    parquet(half, folder / "p.parquet", 37)
    parquet(rows, folder / "q.pq", 1000)
    (folder / "q.parquet.gz").write_bytes(gzip.compress((folder / "q.pq").read_bytes()))
    (folder / "broken.parquet").write_bytes((folder / "q.pq").read_bytes()[:-30])
    return folder
