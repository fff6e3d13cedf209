"""Which runs read an object because their manifests name it: ticks, runs by hand, reruns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from landrun.errors import LandrunError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.services.collect_landings import at_once
from landrun_ops.stack.inputs import Input, Inputs
from landrun_ops.stack.runs_table import RunFilter
from landrun_ops.stack.stack import Stack

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
    """What was found, the oldest run first, in the manifests of ``looked`` of the ``of`` runs."""

    found: tuple[Reader, ...] = ()
    looked: int = 0
    of: int = 0


def find_readers(
    stack: Stack, where: S3Uri, version_id: str | None, since: datetime, now: datetime
) -> Readers:
    """Find runs by schedule or by hand, started since then, that read a version of an object.

    Raises ServiceError when DynamoDB does not answer; what S3 refuses is not counted as looked at.
    """
    table, inputs = stack.runs_reader(), Inputs(stack.client("s3"), stack.manifests_folder)
    rows = [
        run
        for kind in ("schedule", "manual")
        for run in islice(table.newest(now, since=since, only=RunFilter(kind=kind)), ROWS)
    ]
    rows.sort(key=lambda run: run.started_at)

    def read(run: RunRecord) -> Input | LandrunError | None:
        try:
            return inputs.of_run(run)
        except LandrunError as error:
            return error

    chosen = [*rows[:FIRST], *rows[FIRST:][-LAST:]]
    given = list(zip(chosen, at_once(read, chosen), strict=True))
    found = tuple(
        Reader(run, exact=one.versions is not None)
        for run, one in given
        if isinstance(one, Input) and one.names(where, version_id)
    )
    looked = sum(not isinstance(one, LandrunError) for _, one in given)
    return Readers(found, looked, len(rows))
