"""Which versions of objects have a run already, or wait for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

from landrun.adapters.landings_table import KEPT
from landrun.adapters.runs_table import RunsTable
from landrun.errors import InvalidName
from landrun.models.run import check_prefix, landing_run_name
from landrun_ops.stack.landings import TOLERANCE, LandingRecord, LandingsTable, event_time
from landrun_ops.stack.object_versions import ObjectVersion
from landrun_ops.stack.run_filter import RunFilter, SearchLimit
from landrun_ops.stack.runs_table import RunsReader

MOST_NAMES = 5000
"""Runs whose names are read for earlier values of ``JobNamePrefix``."""


@dataclass(frozen=True)
class ProcessedVersions:
    """Finds runs by their names, and landings in the landings table.

    Attributes
    ----------
    bucket : str
        The landing bucket.
    prefix : str
        What the names of runs begin with today.
    recorded, landings, runs
        The runs table by name, the landings table, and the runs table from its newest row on.
    now : datetime
        The present, aware.
    collects : bool
        Whether landings wait for ticks (``StartOn=schedule``).
    """

    bucket: str
    prefix: str
    recorded: RunsTable
    landings: LandingsTable
    runs: RunsReader
    now: datetime
    collects: bool

    def among(self, versions: Sequence[ObjectVersion]) -> set[str]:
        """Return the keys of those versions, of different keys, that have a run or wait for one.

        Without a version id the run cannot be named: then a run or landing of the key at the
        object's time or later counts.

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
        known = {named[name] for name in self.recorded.find_progress(list(named))}
        landed = self.landings.of_keys(self.bucket, [one.key for one in versions])
        return known | {one.key for one in versions if self._is_known(one, landed.get(one.key))}

    def may_be_forgotten(self, version: ObjectVersion) -> bool:
        """Return True if the landings table may have forgotten that it was processed."""
        return self.collects and version.modified < self._forgotten_before

    def _is_known(self, version: ObjectVersion, landed: LandingRecord | None) -> bool:
        if version.version_id:
            return landed is not None and landed.version_id == version.version_id
        if landed and landed.is_since(version.modified):
            return True
        time = self._by_key.get(version.key)
        return time is not None and time >= version.modified - TOLERANCE

    @cached_property
    def _forgotten_before(self) -> datetime:
        created, forgotten = self.landings.created_at(), self.now - KEPT
        return forgotten if created < forgotten else datetime.min.replace(tzinfo=self.now.tzinfo)

    @cached_property
    def _prefixes(self) -> set[str]:
        """What names begin with, and began with before ``JobNamePrefix`` was changed."""
        kind = RunFilter(kind="object-created")
        landed = self.runs.newest(self.now, 1000, only=kind, limit=SearchLimit())
        before = {run.name.rpartition("-")[0] for run in islice(landed, MOST_NAMES)}
        return {self.prefix, *filter(_is_prefix, before)}

    @cached_property
    def _by_key(self) -> dict[str, datetime]:
        """When each object last had a run of its own: the whole table, read once."""
        found: dict[str, datetime] = {}
        for run in self.runs.newest(self.now):
            trigger = run.trigger
            time = event_time(trigger.get("EventTime"))
            if (trigger.get("Kind"), trigger.get("Bucket")) == ("object-created", self.bucket):
                key = str(trigger.get("Key", ""))
                if time and (key not in found or time > found[key]):
                    found[key] = time
        return found


def _is_prefix(text: str) -> bool:
    try:
        return bool(check_prefix(text))
    except InvalidName:
        return False
