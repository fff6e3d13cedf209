"""What a hostile file is, and how a run over it may end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How a run over a hostile file ends; a good file beside it is always processed.

    ``status`` is the file's in ``summary.json``; ``rejected`` says that rows of it are.
    """

    status: str
    rejected: bool = False


REJECTED = Outcome("rejected")


@dataclass(frozen=True)
class Case:
    """One hostile file.

    ``write`` makes it at a path in a size: ``full`` for a run under a limit of memory, ``quick``
    for the test suite; ``small`` is the outcome then, where it is another one.
    """

    title: str
    name: str
    write: Callable[[Path, int], None]
    full: int
    quick: int
    outcome: Outcome
    small: Outcome | None = None
