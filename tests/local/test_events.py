"""Every payload of events/ through the real handler of the function that it is meant for."""

import json
from pathlib import Path

import pytest

EVENTS = sorted(path.stem for path in (Path(__file__).parents[2] / "events").glob("*.json"))
FUNCTIONS = {
    "object": "ObjectCreatedFunction",
    "schedule": "ScheduleFunction",
    "execution": "ExecutionStatusFunction",
    "slot": "ExecutionStatusFunction",
    "reconcile": "ReconcileFunction",
}
"""By how the names of their payloads begin."""


@pytest.mark.parametrize("event", EVENTS)
def test_every_payload_is_processed_by_its_function(aws, event, load_event):
    kind = event.partition("-")[0]
    function = aws.outputs[FUNCTIONS[kind]]
    payload = json.dumps(load_event(event))
    reply = aws.client("lambda").invoke(FunctionName=function, Payload=payload)
    answer = json.loads(reply["Payload"].read())
    if event == "schedule-unfilled":
        assert answer["errorType"] == "InvalidEvent"
    elif kind == "schedule":  # the stack's defaults have no scheduled input
        assert answer["errorType"] == "ConfigurationError"
    elif kind == "reconcile":
        assert "Executions" in answer
    else:
        assert answer == {"batchItemFailures": []}
