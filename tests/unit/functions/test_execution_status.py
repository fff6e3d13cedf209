from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.outputs import OutputSize
from landrun.errors import InvalidEvent, ServiceError
from landrun.handlers.execution_status import ExecutionStatus, build
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import parse_status_change, parse_turn
from landrun.services.record_outcome import OutcomeRecorder
from landrun.settings import ExecutionStatusSettings

from .conftest import (
    MACHINE,
    Clock,
    FakeAdmission,
    FakeDeadLetters,
    FakeExecutions,
    FakeJobs,
    FakeNotifications,
    FakeOutputs,
    FakeRunsTable,
    messages,
)


@pytest.fixture
def landrun(telemetry):
    doors = {
        "executions": FakeExecutions(),
        "jobs": FakeJobs(),
        "outputs": FakeOutputs(size=OutputSize(3, 4096)),
        "runs_table": FakeRunsTable(),
        "notifications": FakeNotifications(),
    }
    recorder = OutcomeRecorder(
        **doors,
        manifests=S3Uri("outputs", "manifests/"),
        logger=telemetry.logger,
        metrics=telemetry.metrics,
        clock=Clock(),
    )
    dead = FakeDeadLetters()
    admission = FakeAdmission()
    function = ExecutionStatus(recorder, admission, dead, telemetry)
    return SimpleNamespace(function=function, admission=admission, dead_letters=dead, **doors)


def details(load_event: Any, name: str) -> list[dict[str, Any]]:
    return [message["detail"] for message in messages(load_event(name))]


def handle(landrun: Any, load_event: Any, name: str, context: Any) -> dict[str, Any]:
    assert landrun.function.handle(load_event(name), context) == {"batchItemFailures": []}
    return landrun.runs_table.rows[details(load_event, name)[-1]["name"]]


def test_late_and_doubled_events_never_take_a_row_back(landrun, load_event, context, told):
    found = handle(landrun, load_event, "execution-out-of-order", context)
    assert found["status"] == "SUCCEEDED"
    assert told().count("StatusChangesSuperseded") == 2


def test_a_status_that_could_not_be_looked_into_for_now_comes_again(landrun, load_event, context):
    landrun.outputs.failing = ServiceError("s3:ListObjectsV2", "SlowDown", "later")
    event = load_event("execution-succeeded")
    answer = landrun.function.handle(event, context)
    [failure] = answer["batchItemFailures"]
    assert failure["itemIdentifier"] == event["Records"][0]["messageId"]
    assert landrun.runs_table.rows == {}


def test_a_malformed_status_goes_to_the_dead_letter_queue_with_its_reason(
    landrun, load_event, context
):
    event = load_event("execution-malformed")
    assert landrun.function.handle(event, context) == {"batchItemFailures": []}
    [(body, reason)] = landrun.dead_letters.put_there
    assert body == event["Records"][0]["body"]
    assert "status change" in reason


def test_the_function_is_built_over_the_machine_table_and_topic_of_its_settings(telemetry):
    settings = ExecutionStatusSettings(
        state_machine_arn=MACHINE,
        runs_table="runs",
        notifications_topic_arn="arn:aws:sns:us-east-1:123456789012:failures",
        dead_letter_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/dead",
        output_bucket="outputs",
        manifest_prefix="manifests/",
        concurrency_table="turns",
        max_concurrent_runs=4,
    )
    asked: list[str] = []
    function = build(settings, asked.append, telemetry=telemetry)
    assert set(asked) == {"stepfunctions", "sagemaker", "s3", "dynamodb", "sns"}
    assert function.recorder.executions.state_machine_arn == MACHINE
    assert function.admission.executions is function.recorder.executions
    assert function.admission.limit == 4


def test_a_run_that_asks_for_its_turn_waits_for_it(landrun, load_event, context):
    [body] = [record["body"] for record in load_event("slot-requested")["Records"]]
    assert landrun.function.handle(load_event("slot-requested"), context) == {
        "batchItemFailures": []
    }
    assert landrun.admission.asked == [parse_turn(body)]
    assert landrun.runs_table.rows == {}


def test_every_status_change_is_followed(landrun, load_event, context):
    handle(landrun, load_event, "execution-out-of-order", context)
    statuses = [detail["status"] for detail in details(load_event, "execution-out-of-order")]
    assert [change.status for change in landrun.admission.followed] == statuses


def test_a_place_that_cannot_be_taken_for_now_keeps_no_row_from_its_record(
    landrun, load_event, context
):
    landrun.admission.failing = ServiceError("dynamodb:TransactWriteItems", "Throttling", "later")
    event = load_event("execution-succeeded")
    assert len(landrun.function.handle(event, context)["batchItemFailures"]) == 1
    [row] = landrun.runs_table.rows.values()
    assert row["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Name": "another"},
        {"Name": ""},
        {"TaskToken": ""},
        {"TaskToken": "x" * 2049},
        {"TaskToken": None},
        {"StartedAt": "2026-11-22T08:15:31"},
        {"StartedAt": "soon"},
        {"StartedAt": "9999-12-31T23:59:59-10:00"},
        {"StartedAt": "0001-01-01T00:00:00+14:00"},
        {"StartedAt": "9999-12-31T23:59:59.9999999Z"},
        {"ExecutionArn": "landrun"},
        [],
    ],
)
def test_a_request_for_a_turn_that_makes_no_sense_is_refused(landrun, load_event, context, wrong):
    event = copy.deepcopy(load_event("slot-requested"))
    [record] = event["Records"]
    turn = json.loads(record["body"])["SlotRequest"]
    record["body"] = json.dumps({"SlotRequest": turn | wrong if wrong else wrong})
    assert landrun.function.handle(event, context) == {"batchItemFailures": []}
    [(_, reason)] = landrun.dead_letters.put_there
    assert "turn" in reason or "name" in reason or "calendar" in reason
    assert landrun.admission.asked == []


def test_outcomes_and_durations_are_measured(landrun, load_event, context, told):
    handle(landrun, load_event, "execution-succeeded", context)
    output = told()
    assert output.count("Executions", Status="SUCCEEDED") == 1
    assert output.count("RunDuration") > 0
    assert all("run" in line for line in output.logs)


@given(st.text())
def test_whatever_the_text_it_is_a_status_change_or_refused(text):
    with pytest.raises(InvalidEvent):
        parse_status_change(text)


def changed(load_event, **detail):
    """The body of a status change of events/ with other fields."""
    event = json.loads(load_event("execution-failed")["Records"][0]["body"])
    return json.dumps(event | {"detail": event["detail"] | detail})


@pytest.mark.parametrize(
    "detail",
    [
        {"name": ""},
        {"name": "n" * 81},
        {"executionArn": "not an ARN"},
        {"executionArn": "arn:aws:states:us-east-1:1:execution:m:n\n"},
        {"executionArn": f"arn:aws:states:{'x' * 512}"},
        {"startDate": -1},
        {"startDate": 10**18},
        {"stopDate": 1e300},
        {"redriveCount": 10**40},
        {"redriveCount": -1},
        {"status": "\x1b[2J"},
    ],
)
def test_what_step_functions_never_says_is_refused_by_its_field(load_event, detail):
    with pytest.raises(InvalidEvent, match=next(iter(detail))) as refusal:
        parse_status_change(changed(load_event, **detail))
    assert str(refusal.value).isprintable()
