"""A script as a subprocess: its paths, its end."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun_ops.local.container import (
    ContainerStartError,
    ProcessContainer,
    command_line,
    rewrite,
)

OPT_ML, PROGRAM = Path("/t/ml"), Path("/p")
FILE = "file://"


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/opt/ml", "/t/ml"),
        ("/opt/ml/", "/t/ml/"),
        ("/opt/ml/processing/in", "/t/ml/processing/in"),
        ("--input=/opt/ml/x", "--input=/t/ml/x"),
        ("/opt/ml/a:/opt/ml/b", "/t/ml/a:/t/ml/b"),
        (f"{FILE}/opt/ml/a", f"{FILE}/t/ml/a"),
        ("cat '/opt/ml/a' > /opt/ml/b", "cat '/t/ml/a' > /t/ml/b"),
        ("/opt/program/x.py", "/p/x.py"),
        ("s3://bucket/opt/ml/x", "s3://bucket/opt/ml/x"),
        ("s3://opt/ml/x", "s3://opt/ml/x"),
        ("/opt/mlflow/x", "/opt/mlflow/x"),
        ("/data/opt/ml", "/data/opt/ml"),
        ("/opt/programs", "/opt/programs"),
    ],
)
def test_only_paths_under_the_two_folders_are_rewritten(text: str, rewritten: str) -> None:
    assert rewrite(text, opt_ml=OPT_ML, program=PROGRAM) == rewritten


@given(st.text().filter(lambda text: "/opt/" not in text))
def test_text_without_such_a_path_stays_as_it_is(text: str) -> None:
    assert rewrite(text, opt_ml=OPT_ML, program=PROGRAM) == text


@pytest.mark.parametrize("python", ["python3", "python", "/usr/bin/python3.11"])
def test_python_of_the_image_is_the_interpreter_here(python: str) -> None:
    words = [python, "/opt/program/x.py", "--python3"]
    line = command_line(words, python="/venv/bin/python", opt_ml=OPT_ML, program=PROGRAM)
    assert line == ["/venv/bin/python", "/p/x.py", "--python3"]


def run(text: str, folder: Path, *words: str) -> ProcessContainer:
    command = [sys.executable, "-c", text, *words]
    container = ProcessContainer(command, {"SEEN": "yes"}, folder, folder / "log")
    container.start()
    return container


def test_output_goes_to_the_log_and_nothing_is_inherited(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    container = run("import os; print(os.environ.get('SECRET'), os.environ['SEEN'])", tmp_path)
    assert container.wait(10) == 0
    assert (tmp_path / "log").read_text() == "None yes\n"


def test_wait_says_nothing_while_it_runs(tmp_path: Path) -> None:
    container = run("import time; time.sleep(60)", tmp_path)
    assert container.wait(0.01) is None
    container.stop(grace=5)
    assert container.wait(0) == 128 + 15


def test_script_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    text = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    container = run(text, tmp_path)
    deadline = time.monotonic() + 10
    while not (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    container.stop(grace=0.1)
    assert container.wait(0) == 128 + 9


def test_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    container = ProcessContainer(["/no/such"], {}, tmp_path, tmp_path / "log")
    with pytest.raises(ContainerStartError, match="/no/such"):
        container.start()
    container.stop(grace=0)
    assert container.wait(0) is None
