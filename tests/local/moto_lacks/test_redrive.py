"""RedriveExecution and ListExecutions, as a boto3 client sees them."""

import pytest
from botocore.exceptions import ClientError

from .conftest import job_state, moto_lacks, request

WAIT = {"Type": "Wait", "Seconds": 60}
NEW_NAME = "States.Format('job-{}', States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))"


def listed(aws, machine, **more):
    found = aws.states.get_paginator("list_executions").paginate(stateMachineArn=machine, **more)
    return [execution for page in found for execution in page["executions"]]


def test_redrive_runs_the_failed_state_again_with_what_had_gone_into_it(aws):
    # Given an execution whose second state failed, with an input that the first state made
    runs = aws.folder / "runs"
    asked = request("echo run >> $0; [ $(wc -l < $0) = 2 ]")
    asked.pop("ProcessingJobName")
    asked["AppSpecification"] |= {"ContainerArguments.$": "States.Array($.runs)"}
    job = job_state({**asked, "ProcessingJobName.$": NEW_NAME})
    made = {"Type": "Pass", "Result": {"runs": str(runs)}, "Next": "Job"}
    states = {"Make": made, "Job": {**job, "End": True}}
    arn = aws.execute(aws.machine({"StartAt": "Make", "States": states}), {"n": 1})
    before = aws.settled(arn)
    assert (before["status"], before["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    # When it is redriven
    date = aws.redrive(arn)
    after = aws.settled(arn)
    # Then that state alone runs again, and all else is as it was
    assert (after["status"], runs.read_text()) == ("SUCCEEDED", "run\nrun\n")
    assert (after["redriveCount"], after["redriveDate"]) == (1, date)
    assert after["stopDate"] > before["stopDate"]
    assert "error" not in after
    events = aws.history(arn)
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in events
        if event["type"].endswith("StateEntered")
    ]
    assert entered == ["Make", "Job", "Job"]
    types = [event["type"] for event in events]
    assert types[types.index("ExecutionFailed") + 1] == "ExecutionRedriven"


@moto_lacks
def test_an_aborted_execution_can_be_redriven_again_and_again(aws):
    machine = aws.machine_with(**WAIT)
    arn = aws.execute(machine, {"a": 1}, name="owned")
    aws.stop(arn, error="E", cause="C")
    aws.redrive(arn)
    running = aws.execution(arn)
    assert running["status"] == "RUNNING"
    assert not running.keys() & {"stopDate", "error", "cause", "output"}
    assert aws.execute(machine, {"a": 1}, name="owned") == arn
    aws.stop(arn)
    aws.redrive(arn)
    assert aws.execution(arn)["redriveCount"] == 2


def test_what_is_unknown_runs_or_has_succeeded_is_not_redrivable(aws):
    passed, waiting = (aws.execute(aws.machine_with(**s)) for s in ({"Type": "Pass"}, WAIT))
    aws.settled(passed)
    for arn, why in ((passed, "is SUCCEEDED"), (waiting, "is RUNNING")):
        with pytest.raises(ClientError, match=why) as refused:
            aws.redrive(arn)
        assert refused.value.response["Error"]["Code"] == "ExecutionNotRedrivable"
        assert aws.execution(arn)["redriveCount"] == 0
    with pytest.raises(aws.states.exceptions.ExecutionDoesNotExist):
        aws.redrive(f"{passed}x")


@moto_lacks
def test_list_sorts_by_the_last_change_and_shows_redrives(aws):
    machine = aws.machine_with(**WAIT)
    arns = [aws.execute(machine, name=name) for name in ("a", "b", "c")]
    for arn in arns[:2]:
        aws.stop(arn)
    assert [one["name"] for one in listed(aws, machine)] == ["b", "a", "c"]
    aws.redrive(arns[0])
    first, second, third = listed(aws, machine)
    assert (first["name"], first["status"], first["redriveCount"]) == ("a", "RUNNING", 1)
    assert first["redriveDate"] == aws.execution(arns[0])["redriveDate"]
    assert (second["name"], second["status"], second["redriveCount"]) == ("b", "ABORTED", 0)
    assert "redriveDate" not in second
    assert "stopDate" not in third
    assert [one["name"] for one in listed(aws, machine, statusFilter="ABORTED")] == ["b"]


@moto_lacks
def test_list_is_paged_without_gaps_though_executions_end_meanwhile(aws):
    machine = aws.machine_with(**WAIT)
    arns = [aws.execute(machine) for _ in range(5)]
    asked = {"stateMachineArn": machine, "statusFilter": "RUNNING"}
    page = aws.states.list_executions(**asked, maxResults=2)
    aws.stop(arns[2])
    rest = aws.states.list_executions(**asked, maxResults=2, nextToken=page["nextToken"])
    found = [one["executionArn"] for one in page["executions"] + rest["executions"]]
    assert found == [arns[4], arns[3], arns[1], arns[0]]
    assert "nextToken" not in rest
