"""Handlers apart from what tests/faults shows: the messages of a batch are handled at once."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

from handler_loader import ENVIRONMENT, Context, load_handler

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
