"""RedriveExecution and ListExecutions, as a boto3 client sees them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

WAITS = {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 60, "End": True}}}
PASSES = {"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}}
FAILS_ONCE = """
import boto3, sys
s3, bucket = boto3.client("s3"), sys.argv[1]
found = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
s3.put_object(Bucket=bucket, Key=str(len(found)), Body=b"")
sys.exit(0 if found else 4)
"""
NEW_NAME = "States.Format('job-{}', States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))"


@pytest.fixture
def failed_once(laptop) -> tuple[str, str]:
    """An execution that has failed, and would succeed now; and the bucket of its attempts.

    A state has passed before the one that failed, and made its input.
    """
    bucket = laptop.bucket()
    request = laptop.request(FAILS_ONCE)
    request.pop("ProcessingJobName")
    parameters = {**request, "ProcessingJobName.$": NEW_NAME}
    parameters["AppSpecification"] |= {"ContainerArguments.$": "States.Array($.bucket)"}
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Parameters": parameters,
        "End": True,
    }
    made = {"Type": "Pass", "Result": {"bucket": bucket}, "Next": "Job"}
    arn = laptop.execute(
        laptop.machine({"StartAt": "Make", "States": {"Make": made, "Job": task}}),
        {"n": 1},
        name=f"run-{uuid.uuid4().hex}",
    )
    assert laptop.settled(arn)["status"] == "FAILED"
    return arn, bucket


def redrive(laptop: Any, arn: str, **more: Any) -> dict[str, Any]:
    return laptop.client("stepfunctions").redrive_execution(executionArn=arn, **more)


def listed(laptop: Any, machine: str, **more: Any) -> list[dict[str, Any]]:
    pages = laptop.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=machine, **more)
    return [execution for page in found for execution in page["executions"]]


def test_redrive_runs_the_failed_state_again_with_what_had_gone_into_it(
    laptop, failed_once: tuple[str, str]
) -> None:
    arn, bucket = failed_once
    before = laptop.execution(arn)
    date = redrive(laptop, arn)["redriveDate"]
    after = laptop.settled(arn)
    assert after["status"] == "SUCCEEDED"
    assert len(laptop.read(bucket)) == 2
    assert {key: after[key] for key in ("name", "executionArn", "input", "startDate")} == {
        key: before[key] for key in ("name", "executionArn", "input", "startDate")
    }
    assert (after["redriveCount"], after["redriveDate"]) == (1, date)
    assert after["stopDate"] > before["stopDate"]
    assert "error" not in after
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in laptop.history(arn)
        if "stateEnteredEventDetails" in event
    ]
    assert entered == ["Make", "Job", "Job"]


def test_history_goes_on_after_the_failure(laptop, failed_once: tuple[str, str]) -> None:
    arn, _ = failed_once
    redrive(laptop, arn)
    laptop.settled(arn)
    events = laptop.history(arn)
    types = [event["type"] for event in events]
    assert types[types.index("ExecutionFailed") + 1] == "ExecutionRedriven"
    assert types[-1] == "ExecutionSucceeded"
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    redriven = next(event for event in events if event["type"] == "ExecutionRedriven")
    assert redriven["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_aborted_and_timed_out_executions_can_be_redriven_and_fail_again(laptop) -> None:
    for program, how in (({}, "ABORTED"), ({"TimeoutSeconds": 1}, "TIMED_OUT")):
        arn = laptop.execute(laptop.machine({**WAITS, **program}))
        if how == "ABORTED":
            laptop.client("stepfunctions").stop_execution(executionArn=arn, error="E", cause="C")
        assert laptop.settled(arn)["status"] == how
        redrive(laptop, arn)
        running = laptop.execution(arn)
        assert running["status"] == "RUNNING"
        assert not running.keys() & {"stopDate", "error", "cause", "output"}
        laptop.client("stepfunctions").stop_execution(executionArn=arn)
        assert laptop.execution(arn)["status"] == "ABORTED"
        redrive(laptop, arn)
        assert laptop.execution(arn)["redriveCount"] == 2
        laptop.client("stepfunctions").stop_execution(executionArn=arn)


def test_what_runs_or_has_succeeded_is_not_redrivable(laptop) -> None:
    passed = laptop.execute(laptop.machine(PASSES))
    laptop.settled(passed)
    waiting = laptop.execute(laptop.machine(WAITS))
    for arn, why in ((passed, "is SUCCEEDED"), (waiting, "is RUNNING")):
        with pytest.raises(ClientError, match=why) as refused:
            redrive(laptop, arn)
        assert refused.value.response["Error"]["Code"] == "ExecutionNotRedrivable"
        assert laptop.execution(arn)["redriveCount"] == 0
    laptop.client("stepfunctions").stop_execution(executionArn=waiting)


def test_unknown_execution_cannot_be_redriven(laptop) -> None:
    arn = laptop.execute(laptop.machine(PASSES))
    with pytest.raises(laptop.client("stepfunctions").exceptions.ExecutionDoesNotExist):
        redrive(laptop, f"{arn}x")


def test_same_client_token_twice_is_one_redrive(laptop) -> None:
    arn = laptop.execute(laptop.machine(WAITS))
    laptop.client("stepfunctions").stop_execution(executionArn=arn)
    first, second = (redrive(laptop, arn, clientToken="once") for _ in range(2))
    assert first["redriveDate"] == second["redriveDate"]
    assert laptop.execution(arn)["redriveCount"] == 1
    laptop.client("stepfunctions").stop_execution(executionArn=arn)


def test_redriven_execution_still_owns_its_name(laptop) -> None:
    machine = laptop.machine(WAITS)
    arn = laptop.execute(machine, {"a": 1}, name="owned")
    laptop.client("stepfunctions").stop_execution(executionArn=arn)
    redrive(laptop, arn)
    assert laptop.execute(machine, {"a": 1}, name="owned") == arn
    laptop.client("stepfunctions").stop_execution(executionArn=arn)
    with pytest.raises(laptop.client("stepfunctions").exceptions.ExecutionAlreadyExists):
        laptop.execute(machine, {"a": 1}, name="owned")


def test_list_sorts_by_the_last_change_and_tells_redrives(laptop) -> None:
    machine, stop = laptop.machine(WAITS), laptop.client("stepfunctions").stop_execution
    arns = [laptop.execute(machine, name=name) for name in ("a", "b", "c")]
    for arn in arns[:2]:
        stop(executionArn=arn)
    assert [one["name"] for one in listed(laptop, machine)] == ["b", "a", "c"]
    redrive(laptop, arns[0])
    first, second, third = listed(laptop, machine)
    assert (first["name"], first["status"], first["redriveCount"]) == ("a", "RUNNING", 1)
    assert first["redriveDate"] == laptop.execution(arns[0])["redriveDate"]
    assert (second["name"], second["status"], second["redriveCount"]) == ("b", "ABORTED", 0)
    assert "redriveDate" not in second
    assert "stopDate" not in third
    for arn in arns:
        stop(executionArn=arn)


def test_list_is_filtered_by_status_and_paged_without_gaps_or_doubles(laptop) -> None:
    machine = laptop.machine(PASSES)
    arns = {laptop.execute(machine) for _ in range(7)}
    for arn in arns:
        laptop.settled(arn)
    found = listed(laptop, machine, statusFilter="SUCCEEDED", PaginationConfig={"PageSize": 3})
    assert sorted(one["executionArn"] for one in found) == sorted(arns)
    assert [one["stopDate"] for one in found] == sorted(
        (one["stopDate"] for one in found), reverse=True
    )
    assert listed(laptop, machine, statusFilter="RUNNING") == []


def test_next_page_is_there_though_its_first_execution_has_changed(laptop) -> None:
    machine, client = laptop.machine(WAITS), laptop.client("stepfunctions")
    oldest, middle, newest = (laptop.execute(machine, name=name) for name in "abc")
    page = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING", maxResults=1)
    client.stop_execution(executionArn=middle)
    rest = client.list_executions(
        stateMachineArn=machine, statusFilter="RUNNING", nextToken=page["nextToken"]
    )
    assert [one["executionArn"] for one in page["executions"]] == [newest]
    assert [one["executionArn"] for one in rest["executions"]] == [oldest]
    for arn in (oldest, newest):
        client.stop_execution(executionArn=arn)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"redriveFilter": "REDRIVEN"}, "ValidationException"),
        ({"statusFilter": "PENDING_REDRIVE"}, "ValidationException"),
        ({"maxResults": 1001}, "ValidationException"),
        ({"nextToken": "bm9uZQ=="}, "InvalidToken"),
    ],
)
def test_what_a_list_of_a_machines_executions_cannot_answer_is_refused(
    laptop, asked: dict[str, Any], code: str
) -> None:
    machine = laptop.machine(PASSES)
    with pytest.raises(ClientError) as refused:
        laptop.client("stepfunctions").list_executions(stateMachineArn=machine, **asked)
    assert refused.value.response["Error"]["Code"] == code


def test_describe_has_all_that_an_event_would_have_told(laptop, failed_once) -> None:
    arn, _ = failed_once
    known = laptop.execution(arn)
    assert known.keys() >= {
        "executionArn",
        "stateMachineArn",
        "name",
        "status",
        "startDate",
        "stopDate",
        "input",
        "inputDetails",
        "error",
        "cause",
        "redriveCount",
        "redriveStatus",
    }
    assert json.loads(known["input"]) == {"n": 1}
    assert (known["redriveCount"], known["redriveStatus"]) == (0, "REDRIVABLE")
    assert "output" not in known
