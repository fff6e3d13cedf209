"""What a cold start builds: from the settings, with all clients of the mode and no others."""

from __future__ import annotations

import pytest

from unit.functions.fakes import NOW

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
def test_the_clients_of_a_mode_are_made_at_init_and_no_others(load, handler, variables, services):
    assert load(handler, **variables).services == services


def test_recorder_and_limiter_are_built_from_the_settings(load):
    function = load("execution_status", MAX_CONCURRENT_RUNS="7")
    recorder, limiter = function.module.recorder, function.module.limiter
    assert limiter.executions is recorder.executions is function.executions
    assert str(recorder.manifests) == "s3://outputs/manifests/"
    assert (limiter.limit, limiter.clock()) == (7, NOW)


@pytest.mark.parametrize(
    ("variables", "collects", "objects"),
    [
        ({"START_ON": "schedule"}, True, 7),
        ({"START_ON": "arrival"}, False, 7),
        ({"START_ON": "arrival", "INPUT_MESSAGE_FORMAT": "uri"}, False, 1),
    ],
)
def test_reconcile_is_built_from_the_settings(load, variables, collects, objects):
    own = {"MAX_OBJECTS_PER_RUN": "7", "MAX_CONCURRENT_RUNS": "4"}
    built = load("reconcile", **own, **variables).module.reconciler
    assert built.clock() == built.recorder.clock() == NOW
    assert (built.collects, built.limiter.limit) == (collects, 4)
    assert built.collector.max_objects == objects
