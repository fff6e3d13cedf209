"""Whatever lies in the queues: it is processed, ignored or refused, and no message is stuck.

LANDRUN_FUZZ_EXAMPLES says how many examples each test takes; a few, always the same, without it.
"""

import copy
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landrun.sanitize import json_object

from .functions import Function, stream

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
EVENTS = Path(__file__).resolve().parents[3] / "events"
thoroughly = settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


PIECES = (
    "\0\a\b\t\v\f\r\n\x7f\x85",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "\u2028\u2029\u202egnp.exe\u2066\u200b\ufeff\ufffe",
    "\ud800",
    "\udfff\ud83d😀é日本",
    '{"level":"ERROR","message":"forged"}\n',
    "<https://evil.example|click here>",
    "HTTP://EVIL.example",
    "www.evil.example",
    "../../etc/passwd",
    "//",
    "s3://outputs/processed/",
    "incoming/a.jsonl",
)
LENGTHS = (80, 81, 255, 256, 1024, 1025, 2049, 70_000, 120_000)
UNUSUAL = (
    *("[" * levels + "]" * levels for levels in (19, 29, 30, 31, 400, 60_000)),
    *("9" * digits for digits in (16, 39, 140, 4300, 4400)),
    f"[{'1,' * 100_000}1]",
    f"[{'{},' * 60_000}{{}}]",
)
"""JSON that is too deep, too long or too large for somebody."""

pieces = st.sampled_from(PIECES)
long_texts = st.builds(lambda piece, size: (piece * size)[:size], pieces, st.sampled_from(LENGTHS))
texts = st.lists(pieces | st.text(max_size=8), max_size=4).map("".join) | long_texts
"""Texts with what moves cursors, breaks lines, makes links, and no end."""

values = texts.map(json.dumps) | st.sampled_from(UNUSUAL)
values |= st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
).map(json.dumps)
"""Any value, as JSON."""


def _fields(value):
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield value, name
        yield from _fields(inner)


@st.composite
def changed(draw, events):
    """Change some fields of one of the events to any value, or leave them out; as JSON."""
    event = copy.deepcopy(draw(st.sampled_from(events)))
    fields, here = list(_fields(event)), "@here@"
    places = st.integers(0, len(fields) - 1)
    for place in draw(st.lists(places, min_size=1, max_size=3, unique=True)):
        holder, name = fields[place]
        holder[name] = here
        if draw(st.integers(0, 5)) == 0:
            del holder[name]
    before, *parts = json.dumps(event).split(json.dumps(here))
    return before + "".join(draw(values) + part for part in parts)


def bodies(events):
    """The body of a message: a changed event, one that is cut off, or anything that is JSON."""
    at, end = st.integers(1, 500), st.sampled_from(["", '"', "\\", "NaN", "\\ud800"])
    cut = st.builds(lambda body, at, end: body[:at] + end, changed(events), at, end)
    return st.one_of(*[changed(events)] * 5, cut, values)


def messages(pattern):
    """The JSON objects in the messages of those payloads."""
    payloads = [json.loads(path.read_text("utf-8")) for path in sorted(EVENTS.glob(pattern))]
    found = [json_object(one["body"]) for payload in payloads for one in payload["Records"]]
    return [event for event in found if event]


LANDINGS = messages("object-*.json")
STATUSES = messages("execution-*.json")
ENDED = [event for event in STATUSES if event["detail"].get("status") not in ("RUNNING", None)]
SAID = [json_object(event["detail"].get(name)) for event in ENDED for name in ("input", "cause")]
anything = changed([one for one in SAID if one]) | values | texts
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
        assert {one["MessageBody"] for one in refused} <= set(found)
        done = len(function.asked(*processed)) + logged["landing ignored"] + len(refused)
        assert done == len(found)

    check()


@st.composite
def foreign(draw):
    """A status change that Step Functions could send, of a machine that says what it likes."""
    event = draw(st.sampled_from(ENDED))
    said = "output" if event["detail"]["status"] == "SUCCEEDED" else "cause"
    given = {name: draw(anything)[:262_144] for name in ("input", said)}
    return event | {"detail": event["detail"] | given | {"error": draw(texts)[:256]}}


@pytest.fixture(scope="module")
def status():
    return Function("execution_status")


SUMMARY = {"rows_in": 3, "rows_out": 2, "files": [{"name": "a.jsonl", "rows": 3}]}
LONG_SUMMARIES = (b'{"a":' * 40_000, b'{"files":[' + b"[]," * 40_000 + b"[]]}")
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
