"""What a run shows while it works: each step, how long it took, and whether it held."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Failure(Exception):
    """A check did not hold; the message says which, and what was seen instead."""


class Steps:
    """Shows steps and lines as they come; remembers what failed."""

    def __init__(self, write: Callable[[str], object] = sys.stdout.write) -> None:
        self.failed: list[str] = []
        self._write = write
        self._one_line_at_a_time = threading.Lock()

    def say(self, line: str) -> None:
        with self._one_line_at_a_time:
            self._write(f"{line}\n")
            sys.stdout.flush()

    def fail(self, what: str) -> None:
        self.failed.append(what)
        self.say(f"  FAILED {what}")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show what the block comes to; a Failure out of it ends the run."""
        self.say(f"== {title}")
        began, failed_before = time.monotonic(), len(self.failed)
        yield
        count = len(self.failed) - failed_before
        held = f"{count} failed" if count else "held"
        self.say(f"   {held}, {time.monotonic() - began:.1f} s")
