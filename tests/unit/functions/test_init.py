"""What a cold start builds: from the settings, with all clients of the mode and no others."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from handler_loader import ENVIRONMENT, Context, load_handler
from unit.functions.fakes import NOW

START = {"s3", "stepfunctions"}
RECORD = {"stepfunctions", "sagemaker", "s3", "dynamodb", "sns", "logs"}
COLLECTING = {"START_ON": "schedule", "SCHEDULED_INPUT": ""}


def load(handler, client=lambda _: SimpleNamespace(), **variables):
    return load_handler(handler, ENVIRONMENT | variables, client, lambda: NOW)


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
    load(handler, lambda service: made.add(service) or SimpleNamespace(), **variables)
    assert made == services


def test_recorder_and_limiter_are_built_from_the_settings():
    module = load("execution_status", MAX_CONCURRENT_RUNS="7")
    assert module.limiter.executions is module.recorder.executions
    assert str(module.recorder.manifests) == "s3://outputs/manifests/"
    assert (module.limiter.limit, module.limiter.clock()) == (7, NOW)


@pytest.mark.parametrize(
    ("variables", "collects", "objects"),
    [
        ({"START_ON": "schedule"}, True, 7),
        ({"START_ON": "arrival"}, False, 7),
        ({"START_ON": "arrival", "INPUT_MESSAGE_FORMAT": "uri"}, False, 1),
    ],
)
def test_reconcile_is_built_from_the_settings(variables, collects, objects):
    built = load(
        "reconcile", MAX_OBJECTS_PER_RUN="7", MAX_CONCURRENT_RUNS="4", **variables
    ).reconciler
    assert built.clock() == built.recorder.clock() == NOW
    assert (built.collects, built.limiter.limit) == (collects, 4)
    assert built.collector.max_objects == objects


def test_the_messages_of_a_batch_overlap(load_event, root):
    def start(**given):
        together.wait(20)
        return {"executionArn": given["name"], "startDate": NOW}

    client = SimpleNamespace(put_object=lambda **_: None, start_execution=start)
    module = load("object_created", lambda _: client)
    together = threading.Barrier(module.BATCH_SIZE)
    answer = module.handler(load_event("object-created-batch"), Context())
    assert answer == {"batchItemFailures": []}
    template = (root / "template.yaml").read_text(encoding="utf-8")
    assert f"BatchSize: {module.BATCH_SIZE}\n" in template


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": "no"}, {"detail": {}}])
def test_an_event_that_is_no_batch_of_a_queue_is_an_error(event):
    with pytest.raises(Exception, match=r"SQS|event"):
        load("object_created").handler(event, Context())
