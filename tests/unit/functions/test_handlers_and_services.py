"""What handlers and services do apart from what tests/faults shows."""

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock, patch

import pytest
from aws_lambda_powertools import Metrics

from handler_loader import ENVIRONMENT, Context, load_handler
from landrun.services.limit_concurrency import ConcurrencyLimiter

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_the_messages_of_a_batch_overlap(load_event, root):
    def start(**given):
        together.wait(20)
        return {"executionArn": given["name"], "startDate": NOW}

    client = SimpleNamespace(put_object=lambda **_: None, start_execution=start)
    module = load_handler("object_created", ENVIRONMENT, lambda _: client, lambda: NOW)
    together = threading.Barrier(module.BATCH_SIZE)
    answer = module.handler(load_event("object-created-batch"), Context())
    assert answer == {"batchItemFailures": []}
    template = (root / "template.yaml").read_text(encoding="utf-8")
    assert f"BatchSize: {module.BATCH_SIZE}\n" in template


@pytest.mark.parametrize(
    ("limit", "waits", "metrics"),
    [
        (2, [30, 90, 60], {"RunsWaiting": 3, "OldestWaitForSlot": 90.0}),
        (2, [], {"RunsWaiting": 0, "OldestWaitForSlot": 0.0}),
        (0, [30], {"RunsWaiting": 1, "OldestWaitForSlot": 30.0}),  # of a former limit
        (0, [], {}),
    ],
)
def test_waiting_executions_and_the_longest_wait_are_measured(limit, waits, metrics):
    limiter = Mock(limit=limit, clock=lambda: NOW)
    limiter.table.with_status.return_value = [
        Mock(requested_at=NOW - timedelta(seconds=wait)) for wait in waits
    ]
    with patch.object(Metrics, "add_metric") as add_metric:
        ConcurrencyLimiter.measure(limiter)
    assert {call.args[0]: call.args[2] for call in add_metric.call_args_list} == metrics
