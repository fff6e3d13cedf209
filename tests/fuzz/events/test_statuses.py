"""Whatever a status event, a machine, a job and a summary say: it makes a row, or is refused.

So do requests for concurrency slots, which lie in the same queue.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import THEN, Lambda, batch, fields, messages, stream, thoroughly
from .hostile import bodies, changed, spelled, texts, values

EVENTS = messages("execution")
ENDED = [event for event in EVENTS if event["detail"].get("status") not in ("RUNNING", None)]
INPUTS = [json.loads(event["detail"]["input"]) for event in ENDED if event["detail"].get("input")]
JOBS = [
    json.loads(event["detail"][field])
    for event in ENDED
    for field in ("output", "cause")
    if str(event["detail"].get(field, "")).startswith("{")
]
READ = fields("detail", "name executionArn stateMachineArn status startDate stopDate redriveCount")
READ += fields("detail", "input output error cause")
SLOT_REQUESTS = messages("slot-requested")
REQUESTED = fields("SlotRequest", "Name ExecutionArn StartedAt TaskToken")
GIVEN = fields("OutputProcessedMessage InputMessage PreprocessingJobName Trigger")
GIVEN += fields("Trigger", "Key more")
SAID = fields("ProcessingJobName ExitMessage ProcessingJobStatus StoppingCondition")
SAID += fields("ProcessingStartTime ProcessingResources")
SAID += fields("ProcessingResources", "ClusterConfig")
TRACEBACK = "Traceback (most recent call last):"
SUMMARY = {"rows_in": 3, "rows_out": 2, "files": [{"name": "a.jsonl", "rows": 3}]}


@pytest.fixture(scope="module")
def status(aws):
    return Lambda("execution_status", aws)


summaries = (
    st.binary(max_size=64)
    | st.one_of(changed(SUMMARY), values).map(lambda value: spelled(value).encode())
    | st.just(b'{"a":' * 200_000)
    | st.just(b'{"files":[' + b"[]," * 200_000 + b"[]]}")
)


def described(given):
    arn = given["executionArn"]
    return {"executionArn": arn, "status": "FAILED", "startDate": THEN, "input": "{}"}


@thoroughly
@given(found=bodies(EVENTS, READ) | bodies(SLOT_REQUESTS, REQUESTED), summary=summaries)
def test_every_message_is_recorded_or_refused_with_a_reason(aws, status, found, summary):
    aws.reset(GetObject=lambda _: stream(summary), DescribeExecution=described)

    answer = status(batch(found))
    assert (answer, status.stuck) == ({"batchItemFailures": []}, [])

    came_of_it = ("PutItem", "TransactWriteItems", "SendMessage")
    assert sum(len(aws.asked(operation)) for operation in came_of_it) == 1
    if aws.asked("SendMessage"):
        assert [line["message"] for line in status.logs if "message" in line] == ["message refused"]


@st.composite
def foreign(draw):
    """A status change that Step Functions could send, of a machine that says what it likes."""
    event = json.loads(json.dumps(draw(st.sampled_from(ENDED))))
    given = draw(st.sampled_from(INPUTS).flatmap(lambda one: changed(one, GIVEN)) | values)
    said = draw(st.sampled_from(JOBS).flatmap(lambda one: changed(one, SAID)) | values)
    said = draw(st.just(spelled(said)) | texts)
    event["detail"] |= {"input": spelled(given)[:262_144], "error": draw(texts)[:256]}
    field = "output" if event["detail"]["status"] == "SUCCEEDED" else "cause"
    return event | {"detail": event["detail"] | {field: said[:262_144]}}


@thoroughly
@given(
    event=foreign(),
    summary=summaries,
    submitted=st.one_of(values.map(lambda name: spelled({"ProcessingJobName": name})), texts),
    said=texts,
    listed=st.lists(texts, max_size=3),
)
def test_whatever_a_machine_says_its_end_is_recorded_and_a_failure_notified(
    aws, status, event, summary, submitted, said, listed
):
    aws.reset(
        GetObject=lambda _: stream(summary),
        ListObjectsV2={"Contents": [{"Key": key, "Size": 10**15} for key in listed]},
        DescribeExecution=described,
        GetExecutionHistory={
            "events": [
                {"type": "TaskSubmitted"},
                {"type": "TaskScheduled", "taskScheduledEventDetails": {"parameters": submitted}},
            ]
        },
        DescribeProcessingJob=lambda given: given | {"ExitMessage": said, "FailureReason": said},
        DescribeLogStreams={"logStreams": [{"logStreamName": "job/algo-1-17"}]},
        GetLogEvents={"events": [{"message": line} for line in (TRACEBACK, *listed)]},
    )

    answer = status(batch(spelled(event)))
    assert (answer, status.stuck) == ({"batchItemFailures": []}, [])

    [written] = aws.asked("PutItem")
    failed = event["detail"]["status"] != "SUCCEEDED"
    assert written["Item"]["status"] == {"S": event["detail"]["status"]}
    assert len(aws.asked("Publish")) == failed
