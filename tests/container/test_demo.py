"""The demo with the job in its container comes to what it comes to with the job as a subprocess."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from default_job import Result
from landrun_ops.actions.demo import DATA_SUFFIXES

from .conftest import IMAGE

LANDRUN = str(Path(sys.executable).parent / "landrun")


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own template and code, where outputs disturb nobody."""
    copy = tmp_path_factory.mktemp("project")
    for folder in ("src", "samples"):
        shutil.copytree(root / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "template.yaml", copy)
    return copy


def demo(project: Path, *arguments: str) -> dict[str, Any]:
    """Give the counts, rows and rejects of each sample."""
    outputs = project / ".landrun/demo"
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
    found = {path.parent.name: Result(path.parent) for path in outputs.rglob("summary.json")}
    return {
        name: (result.counts, sorted(map(repr, result.frame.rows())), result.rejected)
        for name, result in found.items()
    }


@pytest.mark.timeout(400)
def test_each_sample_has_the_same_counts_rows_and_rejects(project: Path) -> None:
    samples = [one for one in (project / "samples").iterdir() if one.name.endswith(DATA_SUFFIXES)]
    contained = demo(project, "--docker", "--image", IMAGE)

    assert len(contained) == len(samples) > 0
    assert contained == demo(project)
