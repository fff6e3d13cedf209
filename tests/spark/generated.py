"""Files of messages made from a seed: all formats, with what goes wrong in each."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import random
from collections.abc import Sequence
from typing import Any

import polars as pl
import zstandard

Rows = Sequence[dict[str, Any]]
WORDS = [
    *("hello", "is", "the", "lamp", "still", "there", "Grüße", "50€", "call", "555-0134"),
    *("a@b.example", "&amp;", "über", "値段", "ok"),
]
HOSTILE = [
    *(b"{", b"", b"   ", b"[1,2]", b'{"text": 7}', b'{"text": null}', b'{"text": "a"} trailing'),
    *(b'{"text": "\xff\xfe"}', b'{"text": "\\ud800"}', b'{"text": "cr\r"}\r', b"\x00", b'"text"'),
    *(b'{"text": "", "sender": "x"}', b'{"text":"dup","text":"key"}'),
]


def messages(seed, count):
    """Messages of which about one in five repeats an earlier one, and some say nothing."""
    chance, made = random.Random(seed), []
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=chance.randint(0, 6)))
        sender = chance.choice(["ann", "bob", "", None])
        if made and chance.random() < 0.2:
            again = chance.choice(made)
            text, sender = again["text"], again["sender"]
        when = f"2026-01-01T{number // 60:02}:{number % 60:02}:00"
        made.append({"id": f"{seed}-{number}", "sender": sender, "time": when, "text": text})
    return made


def jsonl(rows, seed):
    """JSON lines, with columns that differ from row to row in number and type."""
    chance, lines = random.Random(seed), []
    for row in rows:
        more = {"stars": chance.choice([1, 2.5, "three", None]), f"x{chance.randrange(3)}": [1]}
        lines.append(json.dumps({**row, **more}, ensure_ascii=chance.random() < 0.5).encode())
        if chance.random() < 0.1:
            lines.append(chance.choice(HOSTILE))
    return b"\n".join(lines)


def separated(rows, delimiter):
    """CSV, whose texts may hold quotes and newlines."""
    frame = pl.DataFrame(rows).with_columns(pl.col("text").str.replace(" ok", ',"ok"\n'))
    return f"{frame.write_csv(separator=delimiter)}too,few\na,b,c,d,e,f,g\n".encode()


def tabbed(rows):
    """TSV, in which quotes mean nothing."""
    text = pl.DataFrame(rows).write_csv(separator="\t", quote_style="never")
    return f'\n{text}one field with "quotes'.encode()


def parquet(rows, group):
    """Parquet with types of its own, in several row groups."""
    data = io.BytesIO()
    pl.DataFrame(rows).with_columns(
        pl.col("time").str.to_datetime(),
        small=pl.lit(7, pl.UInt8),
        tags=pl.concat_list(pl.col("id"), pl.col("id")),
        third=pl.Series([i / 3 for i in range(len(rows))]),
    ).write_parquet(data, row_group_size=group)
    return data.getvalue()


def write_all(folder, count=200):
    """Write a folder of every kind of file; the same messages turn up in several."""
    rows = messages(1, count)
    half = rows[count // 2 :] + messages(2, count // 2)
    latin = [row | {"text": f"Grüße {row['id']}"} for row in rows[:60]]
    wide = [{"text": f"{i}", f"k{i}": i, "other_columns": i} for i in range(600)]
    contents = {
        "a.jsonl": jsonl(rows, 1),
        "b.jsonl.gz": gzip.compress(jsonl(half, 1)),
        "c.ndjson.zst": zstandard.compress(jsonl(half, 2)),
        "d.json.bz2": bz2.compress(jsonl(rows[:20], 3)),
        "e.csv": separated(half, ","),
        "f.csv": separated(rows[:50], ";").decode().encode("utf-16"),
        "g.csv": separated(latin, ",").decode().encode("cp1252"),
        "h.tsv": tabbed(rows),
        "p.parquet": parquet(half, 37),
        "q.parquet.gz": gzip.compress(parquet(rows, 1000)),
        "cut.jsonl.gz": gzip.compress(jsonl(half, 1))[:-200],
        "empty.jsonl": b"",
        "none.csv": b"colour,size\nred,1\n",
        "a spaced näme+%41.jsonl": jsonl(half[:30], 1),
        "array.json": b"[{}, {}]",
        "x.pdf": b"%PDF-1.4",
        "broken.parquet": parquet(rows, 1000)[:-30],
        "wide.jsonl": "\n".join(map(json.dumps, wide)).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
