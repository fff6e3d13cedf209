"""Executions: a name runs once, and only what Step Functions does not know is None."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from landrun.adapters.step_functions import Executions, Started
from landrun.errors import AlreadyStarted
from landrun.models.run import ExecutionInput, ManualTrigger
from unit.functions.fakes import MACHINE

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RUN = ExecutionInput(
    PreprocessingJobName="landrun-1",
    InputMessage="s3://outputs/manifests/landrun-1.json",
    OutputProcessedMessage="s3://outputs/processed/landrun-1/",
    Trigger=ManualTrigger(StartedBy="ada"),
)
ARN = f"{MACHINE.replace(':stateMachine:', ':execution:')}:landrun-1"
START = {"stateMachineArn": MACHINE, "name": "landrun-1", "input": RUN.to_json()}


@pytest.fixture
def stub(client):
    with Stubber(client("stepfunctions")) as stubbed:
        yield stubbed
        stubbed.assert_no_pending_responses()


@pytest.fixture
def executions(client):
    return Executions(client("stepfunctions"), MACHINE)


def test_an_execution_has_the_runs_name_and_input(stub, executions):
    stub.add_response("start_execution", {"executionArn": ARN, "startDate": NOW}, START)
    assert executions.start(RUN) == Started(ARN, NOW)
    assert executions.arn("landrun-1") == ARN


def test_only_executions_of_the_state_machine_are_ours(executions):
    assert executions.ours(ARN)
    assert not executions.ours(ARN.replace(":landrun:", ":landrun2:"))


def test_a_name_that_has_run_before_has_an_error_of_its_own(stub, executions):
    stub.add_client_error("start_execution", "ExecutionAlreadyExists")
    with pytest.raises(AlreadyStarted, match="landrun-1"):
        executions.start(RUN)


def test_an_execution_that_step_functions_does_not_know_is_none_and_has_no_events(stub, executions):
    stub.add_client_error("describe_execution", "ExecutionDoesNotExist")
    assert executions.find(ARN) is None
    stub.add_client_error("get_execution_history", "ExecutionDoesNotExist")
    assert executions.last_tasks(ARN) == []


def test_an_execution_is_found_as_step_functions_describes_it(stub, executions):
    described = {"executionArn": ARN, "stateMachineArn": MACHINE, "status": "RUNNING"}
    described |= {"startDate": NOW, "input": RUN.to_json()}
    stub.add_response("describe_execution", described, {"executionArn": ARN})
    assert executions.find(ARN) == described


def test_the_last_events_of_an_execution_come_with_their_data_the_latest_first(stub, executions):
    event = {"timestamp": NOW, "type": "TaskSubmitted", "id": 7}
    expected = {"executionArn": ARN, "reverseOrder": True, "maxResults": 25}
    expected |= {"includeExecutionData": True}
    stub.add_response("get_execution_history", {"events": [event]}, expected)
    assert executions.last_tasks(ARN) == [event]


def test_a_list_of_executions_by_status_continues_at_its_token(stub, executions):
    asked = {"stateMachineArn": MACHINE, "maxResults": 1000, "statusFilter": "RUNNING"}
    stub.add_response("list_executions", {"executions": [], "nextToken": "more"}, asked)
    stub.add_response("list_executions", {"executions": []}, asked | {"nextToken": "more"})
    assert executions.page(statusFilter="RUNNING") == ([], "more")
    assert executions.page("more", statusFilter="RUNNING") == ([], "")


def test_a_token_that_nothing_waits_for_resumes_nothing(stub, executions):
    stub.add_response("send_task_success", {}, {"taskToken": "good", "output": "{}"})
    assert executions.resume("good")
    for code in ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut"):
        stub.add_client_error("send_task_success", code)
        assert not executions.resume("used")
