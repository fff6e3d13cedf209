"""Executions: a name runs once, and only what Step Functions does not know is None."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from landrun.adapters.step_functions import Executions, Started
from landrun.errors import AlreadyStarted, ServiceError
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
def stub(client) -> Iterator[Stubber]:
    """Step Functions that answers as a test says, each call once and in order."""
    with Stubber(client("stepfunctions")) as stubbed:
        yield stubbed
        stubbed.assert_no_pending_responses()


@pytest.fixture
def executions(client) -> Executions:
    return Executions(client("stepfunctions"), MACHINE)


def test_an_execution_has_the_runs_name_and_input(stub, executions):
    stub.add_response("start_execution", {"executionArn": ARN, "startDate": NOW}, START)
    assert executions.start(RUN) == Started(ARN, NOW)
    assert executions.arn("landrun-1") == ARN


def test_only_executions_of_the_state_machine_are_ours(executions):
    assert executions.ours(ARN)
    assert not executions.ours(ARN.replace(":landrun:", ":landrun2:"))


@pytest.mark.parametrize(
    ("code", "error"),
    [("ExecutionAlreadyExists", AlreadyStarted), ("StateMachineDoesNotExist", ServiceError)],
)
def test_a_name_that_was_used_before_is_told_from_other_refusals(stub, executions, code, error):
    stub.add_client_error("start_execution", code, expected_params=START)
    with pytest.raises(error, match=r"landrun-1|states:StartExecution: StateMachineDoesNotExist"):
        executions.start(RUN)


@pytest.mark.parametrize(
    ("call", "operation", "unknown"),
    [("find", "describe_execution", None), ("last_tasks", "get_execution_history", [])],
)
def test_only_an_execution_that_step_functions_does_not_know_is_none(
    stub, executions, call, operation, unknown
):
    stub.add_client_error(operation, "ExecutionDoesNotExist")
    assert getattr(executions, call)(ARN) == unknown
    stub.add_client_error(operation, "InvalidArn")
    with pytest.raises(ServiceError, match=r"states:.*: InvalidArn"):
        getattr(executions, call)(ARN)


def test_an_execution_is_found_with_its_input_and_its_last_events(stub, executions):
    event = {"timestamp": NOW, "type": "TaskSubmitted", "id": 7}
    described = {
        "executionArn": ARN,
        "stateMachineArn": MACHINE,
        "status": "RUNNING",
        "startDate": NOW,
        "input": RUN.to_json(),
    }
    stub.add_response("describe_execution", described, {"executionArn": ARN})
    assert executions.find(ARN)["input"] == RUN.to_json()
    latest = {"reverseOrder": True, "maxResults": 25, "includeExecutionData": True}
    expected = {"executionArn": ARN} | latest
    stub.add_response("get_execution_history", {"events": [event]}, expected)
    assert executions.last_tasks(ARN) == [event]


def test_a_list_of_executions_by_status_continues_at_its_token(stub, executions):
    def page(**more: Any) -> dict[str, Any]:
        return {"stateMachineArn": MACHINE, "maxResults": 1000, "statusFilter": "RUNNING"} | more

    stub.add_response("list_executions", {"executions": [], "nextToken": "more"}, page())
    stub.add_response("list_executions", {"executions": []}, page(nextToken="more"))
    assert executions.page(statusFilter="RUNNING") == ([], "more")
    assert executions.page("more", statusFilter="RUNNING") == ([], "")


def test_only_a_token_that_nothing_waits_for_resumes_nothing(stub, executions):
    stub.add_response("send_task_success", {}, {"taskToken": "good", "output": "{}"})
    assert executions.resume("good")
    for code in ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut"):
        stub.add_client_error("send_task_success", code)
        assert not executions.resume("used")
    stub.add_client_error("send_task_success", "KmsAccessDeniedException")
    with pytest.raises(ServiceError, match="KmsAccessDenied"):
        executions.resume("good")
