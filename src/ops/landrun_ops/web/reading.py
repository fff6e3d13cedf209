"""What a report is made of: read from the ledger, page by page, and from the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from landrun.models.run_record import RunRecord
from landrun.models.status_change import timestamp
from landrun_ops.web.facts import Facts, facts, milliseconds
from landrun_ops.web.ignored import Ignored


@dataclass(frozen=True, slots=True)
class Report:
    """What a report shows.

    Attributes
    ----------
    stack, region : str
        What it is about.
    made_at, since : datetime
        When it was made, and the beginning of the time that it is about.
    runs : sequence of dict
        The facts of each run, newest first.
    more : bool
        Whether there are older runs since then, which were left out.
    ignored : Ignored
        What landed and started no run.
    laptop : bool
        Whether the stack is on a laptop's AWS, which has no console.
    """

    stack: str
    region: str
    made_at: datetime
    since: datetime
    runs: Sequence[Facts]
    more: bool
    ignored: Ignored
    laptop: bool = False

    def as_json(self) -> dict[str, Any]:
        """Give all of it as one JSON object."""
        return {
            "stack": self.stack,
            "region": self.region,
            "made_at": timestamp(milliseconds(self.made_at)),
            "since": timestamp(milliseconds(self.since)),
            "more": self.more,
            "ignored": self.ignored.as_json(),
            "runs": [_in_words(run) for run in self.runs],
        }


def read(
    newest: Iterable[RunRecord],
    limit: int,
    told: Callable[[int], None] = lambda _: None,
    *,
    consoles: bool = True,
) -> tuple[list[Facts], bool]:
    """Take the facts of at most ``limit`` runs, the newest; say besides whether there are more.

    ``told`` is called after each run with how many have been read. ``consoles`` says whether AWS's
    consoles show them.
    """
    found, remaining = list[Facts](), iter(newest)
    for run in islice(remaining, limit):
        found.append(facts(run, consoles=consoles))
        told(len(found))
    return found, next(remaining, None) is not None


def _in_words(run: Facts) -> Facts:
    """Spell a run's times as the ledger does."""
    stopped = run["stopped"] and timestamp(run["stopped"])
    return run | {"started": timestamp(run["started"]), "stopped": stopped}
