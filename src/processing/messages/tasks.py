"""The data that passes between the parent and its workers: tasks and their results.

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
    """A range of one file.

    ``start`` and ``end`` are positions in bytes or, for Parquet, rows. A file that cannot be
    divided is one task.
    """

    number: int
    source: Source
    start: int = 0
    end: int = 0


@dataclass
class Done:
    """The result of a task. Positions in ``rejects`` (a file of JSON lines) count from its start.

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
    """The settings by which all buckets are written.

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
    """The result of a bucket: its parts, and the rows kept by task number."""

    parts: list[Path] = field(default_factory=list)
    kept: Counter[int] = field(default_factory=Counter)


def buckets_in(folder: Path) -> list[list[Path]]:
    """List the files of each bucket; their names begin with its number."""
    paths = sorted(folder.glob("[0-9]*"))
    return [list(files) for _, files in groupby(paths, lambda path: path.stem)]
