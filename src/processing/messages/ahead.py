"""Work done one step ahead, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(steps: Iterator[T]) -> Iterator[T]:
    """Yield what ``steps`` yields, none of it None, while its next step is being made.

    For a file that one worker reads from end to end: taking lines apart is Python's, cleaning them
    is Polars', which runs without Python's lock. So both go on at a time, on two cores.
    """
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, steps, None)
        while (step := coming.result()) is not None:
            coming = thread.submit(next, steps, None)
            yield step
