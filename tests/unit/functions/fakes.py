"""A clock that a test moves, names, and a run's record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from landrun.models.run_record import EXECUTION_RUNNING, RunRecord
from landrun.models.status_change import RANKS

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:landrun"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"


def run_record(status="FAILED", redrive_count=0, **more):
    usual = {
        "name": "run-1",
        "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:landrun:run-1",
        "state_machine_arn": MACHINE,
        "status": status,
        "redrive_count": redrive_count,
        "status_rank": RANKS[status],
        "month": "2026-11",
        "started_at": "2026-11-22T03:00:00.000Z",
        "unfinished": EXECUTION_RUNNING if status == "RUNNING" else None,
    }
    return RunRecord.model_validate(usual | more)


class Clock:
    """A clock that stands still until a test advances it."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def advance(self, **by):
        self.now += timedelta(**by)
