"""Every payload of events/ through the real handler of the function that it is meant for."""

import json
from pathlib import Path

import pytest

EVENTS = sorted((Path(__file__).resolve().parents[2] / "events").glob("*.json"))
FUNCTIONS = {
    "object": "ObjectCreatedFunction",
    "schedule": "ScheduleFunction",
    "execution": "ExecutionStatusFunction",
    "slot": "ExecutionStatusFunction",
    "reconcile": "ReconcileFunction",
}
NAMED = {
    "schedule-unfilled": "InvalidEvent",
    "schedule-tick": "ConfigurationError",
    "schedule-classic": "ConfigurationError",
    "schedule-default-input": "ConfigurationError",
}
"""Payloads that end in an error, by the error: the stack's defaults have no scheduled input."""


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_payload_is_processed_by_its_function(aws, path, load_event):
    event = load_event(path.stem)
    function = aws.outputs[FUNCTIONS[path.stem.partition("-")[0]]]
    reply = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    answer = json.loads(reply["Payload"].read())
    if path.stem in NAMED:
        assert answer["errorType"] == NAMED[path.stem]
        return
    assert "FunctionError" not in reply, answer
    if path.stem.startswith("reconcile"):
        kinds = {"Statuses", "Executions", "Claims", "Manifests", "Notifications"}
        assert set(answer) == kinds | {
            "SlotsNotCounted",
            "ExecutionsNotResumed",
            "SlotsNotReleased",
        }
    else:
        assert answer == {"batchItemFailures": []}
