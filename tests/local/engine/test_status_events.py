"""'Step Functions Execution Status Change' events, as a queue behind a rule receives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from landrun_ops.local.moto_patches.step_functions import detail

from .conftest import moto_lacks

FAIL = {"Type": "Fail", "Error": "Bad", "Cause": "file"}
Heard = Callable[[str, int], list[dict[str, Any]]]


@pytest.fixture
def heard(laptop):
    """``heard(arn, 2)``: the details of the first two events of an execution."""
    _, take = laptop.queue("aws.states")
    received = []

    def of(arn, count):
        def look():
            received.extend(take())
            mine = [event for event in received if event["resources"] == [arn]]
            return mine if len(mine) >= count else None

        return [event["detail"] for event in laptop.until(look)]

    return of


@moto_lacks
def test_success_is_reported_from_start_to_end_in_awss_shape(laptop, heard):
    arn = laptop.execute(laptop.machine_with(Type="Pass"), {"a": "<id> ü"}, name="run-1")
    started, ended = heard(arn, 2)
    assert (started["status"], started["name"]) == ("RUNNING", "run-1")
    assert json.loads(started["input"]) == {"a": "<id> ü"}
    assert started["inputDetails"] == {"included": True}
    assert (started["stopDate"], started["output"], started["outputDetails"]) == (None, None, None)
    assert started["redriveStatus"] == "NOT_REDRIVABLE"
    execution = laptop.execution(arn)
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", execution["output"])
    assert ended["outputDetails"] == {"included": True}
    assert ended["startDate"] == int(execution["startDate"].timestamp() * 1000)
    assert ended["stopDate"] == int(execution["stopDate"].timestamp() * 1000)


@moto_lacks
def test_a_rule_delivers_an_event_as_it_was_put_unless_it_is_disabled(laptop):
    url, take = laptop.queue("mine")
    events, rule = laptop.client("events"), url.rpartition("/")[2]

    def put(number):
        detail = json.dumps({"n": number, "text": "<id>"})
        events.put_events(Entries=[{"Source": "mine", "DetailType": "t", "Detail": detail}])

    put(1)
    events.disable_rule(Name=rule)
    put(2)
    events.enable_rule(Name=rule)
    put(3)
    found = take()
    assert [event["detail"] for event in found] == [{"n": n, "text": "<id>"} for n in (1, 3)]
    assert {event["account"] for event in found} == {"123456789012"}


def test_time_out_and_abort_are_reported(laptop, heard):
    wait = {"Type": "Wait", "Seconds": 60}
    slow = laptop.execute(laptop.machine_with(**wait, program={"TimeoutSeconds": 1}))
    stopped = laptop.execute(laptop.machine_with(**wait))
    laptop.stop(stopped, error="E", cause="C")
    aborted = heard(stopped, 2)[1]
    assert (aborted["status"], aborted["error"], aborted["cause"]) == ("ABORTED", "E", "C")
    assert heard(slow, 2)[1]["status"] == "TIMED_OUT"


def test_every_execution_of_many_is_reported_in_order(laptop, heard):
    machine = laptop.machine_with(Type="Pass")
    arns = [laptop.execute(machine) for _ in range(12)]
    for arn in arns:
        assert [event["status"] for event in heard(arn, 2)] == ["RUNNING", "SUCCEEDED"]


def test_redrive_of_a_failure_is_reported_with_its_count_and_date(laptop, heard):
    arn = laptop.execute(laptop.machine_with(**FAIL))
    before = heard(arn, 2)[1]
    date = laptop.client("stepfunctions").redrive_execution(executionArn=arn)["redriveDate"]
    running, failed = heard(arn, 4)[2:]
    assert (before["status"], before["error"], before["cause"]) == ("FAILED", "Bad", "file")
    assert (before["redriveCount"], before["redriveDate"]) == (0, None)
    assert [running["status"], failed["status"]] == ["RUNNING", "FAILED"]
    for event in (running, failed):
        assert event["redriveCount"] == 1
        assert event["redriveDate"] == int(date.timestamp() * 1000)
        assert event["startDate"] == before["startDate"]
    assert (running["stopDate"], running["error"], running["cause"]) == (None, None, None)
    assert failed["stopDate"] >= failed["redriveDate"]


def execution(**more):
    values = {
        "exec_arn": "arn:aws:states:us-east-1:123456789012:execution:m:run",
        "state_machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m",
        "name": "run",
        "status": "SUCCEEDED",
        "start_date": datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC),
        "stop_date": None,
        "execution_input": "{}",
        "output": None,
        "error": None,
        "cause": None,
        "redrive_count": 0,
        "redrive_date": None,
    }
    return SimpleNamespace(**{**values, **more})


NAMES = ["running", "succeeded", "failed", "timed-out", "aborted"]


@pytest.mark.parametrize("name", [*NAMES, "running-redriven", "succeeded-redriven"])
def test_every_field_of_awss_events_is_there(load_event, name):
    theirs = json.loads(load_event(f"execution-{name}")["Records"][0]["body"])["detail"]
    millis = theirs.get("redriveDate")
    date = datetime.fromtimestamp(millis / 1000, tz=UTC) if millis else None
    count = theirs.get("redriveCount", 0)
    ours = detail(execution(status=theirs["status"], redrive_count=count, redrive_date=date))
    assert set(theirs) <= set(ours)
    redrives = {key: value for key, value in theirs.items() if key.startswith("redrive")}
    assert {key: ours[key] for key in redrives} == redrives
