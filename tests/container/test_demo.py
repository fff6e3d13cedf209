"""The demo with the job in its container comes to what it comes to with the job as a subprocess."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from landrun_ops.cli.demo import DATA_SUFFIXES

from .conftest import IMAGE

LANDRUN = str(Path(sys.executable).parent / "landrun")
COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")


class Result(NamedTuple):
    counts: dict[str, dict[str, int]]
    rows: dict[str, list[Any]]
    rejected: dict[str, list[str]]


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own template and code, where outputs disturb nobody."""
    copy = tmp_path_factory.mktemp("project")
    for folder in ("src", "samples"):
        shutil.copytree(root / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "template.yaml", copy)
    return copy


def demo(project: Path, *arguments: str) -> Result:
    outputs = project / ".landrun" / "demo"
    shutil.rmtree(outputs, ignore_errors=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LANDRUN_"))}
    done = subprocess.run(
        [LANDRUN, "demo", *arguments],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    result = Result({}, {}, {})
    for summary in sorted(outputs.rglob("summary.json")):
        folder, name = summary.parent, summary.parent.relative_to(outputs).as_posix()
        found = json.loads(summary.read_text(encoding="utf-8"))
        result.counts[name] = {count: found[count] for count in COUNTS}
        parts = pl.read_parquet(sorted(folder.glob("part-*.parquet")), glob=False)
        result.rows[name] = sorted(map(repr, parts.rows(named=True)))
        rejected = folder / "rejected.jsonl"
        lines = rejected.read_text(encoding="utf-8").splitlines() if rejected.exists() else []
        result.rejected[name] = sorted(lines)
    return result


@pytest.mark.timeout(400)
def test_each_sample_has_the_same_counts_rows_and_rejects(project: Path) -> None:
    samples = [
        path for path in (project / "samples").iterdir() if path.name.endswith(DATA_SUFFIXES)
    ]
    contained, by_process = demo(project, "--docker", "--image", IMAGE), demo(project)
    assert len(contained.counts) == len(samples) > 0
    assert contained.counts == by_process.counts
    assert contained.rows == by_process.rows
    assert contained.rejected == by_process.rejected
