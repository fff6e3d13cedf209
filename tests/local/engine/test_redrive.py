"""RedriveExecution and ListExecutions, as a boto3 client sees them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from .conftest import moto_lacks

WAIT = {"Type": "Wait", "Seconds": 60}
FAILS_ONCE = """
import boto3, sys
s3, bucket = boto3.client("s3"), sys.argv[1]
found = s3.list_objects_v2(Bucket=bucket).get("Contents", ())
s3.put_object(Bucket=bucket, Key=str(len(found)), Body=b"")
sys.exit(0 if found else 4)
"""
NEW_NAME = "States.Format('job-{}', States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))"


def redrive(laptop, arn):
    return laptop.client("stepfunctions").redrive_execution(executionArn=arn)["redriveDate"]


def listed(laptop, machine, **more):
    pages = laptop.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=machine, **more)
    return [execution for page in found for execution in page["executions"]]


def test_redrive_runs_the_failed_state_again_with_what_had_gone_into_it(laptop):
    # Given an execution whose second state failed, with an input that the first state made
    bucket = laptop.bucket()
    request = laptop.request(FAILS_ONCE)
    request.pop("ProcessingJobName")
    request["AppSpecification"] |= {"ContainerArguments.$": "States.Array($.bucket)"}
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Parameters": {**request, "ProcessingJobName.$": NEW_NAME},
        "End": True,
    }
    made = {"Type": "Pass", "Result": {"bucket": bucket}, "Next": "Job"}
    machine = laptop.machine({"StartAt": "Make", "States": {"Make": made, "Job": task}})
    arn = laptop.execute(machine, {"n": 1})
    before = laptop.settled(arn)
    assert (before["status"], before["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    # When it is redriven
    date = redrive(laptop, arn)
    after = laptop.settled(arn)
    # Then that state alone runs again, and all else is as it was
    assert (after["status"], len(laptop.read(bucket))) == ("SUCCEEDED", 2)
    same = ("name", "executionArn", "input", "startDate")
    assert [after[key] for key in same] == [before[key] for key in same]
    assert (after["redriveCount"], after["redriveDate"]) == (1, date)
    assert after["stopDate"] > before["stopDate"]
    assert "error" not in after
    events = laptop.history(arn)
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in events
        if "stateEnteredEventDetails" in event
    ]
    assert entered == ["Make", "Job", "Job"]
    types = [event["type"] for event in events]
    assert types[types.index("ExecutionFailed") + 1] == "ExecutionRedriven"
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))


@moto_lacks
@pytest.mark.parametrize(
    ("program", "how"), [({}, "ABORTED"), ({"TimeoutSeconds": 1}, "TIMED_OUT")]
)
def test_aborted_and_timed_out_executions_can_be_redriven_again_and_again(laptop, program, how):
    machine = laptop.machine_with(**WAIT, program=program)
    arn = laptop.execute(machine, {"a": 1}, name="owned")
    if how == "ABORTED":
        laptop.stop(arn, error="E", cause="C")
    assert laptop.settled(arn)["status"] == how
    redrive(laptop, arn)
    running = laptop.execution(arn)
    assert running["status"] == "RUNNING"
    assert not running.keys() & {"stopDate", "error", "cause", "output"}
    assert laptop.execute(machine, {"a": 1}, name="owned") == arn
    laptop.stop(arn)
    redrive(laptop, arn)
    assert laptop.execution(arn)["redriveCount"] == 2
    laptop.stop(arn)
    with pytest.raises(laptop.client("stepfunctions").exceptions.ExecutionAlreadyExists):
        laptop.execute(machine, {"a": 1}, name="owned")


def test_what_is_unknown_runs_or_has_succeeded_is_not_redrivable(laptop):
    passed, waiting = (laptop.execute(laptop.machine_with(**s)) for s in ({"Type": "Pass"}, WAIT))
    laptop.settled(passed)
    for arn, why in ((passed, "is SUCCEEDED"), (waiting, "is RUNNING")):
        with pytest.raises(ClientError, match=why) as refused:
            redrive(laptop, arn)
        assert refused.value.response["Error"]["Code"] == "ExecutionNotRedrivable"
        assert laptop.execution(arn)["redriveCount"] == 0
    with pytest.raises(laptop.client("stepfunctions").exceptions.ExecutionDoesNotExist):
        redrive(laptop, f"{passed}x")
    laptop.stop(waiting)


@moto_lacks
def test_list_sorts_by_the_last_change_and_shows_redrives(laptop):
    machine = laptop.machine_with(**WAIT)
    arns = [laptop.execute(machine, name=name) for name in ("a", "b", "c")]
    for arn in arns[:2]:
        laptop.stop(arn)
    assert [one["name"] for one in listed(laptop, machine)] == ["b", "a", "c"]
    redrive(laptop, arns[0])
    first, second, third = listed(laptop, machine)
    assert (first["name"], first["status"], first["redriveCount"]) == ("a", "RUNNING", 1)
    assert first["redriveDate"] == laptop.execution(arns[0])["redriveDate"]
    assert (second["name"], second["status"], second["redriveCount"]) == ("b", "ABORTED", 0)
    assert "redriveDate" not in second
    assert "stopDate" not in third
    for arn in arns:
        laptop.stop(arn)


def test_list_is_filtered_by_status_and_paged_without_gaps_or_doubles(laptop):
    machine = laptop.machine_with(Type="Pass")
    arns = {laptop.execute(machine) for _ in range(7)}
    for arn in arns:
        laptop.settled(arn)
    found = listed(laptop, machine, statusFilter="SUCCEEDED", PaginationConfig={"PageSize": 3})
    assert sorted(one["executionArn"] for one in found) == sorted(arns)
    stopped = [one["stopDate"] for one in found]
    assert stopped == sorted(stopped, reverse=True)
    assert listed(laptop, machine, statusFilter="RUNNING") == []


@moto_lacks
def test_next_page_is_found_when_executions_end_meanwhile(laptop):
    machine, client = laptop.machine_with(**WAIT), laptop.client("stepfunctions")
    oldest, middle, newest = (laptop.execute(machine, name=name) for name in "abc")
    asked = {"stateMachineArn": machine, "statusFilter": "RUNNING"}
    page = client.list_executions(**asked, maxResults=1)
    laptop.stop(middle)
    rest = client.list_executions(**asked, nextToken=page["nextToken"])
    assert [one["executionArn"] for one in page["executions"]] == [newest]
    assert [one["executionArn"] for one in rest["executions"]] == [oldest]
    for arn in (oldest, newest):
        laptop.stop(arn)
