"""Whatever bytes a file has, the job ends soundly, with a reason, and a good file comes through.

Hostile files in small and the same mutated files each time; with LANDRUN_FUZZ_EXAMPLES, hostile
files in full size, each in a bounded memory, and so many mutated ones drawn anew.
"""

import os
import resource
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from default_job import PACK, Job, Result, parquet
from messages import parquet as reader
from messages import streams, summary, work

from .hostile import CASES, GOOD, MIB

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
ROOT = Path(__file__).resolve().parents[3]
MEMORY = 1024 * MIB


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path / "ml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_hostile_file_harms_no_other(case, job, monkeypatch):
    monkeypatch.setattr(reader, "UNPACKED_BYTES", MIB)
    monkeypatch.setattr(reader, "MAX_FIELDS", 1000)
    with (job.input / case.name).open("wb") as file:
        file.writelines(case.pieces(case.full if EXAMPLES else case.quick))
    job.give("zz-good.jsonl", b'{"text": "the good one"}')

    result = in_bounded_memory(job) if EXAMPLES else job.run("--memory-mb", "1024")

    assert result.code == 0
    assert result.file("zz-good.jsonl")["rows_in"] == 1
    assert case.ended_so(result.file(case.name), quick=not EXAMPLES), result.file(case.name)


def in_bounded_memory(job):
    result = Result(job.root / "output-1")
    folders = ["--input", job.input, "--output", result.output]
    subprocess.run(
        [sys.executable, ROOT / "src/processing/preprocess.py", *folders],
        env=os.environ | {"LANDRUN_OPT_ML": str(job.root)},
        preexec_fn=bounded(),
        check=True,
    )
    return result


def bounded():
    """Return what puts a process, with all that it starts, under a limit of memory.

    It is a control group (version 1 or 2) if this machine lets us make one, otherwise each
    process's own limit.
    """
    for name in ("memory/{}/memory.limit_in_bytes", "{}/memory.max"):
        limit = Path("/sys/fs/cgroup", name.format(f"landrun-{uuid.uuid4().hex[:8]}"))
        with suppress(OSError):
            limit.parent.mkdir()
            limit.write_text(str(MEMORY))
            return lambda: limit.with_name("cgroup.procs").write_text(str(os.getpid()))
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


REPEATED = GOOD * 20_000
BOMBS = {
    "gzip": ("b.jsonl.gz", PACK[".gz"](REPEATED)),
    "zstd": ("b.jsonl.zst", PACK[".zst"](REPEATED) * 4),
    "bz2": ("b.jsonl.bz2", PACK[".bz2"](REPEATED)),
    "Parquet": ("b.parquet", parquet({"text": ["x" * MIB] * 30})),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_given_up_and_said_to_be_damaged(kind, job, monkeypatch):
    for module in (streams, reader):
        monkeypatch.setattr(module, "BOMB_BYTES", 100_000)
        monkeypatch.setattr(module, "BOMB_RATIO", 5)
    name, data = BOMBS[kind]

    file = job.give(name, data).run().file(name)

    reason = f"damaged {kind} data: it unpacks to more than 5 times its size"
    assert (file["status"], file["reason"]) == ("damaged", reason)


def test_names_and_excerpts_cannot_forge_lines_of_the_log_or_steer_a_terminal(job):
    job.give("a\nERROR forged\x1b[2J\u202etxt.csv", b"v1,v2\n1,2\n")
    failed = job.run()
    read = job.give("a.jsonl", GOOD + "\x1b]0;x\x07 \x9b31m \u202e evil".encode()).run()

    assert failed.code == 1
    assert r"a\nERROR forged\x1b[2J\u202etxt.csv" in failed.message
    assert read.rejected[1]["excerpt"] == r"\x1b]0;x\x07 \x9b31m \u202e evil"


def test_what_is_beyond_number_is_counted(job, monkeypatch):
    monkeypatch.setattr(work, "MAX_LISTED", 10)
    monkeypatch.setattr(summary, "MAX_FILES", 10)
    for number in range(11):
        job.give(f"{number:04}.jsonl", b'{"text":"t%d"}' % number)
    names = b",".join(b"n" * 400 + b"%d" % i for i in range(450))
    job.give("a.csv", b"text," + names + b"\nt" + b",1" * 450 + b"\nx" * 100)

    result = job.run()

    assert (result.summary["rejected"], len(result.rejected)) == (100, 11)
    assert result.rejected[-1]["reason"].startswith("90 more are rejected")
    assert (len(result.summary["files"]), result.summary["files_omitted"]) == (10, 2)
    assert (len(result.summary["columns"]), result.summary["columns_omitted"]) == (100, 354)


SAMPLES = {path.name: path.read_bytes() for path in sorted((ROOT / "samples").iterdir())}
SIGNS = [b'"', *(bytes([sign]) for sign in b"\n\r,\t{[\\\0\xff"), b"\xef\xbb\xbf", b"\\u"]


def mutated(draw, data):
    """Change a few places: other bytes, lost ones, doubled ones, more of them."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(changed)))
        end = min(len(changed), start + draw(st.sampled_from([0, 1, 2, 8, 100])))
        new = [b"", bytes(changed[start:end]) * 3, *SIGNS]
        changed[start:end] = draw(st.binary(max_size=8) | st.sampled_from(new))
    return bytes(changed)


@st.composite
def any_file(draw):
    """Draw a name and bytes, of a sample or any, mutated before packing, after it, or both."""
    name, suffix = draw(st.sampled_from([*SAMPLES])), draw(st.sampled_from([*PACK]))
    data = draw(st.just(SAMPLES[name]) | st.binary(max_size=2000))
    return name + suffix, mutated(draw, PACK[suffix](mutated(draw, data)))


@settings(
    max_examples=EXAMPLES or 40,
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
