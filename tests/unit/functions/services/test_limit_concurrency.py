"""What the fault suite (test_cases_concurrency) does not show of the concurrency limiter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

from landrun.models.concurrency import SlotStatus
from landrun.services.limit_concurrency import ConcurrencyLimiter

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def limiter(limit, **with_status):
    metrics = EphemeralMetrics(namespace="landrun", service="landrun")
    table = SimpleNamespace(with_status=lambda status: with_status.get(status, []))
    return ConcurrencyLimiter(table, None, None, None, metrics, limit, lambda: NOW)


def test_missed_counts_are_the_oldest_first_without_young_and_known_ones():
    running = [
        {"name": str(age), "executionArn": f"arn:{age}", "startDate": NOW - timedelta(hours=age)}
        for age in range(6)
    ]
    known = limiter(
        1, **{SlotStatus.RESUMED: [named("5")], SlotStatus.WAITING: [named("2")]}
    ).missed_counts(running, NOW - timedelta(hours=1))
    assert [name for name, _ in known] == ["4", "3", "1"]
    assert list(limiter(0).missed_counts(running, NOW)) == []


def named(name, requested_at=NOW):
    return SimpleNamespace(name=name, requested_at=requested_at)


@pytest.mark.parametrize(
    ("limit", "minutes", "metrics"),
    [
        (2, [3, 10, 5], {"RunsWaiting": 3, "OldestWaitForSlot": 600}),
        (2, [], {"RunsWaiting": 0, "OldestWaitForSlot": 0}),
        (0, [1], {"RunsWaiting": 1, "OldestWaitForSlot": 60}),
        (0, [], {}),
    ],
)
def test_waiting_executions_are_measured_where_there_is_a_limit_or_one_waits(
    limit, minutes, metrics
):
    waiting = [named("run", NOW - timedelta(minutes=one)) for one in minutes]
    measured = limiter(limit, **{SlotStatus.WAITING: waiting})
    measured.measure()
    found = {name: metric["Value"] for name, metric in measured.metrics.metric_set.items()}
    assert found == {name: [value] for name, value in metrics.items()}
