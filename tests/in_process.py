"""What stands for guarded workers where a thousand runs have to take seconds: this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from messages.guard import Call, answer


class InProcess:
    """Carries calls out in this process, as a worker does; nothing limits what they take."""

    def __init__(self, count: int = 1, memory: int = 0) -> None:
        self.count = count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        for place, call in enumerate(calls):
            returned = answer(call)
            if isinstance(returned, OSError):
                raise returned
            yield place, returned
