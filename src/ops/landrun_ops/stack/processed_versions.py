"""Which versions of objects have a run already, or wait for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, islice
from typing import TypeVar

from landrun.adapters.landings_table import KEPT
from landrun.adapters.runs_table import RunsTable
from landrun.errors import InvalidName
from landrun.models.run import check_prefix, landing_run_name
from landrun.models.run_record import RunRecord
from landrun.services.collect_landings import at_once
from landrun_ops.stack.landings import BATCH, Known, Landings
from landrun_ops.stack.object_versions import Version
from landrun_ops.stack.run_filter import Looking, Only
from landrun_ops.stack.runs_table import Runs

Answer = TypeVar("Answer")

TOLERANCE = timedelta(seconds=5)
"""How much earlier than the object's own time its event's may be: clocks, and whole seconds."""


LOOKED_BACK = 5000
"""Runs whose names are looked at for what names began with before."""


@dataclass(frozen=True)
class Knows:
    """Knows runs by their names, and landings by the table where they wait.

    Attributes
    ----------
    bucket : str
        The landing bucket.
    prefix : str
        What the names of runs begin with.
    ledger, landings, runs
        The doors to both tables; ``runs`` reads the ledger from its newest row to its oldest.
    now : datetime
        The present, aware.
    collects : bool
        Whether landings wait for ticks (``StartOn=schedule``).
    """

    bucket: str
    prefix: str
    ledger: RunsTable
    landings: Landings
    runs: Runs
    now: datetime
    collects: bool

    def among(self, versions: Sequence[Version]) -> set[str]:
        """Give the keys of those, of different keys each, that have a run or wait for one.

        Without a version id nobody can tell which run it was; then a run, or a landing, of that
        key at the time of the object or later counts.

        Raises
        ------
        ServiceError
            When DynamoDB refuses a call or cannot be reached.
        """
        named = {
            landing_run_name(prefix, self.bucket, one.key, one.version_id): one.key
            for one in versions
            if one.version_id
            for prefix in self._prefixes
        }
        recorded = _in_batches(self.ledger.find_progress, list(named))
        keys = [one.key for one in versions]
        tables = _in_batches(lambda batch: self.landings.of_keys(self.bucket, batch), keys)
        landed: dict[str, Known] = dict(chain.from_iterable(map(dict.items, tables)))
        known = {named[name] for name in chain.from_iterable(recorded)}
        return known | {one.key for one in versions if self._is_known(one, landed.get(one.key))}

    def may_have_forgotten(self, version: Version) -> bool:
        """Whether it may have been processed so long ago that the table has forgotten it."""
        return self.collects and version.modified < self._forgotten_before

    def _is_known(self, version: Version, landed: Known | None) -> bool:
        if version.version_id:
            return landed is not None and landed.version_id == version.version_id
        times = [landed.landed_at if landed else None, self._by_key.get(version.key)]
        return any(time and time >= version.modified - TOLERANCE for time in times)

    @cached_property
    def _forgotten_before(self) -> datetime:
        """Before when landings may have been forgotten: never before there was the table."""
        created, forgotten = self.landings.created_at(), self.now - KEPT
        return forgotten if created < forgotten else datetime.min.replace(tzinfo=self.now.tzinfo)

    @cached_property
    def _prefixes(self) -> set[str]:
        """What names begin with, and began with before ``JobNamePrefix`` was changed."""
        kind = Only(kind="object-created")
        landed = self.runs.newest(self.now, 1000, only=kind, looking=Looking())
        before = {run.name.rpartition("-")[0] for run in islice(landed, LOOKED_BACK)}
        return {self.prefix, *filter(_can_be_prefix, before)}

    @cached_property
    def _by_key(self) -> dict[str, datetime]:
        """When each object last had a run of its own: the whole ledger, read once."""
        found: dict[str, datetime] = {}
        for run in self.runs.newest(self.now):
            key, time = _landed(run, self.bucket)
            if key and time and time > found.get(key, datetime.min.replace(tzinfo=time.tzinfo)):
                found[key] = time
        return found


def _can_be_prefix(text: str) -> bool:
    try:
        return bool(check_prefix(text))
    except InvalidName:
        return False


def _landed(run: RunRecord, bucket: str) -> tuple[str, datetime | None]:
    trigger = run.trigger
    if trigger.get("Kind") != "object-created" or trigger.get("Bucket") != bucket:
        return "", None
    time = Known(event_time=str(trigger.get("EventTime", ""))).landed_at
    return str(trigger.get("Key", "")), time


def _in_batches(ask: Callable[[Sequence[str]], Answer], names: Sequence[str]) -> list[Answer]:
    """Ask about names, `BATCH` at a time, several times at once."""
    batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
    return at_once(ask, batches)
