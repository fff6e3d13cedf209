"""Whatever bytes a file has, the job ends as it should: soundly, with a reason where it fails.

Short and the same each time here; with LANDRUN_FUZZ_EXAMPLES drawn anew, so many times.
"""

from __future__ import annotations

import bz2
import gzip
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from default_job import Job

from .hostile_parquet import ordinary
from .hostile_texts import GOOD

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
PACK = {
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
    "a.parquet": ordinary(60, row_group_size=20),
}
SIGNS = [b'"', *(bytes([sign]) for sign in b"\n\r,\t{[\\\0\xff"), b"\xef\xbb\xbf", b"\\u"]


@st.composite
def mutated(draw, data):
    """Change a few places of a good file: other bytes, lost ones, doubled ones, more of them."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(changed)))
        end = min(len(changed), start + draw(st.sampled_from([0, 1, 2, 8, 100])))
        new = [b"", bytes(changed[start:end]) * 3, *SIGNS]
        changed[start:end] = draw(st.binary(max_size=8) | st.sampled_from(new))
    return bytes(changed)


@st.composite
def any_file(draw):
    """Draw a name and bytes: mutated before packing, after it, or both."""
    name, suffix = draw(st.sampled_from(sorted(VALID))), draw(st.sampled_from(sorted(PACK)))
    packed = PACK[suffix](draw(mutated(VALID[name]) | st.binary(max_size=2000)))
    return name + suffix, draw(mutated(packed)) if draw(st.booleans()) else packed


@settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(any_file(), st.booleans())
def test_any_bytes_are_read_or_refused(file, good_beside_it):
    name, data = file
    with TemporaryDirectory() as folder:
        job = Job(Path(folder)).give(name, data)
        if good_beside_it:
            job.give("zz-good.jsonl", GOOD)
        result = job.run("--memory-mb", "1024")

    if good_beside_it:  # it comes through; otherwise the run may fail, and says why
        assert result.code == 0, result.message
        assert result.file("zz-good.jsonl")["rows_in"] == 1
        assert result.file(name)["status"] in ("read", "rejected", "damaged")
