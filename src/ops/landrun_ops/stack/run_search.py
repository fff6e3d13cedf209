"""Find the runs that read an object, by what their manifests name."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from landrun.models.run_record import RunRecord
from landrun_ops.stack.inputs import AT_ONCE, Input

MOST_MANIFESTS = 500
"""Manifests that one search reads."""

_CHUNK = 64
"""Runs whose manifests are asked for before the first of them is given."""


class Search:
    """Looks for a part of a key in the triggers and manifests of runs.

    Parameters
    ----------
    text : str
        The part.
    read : callable
        Returns what a run reads; None if nothing is there.
    most : int
        How many manifests to read.

    Attributes
    ----------
    left : int
        Runs by schedule or by hand that were not looked into, because they were too many.
    """

    def __init__(
        self, text: str, read: Callable[[RunRecord], Input | None], most: int = MOST_MANIFESTS
    ) -> None:
        self._text, self._read, self._most = text, read, most
        self._asked: dict[str, Future[bool]] = {}
        self.left = 0

    @property
    def manifests(self) -> int:
        """How many manifests were read."""
        return len(self._asked)

    def among(self, runs: Iterable[RunRecord]) -> Generator[RunRecord, None, None]:
        """Give those of the runs that read such a key, in their order, reading ahead a little.

        Raises
        ------
        ServiceError
            When S3 refuses a call or cannot be reached.
        """
        left = iter(runs)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while chunk := list(islice(left, _CHUNK)):
                asked = [(run, self._ask(run, pool)) for run in chunk]
                yield from (run for run, has in asked if has is not None and has.result())

    def _ask(self, run: RunRecord, pool: ThreadPoolExecutor) -> Future[bool] | None:
        """Begin to look; None if the run does not have it, or is not looked into."""
        if run.trigger.get("Kind") == "object-created":
            if self._text not in str(run.trigger.get("Key", "")):
                return None
            found: Future[bool] = Future()
            found.set_result(True)
            return found
        uri = run.input_message
        if not isinstance(uri, str):
            return None
        if uri.endswith("/"):  # each run has a manifest of what lay there then
            uri = run.name
        if uri not in self._asked:
            if self.manifests >= self._most:
                self.left += 1
                return None
            self._asked[uri] = pool.submit(self._has, run)
        return self._asked[uri]

    def _has(self, run: RunRecord) -> bool:
        given = self._read(run)
        return given is not None and any(self._text in key for key in given.keys)
