"""`make mutations` takes guarantees away by their text: the text must be there to be taken away."""

from __future__ import annotations

import shutil

import pytest

from .mutations import MUTATIONS, ROOT, Mutation, mutated

SOURCE = ROOT / "src"


@pytest.fixture
def project(tmp_path):
    for folder in ("functions", "processing"):
        shutil.copytree(SOURCE / folder, tmp_path / "src" / folder)
    return tmp_path


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_guarantee_can_be_taken_away_and_what_is_left_is_python(project, mutation):
    mutated(project, mutation)
    path = project / "src" / mutation.file
    text = path.read_text(encoding="utf-8")
    assert text != (SOURCE / mutation.file).read_text(encoding="utf-8")
    compile(text, str(path), "exec")


def test_code_that_is_not_found_is_an_error(project):
    with pytest.raises(LookupError, match="no such guarantee"):
        mutated(
            project,
            Mutation(
                "no such guarantee", "functions/landrun/adapters/runs_table.py", "no such code", ""
            ),
        )
