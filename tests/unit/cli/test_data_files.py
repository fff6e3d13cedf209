"""What of a folder is landed, and under which key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.actions.demo import data_files


def _write(folder: Path, *names: str, content: str = "x\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def test_a_folder_gives_its_data_at_any_depth_under_relative_keys(tmp_path: Path) -> None:
    _write(tmp_path, "b.jsonl.gz", "a/deep/x y+z.CSV", "t.tsv.zst", "README.md", ".DS_Store")
    journeys, others = data_files(tmp_path, "incoming/")
    assert [journey.key for journey in journeys] == [
        "incoming/a/deep/x y+z.CSV",
        "incoming/b.jsonl.gz",
        "incoming/t.tsv.zst",
    ]
    assert others == [".DS_Store", "README.md"]


def test_a_single_file_lands_under_its_own_name(tmp_path: Path) -> None:
    _write(tmp_path, "deep/messages.csv")
    (journey,), others = data_files(tmp_path / "deep/messages.csv", "incoming/")
    assert (journey.name, journey.key, others) == ("messages.csv", "incoming/messages.csv", [])


def test_an_empty_file_is_left_out_for_it_would_start_no_run(tmp_path: Path) -> None:
    _write(tmp_path, "full.csv")
    _write(tmp_path, "empty.csv", content="")
    journeys, others = data_files(tmp_path, "")
    assert ([journey.name for journey in journeys], others) == (["full.csv"], ["empty.csv"])


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone", "does not exist"), ("notes.txt", "is not a file with data"), ("", "has no file")],
)
def test_nothing_to_land_is_an_error_that_says_what_would_be(
    tmp_path: Path, name: str, words: str
) -> None:
    _write(tmp_path, "notes.txt")
    with pytest.raises(ConfigurationError, match=words):
        data_files(tmp_path / name, "incoming/")


def test_a_key_that_s3_would_not_take_is_an_error_that_names_it(tmp_path: Path) -> None:
    _write(tmp_path, "/".join(["d" * 200] * 5 + ["x" * 20 + ".csv"]))
    with pytest.raises(ConfigurationError, match="longer than 1024 bytes"):
        data_files(tmp_path, "incoming/")


def test_a_name_that_is_not_utf8_is_an_error_that_names_it(tmp_path: Path) -> None:
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv"))).write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        data_files(tmp_path, "incoming/")
