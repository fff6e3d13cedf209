"""Workers that may die, called with functions that anyone can look up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROCESSING = Path(__file__).parents[3] / "src/processing"
# In a process of its own, which has no engine, as the job's parent has none: its forks are safe.
SCRIPT = """
import json, sys, types
from messages.guard import Call, Failed, KilledError, Workers

sys.modules["messages.work"] = types.ModuleType("the engine, which these calls do not need")

def outcome(calls):
    try:
        answers = dict(workers.run([Call(name, tuple(given)) for name, given in calls]))
    except (KilledError, OSError) as error:
        return type(error).__name__
    return [getattr(answers[place], "reason", answers[place]) for place in range(len(calls))]

with Workers(2, memory=512) as workers:
    json.dump([outcome(calls) for calls in json.loads(sys.argv[1])], sys.stdout)
"""
ENDLESS = "from messages import guard; guard._limit_time(0)\nwhile 1: 0"
FATAL = [
    ("builtins:bytearray", 4 * 1024**3, "reading it took more memory than a worker may have"),
    ("builtins:exec", "import os; os.abort()", "reading it took more memory than a worker may"),
    ("signal:raise_signal", signal.SIGSEGV, "reading it killed its worker (exit code -11)"),
    ("builtins:int", "no number", "it cannot be read: ValueError: invalid literal"),
    ("builtins:exec", "raise SystemExit", "it cannot be read: SystemExit"),
    ("builtins:exec", ENDLESS, "reading it took more processor time than its size justifies"),
]
FULL_DISK = ("builtins:exec", ["raise OSError(28, 'No space left on device')"])


@pytest.fixture(scope="module")
def outcomes():
    echoes = [[("builtins:abs", [-number]) for number in range(20)]]
    fatal = [(name, [argument]) for name, argument, _ in FATAL]
    runs = [*echoes, [*fatal, *echoes[0]], [FULL_DISK], [("signal:raise_signal", [signal.SIGKILL])]]
    command = [sys.executable, "-c", SCRIPT, json.dumps(runs)]
    done = subprocess.run(command, cwd=PROCESSING, capture_output=True, check=True)
    return json.loads(done.stdout)


def test_answers_come_by_the_place_of_their_call(outcomes):
    assert outcomes[0] == list(range(20))


def test_a_call_that_fails_says_why_and_the_others_are_carried_out(outcomes):
    for reason, (*_, expected) in zip(outcomes[1], FATAL, strict=False):
        assert reason.startswith(expected)
    assert outcomes[1][len(FATAL) :] == list(range(20))


def test_a_full_disk_and_a_worker_that_something_else_kills_end_the_job(outcomes):
    assert outcomes[2:] == ["OSError", "KilledError"]
