"""The notebook of samples/ runs, and landrun takes over the state machine that it creates."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from landrun_ops import cli
from landrun_ops.local.aws import LocalAws

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:bsm-batch-preprocessing"
SAMPLE_ROWS = 44


@pytest.fixture(scope="module")
def taken_over(
    laptop: Callable[..., Any], root: Path, tmp_path_factory: pytest.TempPathFactory
) -> LocalAws:
    """A stack that starts the notebook's state machine, once the notebook has created it."""
    parameters = {"StateMachineArn": MACHINE, "InputMessageFormat": "uri"}
    return laptop(root, tmp_path_factory.mktemp("uri") / "state", parameters).aws


@pytest.fixture(scope="module")
def executed(taken_over: LocalAws, root: Path) -> Any:
    """The notebook after its cells ran in the environment that ``landrun local env`` gives."""
    notebook = nbformat.read(root / "samples/notebook.ipynb", as_version=4)
    folder = {"metadata": {"path": str(root / "samples")}}
    client = NotebookClient(notebook, timeout=100, kernel_name="python3", resources=folder)
    client.execute(env={**os.environ, **taken_over.environment()})
    return notebook


@pytest.fixture
def landrun(
    taken_over: LocalAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, Any]]:
    """``landrun(*arguments)`` gives the exit code and the JSON of a command on that stack."""
    for name, value in taken_over.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LANDRUN_STACK", "landrun")

    def run(*arguments: str) -> tuple[int, Any]:
        code = cli.run([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def results(notebook: Any) -> list[str]:
    return [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "execute_result"
    ]


def test_the_notebook_is_committed_without_outputs(root: Path) -> None:
    notebook = nbformat.read(root / "samples/notebook.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)


def test_every_cell_of_the_notebook_runs_and_its_job_completes(executed: Any) -> None:
    assert results(executed) == [repr(MACHINE), repr("Completed")]


def test_an_object_that_lands_is_read_by_the_notebooks_machine_itself(
    executed: Any, taken_over: LocalAws, landrun: Callable[..., tuple[int, Any]]
) -> None:
    code, row = landrun("verify", "--patience", "60")
    assert code == 0
    key = row["trigger"]["Key"]
    assert row["input_message"] == f"s3://{taken_over.outputs['LandingBucket']}/{key}"
    assert row["summary"]["rows_in"] == SAMPLE_ROWS
    assert [one["name"] for one in row["summary"]["files"]] == [key.rpartition("/")[2]]
