"""What the parent and its workers tell each other of a run: tasks, and what came of them.

The parent plans and sums up without the engine, whose import would take a tenth of a second and
60 MiB. So schemas, which hold the engine's types, pass through it as the bytes that pickle made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from messages.options import Rules
from messages.sources import Source


@dataclass(frozen=True)
class Task:
    """A stretch of one file.

    ``start`` and ``end`` are bytes of a file, which is read whole unless it can be cut, or rows of
    a Parquet file.
    """

    number: int
    source: Source
    start: int = 0
    end: int = 0


@dataclass
class Done:
    """What came of a task. Positions in ``rejects`` (a file of JSON lines) count from its start.

    ``failed`` says why its file has to be rejected as a whole; ``schema`` is pickled, of column
    names and the types that batches had in each.
    """

    number: int
    rows_in: int = 0
    empty: int = 0
    rejected: int = 0
    staged: int = 0
    lines: int = 0
    listed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: Path | None = None
    damage: str | None = None
    failed: str | None = None
    schema: bytes = b""


@dataclass(frozen=True)
class Output:
    """What all buckets are written by.

    ``schema`` is pickled: the columns of the output, named by ``columns``, and their types.
    ``rules`` say which of them are masked once duplicates are gone. Rows of other tasks than
    ``tasks`` are those of files that were rejected after all. A bucket that takes more than
    ``limit`` bytes in memory is spread over several first.
    """

    schema: bytes
    columns: tuple[str, ...]
    rules: Rules
    tasks: Sequence[int] = ()
    limit: int = 0


@dataclass
class Written:
    """What became of a bucket: its parts, and rows kept by task number."""

    parts: list[Path] = field(default_factory=list)
    kept: Counter[int] = field(default_factory=Counter)


def buckets_in(folder: Path) -> list[list[Path]]:
    """List the files of each bucket, whose number is what their names begin with."""
    paths = sorted(folder.glob("[0-9]*"))
    return [list(files) for _, files in groupby(paths, lambda path: path.stem)]
