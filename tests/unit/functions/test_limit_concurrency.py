"""Who is counted, of those that run and hold no place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from landrun.services.limit_concurrency import LOOK_UPS, ConcurrencyLimiter

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_of_many_that_are_not_counted_the_oldest_are_looked_at():
    listed = [
        {"name": str(age), "executionArn": f"arn:{age}", "startDate": NOW - timedelta(hours=age)}
        for age in range(LOOK_UPS + 100)
    ]  # the newest first, as ListExecutions has them
    pages = {"": (listed[:300], "more"), "more": (listed[300:], "")}
    turns = SimpleNamespace(holders=lambda: [SimpleNamespace(name="599")], waiting=list)
    executions = SimpleNamespace(page=lambda token, **_: pages[token])
    admission = ConcurrencyLimiter(
        turns, executions, SimpleNamespace(), SimpleNamespace(), 1, lambda: NOW
    )
    found = [name for name, _ in admission.uncounted(NOW - timedelta(hours=1))]
    assert found == [str(age) for age in range(LOOK_UPS + 98, 98, -1)]
