"""Whatever lies in the queues: it is processed, ignored or refused, and no message is stuck.

LANDRUN_FUZZ_EXAMPLES says how many examples each test takes; a few, always the same, without it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landrun.sanitize import json_object

from .functions import Function, stream
from .hostile import bodies, changed, texts, values

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
EVENTS = Path(__file__).resolve().parents[3] / "events"
thoroughly = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def messages(pattern):
    """The JSON objects in the messages of those payloads."""
    payloads = [json.loads(path.read_text("utf-8")) for path in sorted(EVENTS.glob(pattern))]
    found = [json_object(one["body"]) for payload in payloads for one in payload["Records"]]
    return [event for event in found if event]


LANDINGS = messages("object-*.json")
STATUSES = messages("execution-*.json")
ENDED = [event for event in STATUSES if event["detail"].get("status") not in ("RUNNING", None)]
SAID = [json_object(event["detail"].get(name)) for event in ENDED for name in ("input", "cause")]
QUEUES = {
    "landings that start runs": ("object_created", "arrival", LANDINGS, ["StartExecution"]),
    "landings that wait": ("object_created", "schedule", LANDINGS, ["UpdateItem"]),
    "statuses": (
        "execution_status",
        "arrival",
        STATUSES + messages("slot-*.json"),
        ["PutItem", "TransactWriteItems"],
    ),
}


@pytest.mark.parametrize("queue", QUEUES)
def test_every_message_is_processed_ignored_or_refused_with_a_reason(queue):
    name, start_on, events, processed = QUEUES[queue]
    function = Function(name, START_ON=start_on)

    @thoroughly
    @given(found=st.lists(bodies(events), min_size=1, max_size=3))
    def check(found):
        logged = Counter(line.get("message") for line in function.logs_of(found))
        refused = function.asked("SendMessage")
        assert logged["message refused"] == len(refused)
        assert {one["MessageBody"] for one in refused} <= {body or "(empty)" for body in found}
        done = len(function.asked(*processed)) + logged["landing ignored"] + len(refused)
        assert done == len(found)

    check()


@st.composite
def foreign(draw):
    """A status change that Step Functions could send, of a machine that says what it likes."""
    event = draw(st.sampled_from(ENDED))
    said = "output" if event["detail"]["status"] == "SUCCEEDED" else "cause"
    anything = changed([one for one in SAID if one]) | values | texts
    given = {name: draw(anything)[:262_144] for name in ("input", said)}
    return event | {"detail": event["detail"] | given | {"error": draw(texts)[:256]}}


@pytest.fixture(scope="module")
def status():
    return Function("execution_status")


SUMMARY = {"rows_in": 3, "rows_out": 2, "files": [{"name": "a.jsonl", "rows": 3}]}
LONG_SUMMARIES = (b'{"a":' * 200_000, b'{"files":[' + b"[]," * 200_000 + b"[]]}")
summaries = st.binary(max_size=64) | st.sampled_from(LONG_SUMMARIES)
summaries |= (changed([SUMMARY]) | values).map(str.encode)


@thoroughly
@given(
    event=foreign(),
    summary=summaries,
    job=values.map('{{"ProcessingJobName": {}}}'.format) | texts,
    said=texts,
    keys=st.lists(texts, max_size=3),
)
def test_whatever_a_machine_says_its_end_is_recorded_and_a_failure_notified(
    status, event, summary, job, said, keys
):
    scheduled = {"type": "TaskScheduled", "taskScheduledEventDetails": {"parameters": job}}
    lines = ["Traceback (most recent call last):", said]
    status.answers |= {
        "GetObject": lambda _: stream(summary),
        "ListObjectsV2": lambda _: {"Contents": [{"Key": key, "Size": 10**15} for key in keys]},
        "GetExecutionHistory": lambda _: {"events": [{"type": "TaskSubmitted"}, scheduled]},
        "DescribeProcessingJob": lambda asked: asked | {"ExitMessage": said},
        "DescribeLogStreams": lambda _: {"logStreams": [{"logStreamName": "job/algo-1-17"}]},
        "GetLogEvents": lambda _: {"events": [{"message": line} for line in lines]},
    }
    status.logs_of([json.dumps(event)])
    [written] = status.asked("PutItem")
    assert written["Item"]["status"] == {"S": event["detail"]["status"]}
    assert len(status.asked("Publish")) == (event["detail"]["status"] != "SUCCEEDED")
