"""The job as a process, whose workers may die: what becomes of their files, and what is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from default_job import Result, json_lines

PROCESSING = Path(__file__).parents[3] / "src/processing"
# It fails if the parent of all workers has imported the engine: its forks are not safe then.
STARTED = "import preprocess, sys; sys.exit(preprocess.main() or 9 * ('polars' in sys.modules))"
CLEANER = """
def clean(texts):
    for text in texts:
        exec(text)
    return texts.str.to_uppercase()
"""
ENDLESS = "from messages import guard; guard._limit_time(0)\nwhile 1: 0"
FATAL = {
    "bytearray(4 * 1024**3)": "reading it took more memory than a worker may have",
    "import os; os.abort()": "reading it took more memory than a worker may have",
    "import signal; signal.raise_signal(11)": "reading it killed its worker (exit code -11)",
    "raise ValueError('mail a@b.com')": "it cannot be read: ValueError: mail <EMAIL>",
    ENDLESS: "reading it took more processor time than its size justifies",
}


def started(job, *arguments):
    """Start the job in a process of its own, with a cleaner that carries out messages."""
    (job.root / "own.py").write_text(CLEANER)
    folders = ["--input", str(job.input), "--output", str(job.root / "result"), ""]
    return subprocess.Popen(
        [sys.executable, "-c", STARTED, *folders, "--cleaner", "own:clean", *arguments],
        env=os.environ
        | {"LANDRUN_OPT_ML": str(job.root), "PYTHONPATH": f"{PROCESSING}{os.pathsep}{job.root}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left(job):
    return [path.name for path in (job.root / "processing").iterdir()]


def test_a_file_that_kills_its_worker_is_rejected_by_name_and_the_others_are_cleaned(job):
    for number, code in enumerate(FATAL):
        job.give(f"{number}.jsonl", json_lines({"text": "'first'"}, {"text": code}))
    job.give("good.jsonl", json_lines({"text": "'<b>first</b>'"}, {"text": ""}))

    with started(job, "--memory-mb", "512") as run:
        said, _ = run.communicate(timeout=60)

    result = Result(job.root / "result", run.returncode).check()
    assert (result.code, result.counts) == (0, (2, 1, 0, 1, 0)), said
    assert result.texts == ["'<B>FIRST</B>'"], "by the cleaner alone"
    assert "done: rows_in 2, rows_out 1" in said
    assert "ValueError: mail <EMAIL>" in said
    assert "a@b.com" not in said
    assert [file["status"] for file in result.summary["files"]] == [*["rejected"] * 5, "read"]
    for reject, reason in zip(result.rejected, FATAL.values(), strict=True):
        assert reject["reason"].startswith(reason)
    assert left(job) == ["input"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os.kill(os.getpid(), 9)", "a worker was killed that read a.jsonl"),
        ("raise OSError(28, 'No space left')", "no space is left on the volume: give it more"),
    ],
)
def test_what_is_no_files_fault_ends_the_job_with_the_remedy(job, code, message):
    job.give("a.jsonl", json_lines({"text": code}))
    with started(job) as run:
        said, _ = run.communicate(timeout=60)

    assert run.returncode == 1, said
    assert (job.root / "output/message").read_text().startswith(message)


def test_stopping_the_job_leaves_no_worker_and_no_scratch(job):
    code = "print('cleaning', flush=True); import time; time.sleep(600)"
    job.give("a.jsonl", json_lines({"text": code}))
    with started(job) as run:
        assert any(line == "cleaning\n" for line in run.stdout)
        assert len(left(job)) == 2, "the input, and scratch on SageMaker's volume"
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)  # until nobody has their output open

    assert run.returncode == 143
    assert left(job) == ["input"]
