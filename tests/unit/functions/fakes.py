"""A time, a schedule, and a run's record."""

from __future__ import annotations

from datetime import UTC, datetime

from landrun.models.run_record import EXECUTION_RUNNING
from landrun.models.status_change import RANKS
from records import record

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"


def run_record(status="FAILED", redrive_count=0, **more):
    unfinished = {"unfinished": EXECUTION_RUNNING if status == "RUNNING" else None}
    progress = {"redrive_count": redrive_count, "status_rank": RANKS[status], **unfinished}
    return record({"name": "run-1", "status": status} | progress | more)
