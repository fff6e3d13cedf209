"""What of a folder a demo lands, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.cli.demo import data_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jsonl.gz", "a/deep/x y+z.CSV", "t.tsv.zst", "README.md", "notes/n.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    (tmp_path / "empty.csv").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("source", "names", "others"),
    [
        pytest.param(
            "",
            ["a/deep/x y+z.CSV", "b.jsonl.gz", "t.tsv.zst"],
            ["README.md", "empty.csv", "notes/n.txt"],
            id="a folder's data at any depth, without what is empty",
        ),
        pytest.param("a/deep/x y+z.CSV", ["x y+z.CSV"], [], id="a file by its own name"),
    ],
)
def test_data_lands_under_its_name_and_the_rest_is_named(
    folder: Path, source: str, names: list[str], others: list[str]
) -> None:
    data, left_out = data_files(folder / source)
    assert ([name for _, name in data], left_out) == (names, others)


@pytest.mark.parametrize(
    ("source", "words"),
    [("gone", "does not exist"), ("README.md", "has no data in .jsonl"), ("notes", "has no data")],
)
def test_nothing_to_land_is_an_error_that_says_what_would_be(
    folder: Path, source: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        data_files(folder / source)
