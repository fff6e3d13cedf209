"""Executions: a name runs once, and only what Step Functions does not know is none."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from landrun.adapters.step_functions import Executions
from landrun.errors import AlreadyStarted, ServiceError
from landrun.models.run import ExecutionInput, ManualTrigger

PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:gone"


@pytest.fixture
def executions(aws):
    client, role = aws("stepfunctions"), "arn:aws:iam::123456789012:role/states"
    made = client.create_state_machine(name="m", definition=json.dumps(PASS), roleArn=role)
    return Executions(client, made["stateMachineArn"])


def run(name="landrun-1", who="ada") -> ExecutionInput:
    return ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=f"s3://outputs/manifests/{name}.json",
        OutputProcessedMessage=f"s3://outputs/processed/{name}/",
        Trigger=ManualTrigger(StartedBy=who),
    )


def test_an_execution_has_the_runs_name_and_input(executions):
    started = executions.start(run())
    assert started.arn == executions.arn("landrun-1")
    assert executions.ours(started.arn)
    assert not executions.ours(started.arn.replace(":m:", ":m2:"))
    assert executions.find(started.arn)["input"] == run().to_json()


def test_a_name_is_started_once_also_when_it_has_closed_or_with_another_input(executions, aws):
    first = executions.start(run())
    assert executions.start(run()) == first
    with pytest.raises(AlreadyStarted, match="landrun-1"):
        executions.start(run(who="bob"))
    aws("stepfunctions").stop_execution(executionArn=first.arn)
    with pytest.raises(AlreadyStarted, match="landrun-1"):
        executions.start(run())


def test_only_an_execution_that_step_functions_does_not_know_is_none(executions):
    unknown = executions.arn("nobody")
    assert (executions.find(unknown), executions.last_tasks(unknown)) == (None, [])
    for call, operation in (
        (executions.find, "DescribeExecution"),
        (executions.last_tasks, "GetExecutionHistory"),
    ):
        with pytest.raises(ServiceError, match=f"states:{operation}: InvalidArn"):
            call("no arn")


def test_a_machine_that_is_gone_is_a_service_error(aws):
    with pytest.raises(ServiceError, match="states:StartExecution: StateMachineDoesNotExist"):
        Executions(aws("stepfunctions"), MACHINE).start(run())


def test_executions_are_listed_by_status(executions, aws):
    arns = [executions.start(run(f"landrun-{number}")).arn for number in range(3)]
    aws("stepfunctions").stop_execution(executionArn=arns[1])
    listed, token = executions.page()
    assert ({one["executionArn"] for one in listed}, token) == ({*arns}, "")
    stopped, _ = executions.page(statusFilter="ABORTED")
    assert [one["executionArn"] for one in stopped] == [arns[1]]


class Fake:
    """Two pages of executions, and tokens named by their errors."""

    def list_executions(self, **request):
        return {"executions": [request]} | ({} if "nextToken" in request else {"nextToken": "more"})

    def send_task_success(self, taskToken, output):  # noqa: N803
        if taskToken != "good":
            raise ClientError({"Error": {"Code": taskToken}}, "SendTaskSuccess")


def test_a_list_of_executions_continues_at_its_token():
    executions = Executions(Fake(), MACHINE)
    [first], token = executions.page(statusFilter="RUNNING")
    assert (first["stateMachineArn"], first["statusFilter"]) == (MACHINE, "RUNNING")
    [second], end = executions.page(token)
    assert (second["nextToken"], end) == ("more", "")


def test_only_a_token_that_nothing_waits_for_resumes_nothing():
    executions = Executions(Fake(), MACHINE)
    tokens = ("good", "InvalidToken", "TaskDoesNotExist", "TaskTimedOut")
    assert [executions.resume(token) for token in tokens] == [True, False, False, False]
    with pytest.raises(ServiceError, match="KmsAccessDenied"):
        executions.resume("KmsAccessDeniedException")
