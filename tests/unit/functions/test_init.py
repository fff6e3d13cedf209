"""What a cold start builds: the clients of its mode, and threads for a whole batch."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from handler_loader import ENVIRONMENT, Context, load_handler

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
START = {"s3", "stepfunctions"}
RECORD = {"stepfunctions", "sagemaker", "s3", "dynamodb", "sns", "logs"}
COLLECTING = {"START_ON": "schedule", "SCHEDULED_INPUT": ""}


@pytest.mark.parametrize(
    ("handler", "variables", "services"),
    [
        ("object_created", {}, {"sqs"} | START),
        ("object_created", {"START_ON": "schedule"}, {"sqs", "dynamodb"}),
        ("schedule", {}, START),
        ("schedule", COLLECTING, START | {"dynamodb"}),
        ("execution_status", {}, RECORD | {"sqs"}),
        ("reconcile", {}, RECORD),
    ],
)
def test_the_clients_of_a_mode_are_made_at_init_and_no_others(handler, variables, services):
    made = set()
    load_handler(handler, ENVIRONMENT | variables, made.add)
    assert made == services


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
