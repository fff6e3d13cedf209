"""Whatever bytes a file has, the job ends as it should: soundly, with a reason where it fails.

Short and the same each time here; with LANDRUN_FUZZ_EXAMPLES drawn anew, so many times.
"""

from __future__ import annotations

import bz2
import gzip
import os
import random
from collections.abc import Callable
from typing import Any

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .hostile_parquet import small
from .job import Ended, run
from .parquet_bytes import (
    BYTE_ARRAY,
    INT32,
    INT64,
    OPTIONAL,
    PLAIN,
    REPEATED,
    REQUIRED,
    RLE_DICTIONARY,
    Chunk,
    group,
    leaf,
    levels,
    page,
    parquet,
    rle,
    strings,
)

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
GOOD = b'{"text": "the good one"}\n'
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
}
VALID = {
    "a.jsonl": b'{"id":1,"from":"ana","text":"one","x":[1,{"y":null}]}\n{"text":"two","x":"z"}\n'
    * 9,
    "a.csv": b'id,from,text\n1,ana,"one, ""1""\ntwo"\n2,bob,call +1 212 555 0123\n' * 9,
    "a.tsv": b"id\tfrom\ttext\n1\tana\tone <b>two</b> &amp; a@b.com\n" * 9,
    "a.txt": "id;text\n1;na\u00efve\n".encode("utf-16") * 3,
    "a.parquet": small(60),
}
SIGNS = [
    b'"',
    b"\n",
    b"\r",
    b",",
    b"\t",
    b"{",
    b"[",
    b"\\",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\\u",
]


def examples(short: int, share: float = 1) -> settings:
    """Draw a few and the same ones in the suite, many and new ones at length."""
    return settings(
        max_examples=max(1, int(EXAMPLES * share)) if EXAMPLES else short,
        derandomize=not EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """Change a few places of a good file: other bytes, lost ones, doubled ones, more of them."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(changed)))
        end = min(len(changed), start + draw(st.sampled_from([0, 1, 2, 8, 100])))
        new = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(SIGNS),
                st.just(bytes(changed[start:end]) * 3),
                st.just(b""),
            )
        )
        changed[start:end] = new
    return bytes(changed)


@st.composite
def any_file(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a name and bytes: mutated before packing, after it, or both."""
    name = draw(st.sampled_from(sorted(VALID)))
    suffix = draw(st.sampled_from(sorted(PACK)))
    data = draw(st.one_of(mutated(VALID[name]), st.binary(max_size=300)))
    packed = PACK[suffix](data)
    return name + suffix, draw(mutated(packed)) if draw(st.booleans()) else packed


def processed(name: str, data: bytes) -> Ended:
    """Process a file beside a good one, which comes through."""
    ended = run({name: data, "zz-good.jsonl": GOOD})
    assert ended.code == 0, ended.message
    assert ended.file("zz-good.jsonl")["rows_in"] == 1
    assert ended.file(name)["status"] in ("read", "rejected", "damaged")
    return ended


@examples(100)
@given(any_file())
def test_any_bytes_are_read_or_refused(file: tuple[str, bytes]) -> None:
    processed(*file)


@examples(60)
@given(st.sampled_from(["", ".jsonl", ".csv", ".tsv"]), st.binary(max_size=2000))
def test_bytes_alone_end_soundly(suffix: str, data: bytes) -> None:
    """Without a good file beside it the run may fail, and says why."""
    run({f"a{suffix}": data})


@examples(60)
@given(mutated(VALID["a.parquet"]))
def test_mutated_parquet_is_read_or_refused(data: bytes) -> None:
    processed("a.parquet", data)


@st.composite
def made(draw: st.DrawFn) -> bytes:
    """Build Parquet that claims what it likes of its rows, values, sizes and types."""
    number = st.one_of(
        st.integers(0, 40), st.sampled_from([-1, 2**20, 2**31 - 1, -(2**31), 1_000_000])
    )
    schema: list[dict[int, Any]] = []
    chunks: list[Chunk] = []
    rows = draw(st.integers(0, 40))
    for index in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([BYTE_ARRAY, BYTE_ARRAY, INT32, INT64]))
        repetition = draw(st.sampled_from([REQUIRED, OPTIONAL, REPEATED]))
        converted = draw(st.sampled_from([-1, 0, 4, 5, 6, 7, 8, 9, 10, 11, 17, 18, 19, 20, 21]))
        values = draw(st.one_of(st.just(rows), number))
        data = _body(draw, rows, kind, repetition)
        pages = page(data, values, encoding=draw(st.sampled_from([PLAIN, RLE_DICTIONARY, 4, 5, 6])))
        name = "text" if index == 0 else f"c{index}"
        schema.append(leaf(name, kind=kind, repetition=repetition, converted=converted))
        chunks.append(Chunk(pages, draw(st.one_of(st.just(values), number)), kind, path=(name,)))
    if draw(st.booleans()):
        schema.append(group("g", draw(st.integers(-1, 2))))
    return parquet(schema, [(draw(st.one_of(st.just(rows), number)), chunks)])


def _body(draw: st.DrawFn, rows: int, kind: int, repetition: int) -> bytes:
    random_bytes = draw(st.binary(max_size=200))
    drawn = random.Random(len(random_bytes))
    if kind == BYTE_ARRAY:
        plain = strings(*(random_bytes[: i % 9] for i in range(rows)))
    else:
        plain = drawn.randbytes(rows * (4 if kind == INT32 else 8))
    runs = levels(rle(1, rows)) if repetition != REQUIRED else b""
    return draw(st.sampled_from([runs + plain, plain, random_bytes, runs + random_bytes]))


@examples(100)
@given(made())
def test_made_up_parquet_is_read_or_refused(data: bytes) -> None:
    processed("a.parquet", data)
