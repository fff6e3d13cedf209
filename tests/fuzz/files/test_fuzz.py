"""Whatever bytes a file has, the job ends as it should: soundly, with a reason where it fails.

Short and the same each time here; with LANDRUN_FUZZ_EXAMPLES drawn anew, so many times.
"""

from __future__ import annotations

import bz2
import gzip
import os
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from default_job import Job, Result

from .hostile_parquet import ordinary
from .hostile_texts import GOOD
from .parquet_bytes import (
    BYTE_ARRAY,
    INT32,
    INT64,
    OPTIONAL,
    REPEATED,
    REQUIRED,
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
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
}
JSONL = b'{"id":1,"from":"ana","text":"one","x":[1,{"y":null}]}\n{"text":"two","x":"z"}\n'
VALID = {
    "a.jsonl": JSONL * 9,
    "a.csv": b'id,from,text\n1,ana,"one, ""1""\ntwo"\n2,bob,call +1 212 555 0123\n' * 9,
    "a.tsv": b"id\tfrom\ttext\n1\tana\tone <b>two</b> &amp; a@b.com\n" * 9,
    "a.txt": "id;text\n1;na\u00efve\n".encode("utf-16") * 3,
    "a.parquet": ordinary(60),
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

# A few and the same ones in the suite, many and new ones at length.
examples = settings(
    max_examples=EXAMPLES or 50,
    derandomize=not EXAMPLES,
    database=None,
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
        again = bytes(changed[start:end]) * 3
        changed[start:end] = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"", again, *SIGNS]))
        )
    return bytes(changed)


@st.composite
def any_file(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a name and bytes: mutated before packing, after it, or both."""
    name = draw(st.sampled_from(sorted(VALID)))
    suffix = draw(st.sampled_from(sorted(PACK)))
    packed = PACK[suffix](draw(st.one_of(mutated(VALID[name]), st.binary(max_size=300))))
    return name + suffix, draw(mutated(packed)) if draw(st.booleans()) else packed


def run(**files: bytes) -> Result:
    with TemporaryDirectory() as folder:
        job = Job(Path(folder))
        for name, data in files.items():
            job.give(name, data)
        return job.run("--memory-mb", "1024")


def processed(name: str, data: bytes) -> None:
    """Process a file beside a good one, which comes through."""
    result = run(**{name: data, "zz-good.jsonl": GOOD})
    assert result.code == 0, result.message
    assert result.file("zz-good.jsonl")["rows_in"] == 1
    assert result.file(name)["status"] in ("read", "rejected", "damaged")


@examples
@given(any_file())
def test_any_bytes_are_read_or_refused(file: tuple[str, bytes]) -> None:
    processed(*file)


@examples
@given(st.sampled_from(["", ".jsonl", ".csv", ".tsv"]), st.binary(max_size=2000))
def test_bytes_alone_end_soundly(suffix: str, data: bytes) -> None:
    """Without a good file beside it the run may fail, and says why."""
    run(**{f"a{suffix}": data})


@st.composite
def made(draw: st.DrawFn) -> bytes:
    """Build Parquet that claims what it likes of its rows, values, sizes and types."""
    rows = draw(st.integers(0, 40))
    wild = st.integers(0, 40) | st.sampled_from([-1, 2**20, 2**31 - 1, -(2**31), 1_000_000])
    number = st.just(rows) | wild
    schema: list[dict[int, Any]] = []
    chunks: list[Chunk] = []
    for index in range(draw(st.integers(1, 3))):
        name = f"c{index}" if index else "text"
        kind = draw(st.sampled_from([BYTE_ARRAY, BYTE_ARRAY, INT32, INT64]))
        repetition = draw(st.sampled_from([REQUIRED, OPTIONAL, REPEATED]))
        converted = draw(st.sampled_from([-1, 0, *range(4, 12), *range(17, 22)]))
        encoding = draw(st.sampled_from([0, 4, 5, 6, 8]))
        pages = page(_body(draw, rows, kind, repetition), draw(number), encoding=encoding)
        schema.append(leaf(name, kind, repetition, converted))
        chunks.append(Chunk(pages, draw(number), kind, path=(name,)))
    if draw(st.booleans()):
        schema.append(group("g", draw(st.integers(-1, 2))))
    return parquet(schema, [(draw(number), chunks)])


def _body(draw: st.DrawFn, rows: int, kind: int, repetition: int) -> bytes:
    noise = draw(st.binary(max_size=200))
    plain = random.Random(len(noise)).randbytes(rows * (4 if kind == INT32 else 8))
    if kind == BYTE_ARRAY:
        plain = strings(*(noise[: i % 9] for i in range(rows)))
    runs = levels(rle(1, rows)) if repetition != REQUIRED else b""
    return draw(st.sampled_from([runs + plain, plain, noise, runs + noise]))


@examples
@given(mutated(VALID["a.parquet"]) | made())
def test_mutated_and_made_up_parquet_is_read_or_refused(data: bytes) -> None:
    processed("a.parquet", data)
