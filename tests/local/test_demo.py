"""`landrun demo`, end to end: files land, are processed and recorded, or the cause is told."""

import os
import re
import shutil
import signal
import subprocess

import polars as pl
import psutil
import pytest

from laptop_stack import eventually
from local.commands import SECONDS, shell
from local.laptop import typed


@pytest.fixture(scope="module")
def project(root, tmp_path_factory):
    """The project's own template and code, where outputs disturb nobody."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copytree(root / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "template.yaml", copy)
    return copy


@pytest.fixture
def demo(project, tmp_path, tmp_path_factory):
    """``demo(...)`` processes the test's folder; it gives the process and its output's reader."""
    said = tmp_path_factory.mktemp("said")
    out, err = said / "out.txt", said / "err.txt"

    def start(*options):
        words = ("demo", str(tmp_path), *options)
        return typed(shell(COLUMNS="200"), *words, cwd=project, out=out, err=err), out.read_text

    yield start
    assert err.read_text() == ""


def test_a_folder_s_files_are_followed_and_left_to_open_with_the_cause_of_a_failure(
    demo, project, tmp_path
):
    (tmp_path / "deep").mkdir()
    message = '{"sender": "ana", "text": "hello &amp; goodbye"}\n'
    (tmp_path / "deep/a [1].jsonl").write_text(
        f'{message}{message}{{"sender": "bob", "text": " "}}\n'
    )
    (tmp_path / "b.csv").write_text("sender,text\ncleo,see you\n")
    (tmp_path / "bad.csv").write_text("colour,size\nred,3\n")
    (tmp_path / "notes.md").write_text("not data")

    process, said = demo()
    process.join(SECONDS)

    assert process.exitcode == 1
    assert "left out, not data or empty: notes.md" in said()
    lines = said().splitlines()
    (ended,) = [line for line in lines if "  deep/a [1].jsonl " in line]
    assert ended.endswith("rows 3 in, 1 out, 1 duplicate, 1 empty, 0 rejected")
    assert "  .landrun/demo/deep/a [1].jsonl/" in lines
    assert "landrun local up" in said()
    assert re.search(r" bad.csv [0-9a-f]{8}: FAILED after .*: no text column", said())
    assert "  .landrun/demo/bad.csv/job.log" in lines
    assert "no text column" in (project / ".landrun/demo/bad.csv/job.log").read_text()
    output = project / ".landrun/demo/deep/a [1].jsonl"
    rows = pl.read_parquet(list(output.rglob("*.parquet")), glob=False)
    assert rows.select("sender", "text").rows() == [("ana", "hello & goodbye")]


def test_a_script_of_the_users_runs_in_the_place_of_the_default_one_with_more_arguments(
    demo, project, tmp_path
):
    script = project / "src/processing/count_lines.py"
    script.write_text(
        "import pathlib, sys\n"
        "lines = sum(len(f.read_text().splitlines()) for f in pathlib.Path(sys.argv[2])"
        ".rglob('*.jsonl'))\n"
        "pathlib.Path(sys.argv[4], 'lines.txt').write_text(f'{lines} {sys.argv[5:]}')\n"
    )
    (tmp_path / "messages.jsonl").write_text('{"text": "hello"}\n' * 3)
    entrypoint = "JobEntrypoint=python3 /opt/program/count_lines.py"
    options = ("--parameter", "StartOn=arrival", "--arguments", " --more   words")
    process, _ = demo("--parameter", entrypoint, *options)
    process.join(SECONDS)
    assert process.exitcode == 0
    output = project / ".landrun/demo/messages.jsonl"
    assert (output / "lines.txt").read_text() == "3 ['--more', 'words']"


def test_ctrl_c_leaves_no_process_behind(demo, tmp_path):
    (tmp_path / "messages.jsonl").write_text('{"text": "hello"}\n')
    process, said = demo()
    eventually(lambda: "landed" in said())
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, signal.SIGINT)
    process.join(SECONDS)
    assert process.exitcode == 130
    assert psutil.wait_procs(children, timeout=30)[1] == []


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ([], "<demo>"),
        (['INPUT=my files/it\'s "new"'], '<demo><my files/it\'s "new">'),
        (["INPUT=a.csv", "ARGS=--text-column v2"], "<demo><a.csv><--arguments=--text-column v2>"),
    ],
)
def test_make_demo_hands_input_and_arguments_over_unharmed(root, tmp_path, variables, shown):
    """Given a stand-in for landrun that shows its arguments, in an environment that is set up."""
    stand_in = tmp_path / "landrun"
    stand_in.write_text('#!/bin/sh\nfor word; do printf "<%s>" "$word"; done\n')
    stand_in.chmod(0o755)
    options = (f"--directory={root}", "--no-print-directory", "--old-file=.venv/.ops")
    command = ["make", *options, f"BIN={tmp_path}", "demo", *variables]
    assert subprocess.check_output(command, env=shell(), text=True) == shown
