"""Which runs read an object because their manifests name it: ticks, runs by hand, reruns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from landrun.adapters.manifests import Manifests
from landrun.errors import LandrunError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.services.collect_landings import at_once
from landrun_ops.stack.inputs import Inputs
from landrun_ops.stack.run_filter import RunFilter
from landrun_ops.stack.runs_table import RunsReader

ROWS = 5000
"""Rows of the runs table, of each kind, that are considered; the newest."""

FIRST, LAST = 200, 100
"""Manifests that are read: of the first runs after an object landed, and of the last ones."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A run whose manifest names an object.

    ``exact`` is True if its list names this very version; a manifest alone names the key.
    """

    run: RunRecord
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Readers:
    """What was found, the oldest run first, and how far the search went.

    Of the ``of`` runs by schedule or by hand that there were, ``looked`` manifests were read, and
    ``unread`` of them could not be.
    """

    found: tuple[Reader, ...] = ()
    looked: int = 0
    of: int = 0
    unread: int = 0


@dataclass(frozen=True)
class Lineage:
    """Finds the runs that read an object; ``folder`` is where the manifests of runs lie."""

    runs: RunsReader
    s3: Any
    folder: S3Uri

    def readers(
        self, where: S3Uri, version_id: str | None, since: datetime, now: datetime
    ) -> Readers:
        """Find runs by schedule or by hand, started since then, that read an object.

        Raises ServiceError when DynamoDB does not answer; what S3 refuses is counted.
        """
        rows = [
            run
            for kind in ("schedule", "manual")
            for run in islice(self.runs.newest(now, since=since, only=RunFilter(kind=kind)), ROWS)
        ]
        rows.sort(key=lambda run: run.started_at)
        chosen = [*rows[:FIRST], *rows[FIRST:][-LAST:]]
        answers = at_once(lambda run: self._ask(run, where, version_id), chosen)
        found = tuple(one for one in answers if isinstance(one, Reader))
        unread = sum(isinstance(one, LandrunError) for one in answers)
        return Readers(found, len(chosen), len(rows), unread)

    def _ask(
        self, run: RunRecord, where: S3Uri, version_id: str | None
    ) -> Reader | LandrunError | None:
        try:
            if run.trigger.get("Kind") == "schedule":
                return self._tick(run, where, version_id)
            given = Inputs(self.s3, self.folder).of_run(run)
        except LandrunError as error:
            return error
        except (ValueError, TypeError, KeyError):  # what lies there is no manifest
            return None
        if given is None or given.bucket != where.bucket or where.key not in given.keys:
            return None
        return Reader(run)

    def _tick(self, run: RunRecord, where: S3Uri, version_id: str | None) -> Reader | None:
        """Look into the manifest of a tick, and into its list of versions if it has one."""
        uri, own = S3Uri.parse(str(run.input_message)), f"{run.name}.json"
        # A run that was passed a prefix has a manifest of what lay there.
        at = S3Uri(uri.bucket, uri.key.removesuffix(own)) if uri.key.endswith(own) else self.folder
        manifests = Manifests(self.s3, at.bucket, at.key)
        manifest = manifests.find(run.name)
        if manifest is None or manifest.bucket != where.bucket or where.key not in manifest.keys:
            return None
        if manifest.landings is None:
            return Reader(run)
        listed = manifests.collected(manifest).landings
        versions = {one.version_id for one in listed if one.key == where.key}
        return Reader(run, exact=True) if version_id in versions else None
