"""Workers that may die, called with functions that anyone can look up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from messages import guard
from messages.guard import Call, Failed, KilledError, Workers

ROOT = Path(__file__).parents[3]
ECHO = Call("builtins:str", ("still here",))
ENDLESS = "from messages import guard; guard._limit_time(0)\nwhile 1: 0"


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(2, memory=512) as workers:
        yield workers


def test_answers_come_with_the_place_of_their_call(workers: Workers) -> None:
    calls = [Call("builtins:abs", (-number,)) for number in range(20)]

    assert dict(workers.run(calls)) == {number: number for number in range(20)}


@pytest.mark.parametrize(
    ("fatal", "reason"),
    [
        (Call("builtins:bytearray", (4 * 1024**3,)), "more memory than a worker may have"),
        (Call("os:abort", ()), "more memory than a worker may have"),
        (Call("signal:raise_signal", (signal.SIGSEGV,)), "killed its worker (exit code -11)"),
        (Call("builtins:int", ("no number",)), "cannot be read: ValueError: invalid literal"),
        (Call("builtins:exec", ("raise SystemExit",)), "cannot be read: SystemExit"),
        (Call("builtins:exec", (ENDLESS,)), "more processor time than its size justifies"),
    ],
    ids=["memory", "abort", "crash", "exception", "exit", "endless"],
)
def test_a_call_that_fails_is_named_and_the_others_are_carried_out(
    workers: Workers, fatal: Call, reason: str
) -> None:
    answers = dict(workers.run([ECHO, fatal, ECHO, ECHO]))

    failed = answers.pop(1)
    assert isinstance(failed, Failed)
    assert reason in failed.reason
    assert answers == {0: "still here", 2: "still here", 3: "still here"}


def test_a_full_disk_is_no_fault_of_the_file(workers: Workers) -> None:
    full = Call("builtins:exec", ("raise OSError(28, 'No space left on device')",))

    with pytest.raises(OSError, match="No space left"):
        list(workers.run([full]))


def test_a_worker_that_something_else_kills_stops_the_job() -> None:
    with Workers(1, memory=512) as workers, pytest.raises(KilledError):
        list(workers.run([Call("signal:raise_signal", (signal.SIGKILL,))]))


def test_time_grows_with_what_a_call_reads() -> None:
    assert guard.SECONDS + guard.SECONDS_PER_MIB * 32 > 300


def test_the_parent_does_not_import_the_engine(tmp_path: Path) -> None:
    """Its forks would not be safe, and its start a tenth of a second slower."""
    folders = ["--input", str(ROOT / "samples"), "--output", str(tmp_path / "out")]
    code = "import sys, preprocess\ncode = preprocess.main(sys.argv[1:])\n"
    code += "sys.exit(code or ('polars' in sys.modules and 'it imported polars'))"
    variables = {"PYTHONPATH": str(ROOT / "src/processing"), "LANDRUN_OPT_ML": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code, *folders], env=os.environ | variables, check=True)
