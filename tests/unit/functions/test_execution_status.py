"""The handler of status changes, loaded as Lambda loads it, with fakes of the adapters."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler_loader import ENVIRONMENT, Context, Printed, load_handler
from landrun.adapters.outputs import OutputSize
from landrun.errors import InvalidEvent, ServiceError
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import parse_slot_request, parse_status_change
from landrun.services.record_outcome import OutcomeRecorder

from .conftest import (
    MACHINE,
    NOW,
    FakeDeadLetters,
    FakeExecutions,
    FakeJobs,
    FakeNotifications,
    FakeOutputs,
    FakeRunsTable,
    messages,
)

DONE: dict[str, Any] = {"batchItemFailures": []}


class FakeLimiter:
    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.changes: list[Any] = []
        self.failing: ServiceError | None = None

    def request_slot(self, request: Any) -> None:
        self.requests.append(request)

    def execution_changed(self, change: Any) -> None:
        self.changes.append(change)
        if self.failing:
            raise self.failing


class Function:
    """The function after a cold start."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.services: list[str] = []
        self.outputs, self.runs_table = FakeOutputs(size=OutputSize(3, 4096)), FakeRunsTable()
        self.limiter, self.dead = FakeLimiter(), FakeDeadLetters()
        self.module = module = load_handler("execution_status", ENVIRONMENT, self._client, clock)
        self.built = (module.recorder, module.limiter)
        module.limiter, module.dead_letters = self.limiter, self.dead
        module.recorder = OutcomeRecorder(
            executions=FakeExecutions(),
            jobs=FakeJobs(),
            outputs=self.outputs,
            runs_table=self.runs_table,
            notifications=FakeNotifications(),
            manifests=S3Uri("outputs", "manifests/"),
            logger=module.logger,
            metrics=module.metrics,
            clock=clock,
        )

    def _client(self, service: str) -> Any:
        self.services.append(service)
        return SimpleNamespace()

    def handle(self, event: dict[str, Any]) -> Any:
        return self.module.handler(event, Context())

    def printed(self) -> Printed:
        return Printed(self._capsys.readouterr().out)


def clock():
    return NOW


@pytest.fixture
def function(capsys):
    return Function(capsys)


def test_each_status_change_is_recorded_and_followed(function, load_event):
    event = load_event("execution-out-of-order")
    assert function.handle(event) == DONE
    [row] = function.runs_table.rows.values()
    assert row["status"] == "SUCCEEDED"
    statuses = [message["detail"]["status"] for message in messages(event)]
    assert [change.status for change in function.limiter.changes] == statuses
    printed = function.printed()
    assert printed.count("StatusChangesSuperseded") == 2
    assert printed.count("Executions", Status="SUCCEEDED") == 1
    assert printed.count("RunDuration") > 0
    assert {line["run"] for line in printed.logs} == {row["name"]}


def test_a_slot_request_is_taken_and_makes_no_record(function, load_event):
    event = load_event("slot-requested")
    assert function.handle(event) == DONE
    [body] = [record["body"] for record in event["Records"]]
    assert function.limiter.requests == [parse_slot_request(body)]
    assert (function.limiter.changes, function.runs_table.rows) == ([], {})


@pytest.mark.parametrize("failing", ["outputs", "limiter"])
def test_a_failure_to_record_or_to_limit_fails_the_message_and_does_not_stop_the_other(
    function, load_event, failing
):
    getattr(function, failing).failing = ServiceError("s3:ListObjectsV2", "SlowDown", "later")
    event = load_event("execution-succeeded")
    [failure] = function.handle(event)["batchItemFailures"]
    assert failure["itemIdentifier"] == event["Records"][0]["messageId"]
    assert len(function.limiter.changes) == 1
    assert len(function.runs_table.rows) == (1 if failing == "limiter" else 0)
    assert function.printed().count("MessagesFailed") == 1


def test_a_malformed_status_change_goes_to_the_dead_letter_queue_with_its_reason(
    function, load_event
):
    event = load_event("execution-malformed")
    assert function.handle(event) == DONE
    [(body, reason)] = function.dead.put_there
    assert body == event["Records"][0]["body"]
    assert "status change" in reason


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
def test_a_slot_request_that_makes_no_sense_goes_to_the_dead_letter_queue(
    function, load_event, wrong
):
    event = copy.deepcopy(load_event("slot-requested"))
    [record] = event["Records"]
    request = json.loads(record["body"])["SlotRequest"]
    record["body"] = json.dumps({"SlotRequest": request | wrong if wrong else wrong})
    assert function.handle(event) == DONE
    [(_, reason)] = function.dead.put_there
    assert reason
    assert function.limiter.requests == []


def test_the_function_is_built_from_its_settings_with_all_clients_at_init(function):
    expected = {"stepfunctions", "sagemaker", "s3", "dynamodb", "sns", "sqs"}
    assert set(function.services) == expected
    recorder, limiter = function.built
    assert recorder.executions.state_machine_arn == MACHINE
    assert limiter.executions is recorder.executions
    assert (limiter.limit, limiter.clock) == (2, clock)


@given(st.text())
def test_whatever_the_text_it_is_a_status_change_or_refused(text):
    with pytest.raises(InvalidEvent):
        parse_status_change(text)


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
    [message] = messages(load_event("execution-failed"))
    message["detail"] |= detail
    with pytest.raises(InvalidEvent, match=next(iter(detail))) as refusal:
        parse_status_change(json.dumps(message))
    assert str(refusal.value).isprintable()
