"""What the metrics say of the executions that wait for a concurrency slot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from landrun.services.limit_concurrency import ConcurrencyLimiter

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "waits", "metrics"),
    [
        (2, [30, 90, 60], {"RunsWaiting": 3, "OldestWaitForSlot": 90.0}),
        (2, [], {"RunsWaiting": 0, "OldestWaitForSlot": 0.0}),
        (0, [30], {"RunsWaiting": 1, "OldestWaitForSlot": 30.0}),
        (0, [], {}),
    ],
    ids=["three wait", "none waits", "one waits of a former limit", "no limit"],
)
def test_waiting_executions_and_the_longest_wait_are_measured(limit, waits, metrics):
    requests = [SimpleNamespace(requested_at=NOW - timedelta(seconds=wait)) for wait in waits]
    limiter = Mock(limit=limit, clock=lambda: NOW)
    limiter.table.with_status.return_value = requests
    ConcurrencyLimiter.measure(limiter)
    calls = limiter.metrics.add_metric.call_args_list
    assert {call.args[0]: call.args[2] for call in calls} == metrics
