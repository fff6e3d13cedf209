"""The processing job in this process, over files that mean harm, and what must hold of any run."""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl

import preprocess
from here import Here

COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
# What functions keep of a summary in a run's record, once its list of files is left out.
RECORD_BYTES = 32_768
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code, exit message, log, and its summary when it has one."""

    code: int
    message: str
    log: list[str]
    summary: dict[str, Any] | None
    rejected: list[dict[str, Any]]

    def file(self, name: str) -> dict[str, Any]:
        """Give what the summary says of a file."""
        assert self.summary is not None, self.message
        return next(file for file in self.summary["files"] if file["name"] == name)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def run(files: Mapping[str, bytes] | Path, *arguments: str) -> Ended:
    """Run the job over files (or a folder of them), and hold what must hold however it ends."""
    with tempfile.TemporaryDirectory(prefix="landrun-fuzz-") as folder:
        root = Path(folder)
        given = files if isinstance(files, Path) else _written(files, root / "input")
        lines = _Lines()
        preprocess.log.addHandler(lines)
        try:
            with (
                mock.patch.object(preprocess, "Workers", Here),
                mock.patch.dict("os.environ", LANDRUN_OPT_ML=str(root / "ml")),
                mock.patch.object(preprocess.signal, "signal"),
            ):
                output = str(root / "output")
                code = preprocess.main(
                    ["--input", str(given), "--output", output, "--memory-mb", "1024", *arguments]
                )
        finally:
            preprocess.log.removeHandler(lines)
        ended = _ended(root, code, lines.lines)
    _sound(ended)
    return ended


def _written(files: Mapping[str, bytes], folder: Path) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def _ended(root: Path, code: int, log: list[str]) -> Ended:
    message = root / "ml/output/message"
    said = message.read_bytes().decode("utf-8") if message.exists() else ""
    output = root / "output"
    if not (output / "summary.json").exists():
        return Ended(code, said, log, None, [])
    summary = json.loads((output / "summary.json").read_bytes())
    rejected = [json.loads(line) for line in (output / "rejected.jsonl").read_bytes().splitlines()]
    parts = [pl.read_parquet(part) for part in sorted(output.glob("part-*.parquet"))]
    assert sum(part.height for part in parts) == summary["rows_out"]
    return Ended(code, said, log, summary, rejected)


def _sound(ended: Ended) -> None:
    assert ended.code in (0, 1)
    assert bool(ended.message) == (ended.code != 0), "a failure says why, and nothing else does"
    assert not ended.message.startswith("unexpected "), ended.message
    assert len(ended.message.encode()) <= 1024
    for line in (ended.message, *ended.log):
        assert "\n" not in line
        assert not UNPRINTABLE.search(line), line
        assert len(line) < 2000
    if ended.summary is not None:
        _adds_up(ended.summary, ended.rejected)


def _adds_up(summary: dict[str, Any], rejected: list[dict[str, Any]]) -> None:
    for counted in (summary, *summary["files"]):
        assert counted["rows_in"] == sum(counted[name] for name in COUNTS[1:])
    assert len(rejected) <= summary["rejected"] + summary["files_rejected"]
    lean = {name: value for name, value in summary.items() if name != "files"}
    assert len(json.dumps(lean)) <= RECORD_BYTES
    for text in _texts([summary, rejected]):
        assert not UNPRINTABLE.search(text), text
        assert len(text) <= 1024


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
