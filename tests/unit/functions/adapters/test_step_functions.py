"""Executions: whose they are, and what Step Functions no longer knows.

The fault suite has starts, look-ups and lists; its Step Functions checks what it is asked.
"""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from landrun.adapters.step_functions import Executions
from unit.functions.fakes import MACHINE, NOW

ARN = f"{MACHINE.replace(':stateMachine:', ':execution:')}:landrun-1"


@pytest.fixture
def executions(client):
    return Executions(client("stepfunctions"), MACHINE)


@pytest.fixture
def stub(client):
    with Stubber(client("stepfunctions")) as stubbed:
        yield stubbed
        stubbed.assert_no_pending_responses()


def test_only_executions_of_the_state_machine_are_ours(executions):
    assert executions.ours(ARN)
    assert not executions.ours(ARN.replace(":landrun:", ":landrun2:"))


def test_the_last_events_come_with_their_data_and_an_unknown_execution_has_none(stub, executions):
    event = {"timestamp": NOW, "type": "TaskSubmitted", "id": 7}
    expected = {"executionArn": ARN, "reverseOrder": True, "maxResults": 25}
    expected |= {"includeExecutionData": True}
    stub.add_response("get_execution_history", {"events": [event]}, expected)
    assert executions.last_tasks(ARN) == [event]
    stub.add_client_error("get_execution_history", "ExecutionDoesNotExist")
    assert executions.last_tasks(ARN) == []


@pytest.mark.parametrize("code", ["InvalidToken", "TaskDoesNotExist", "TaskTimedOut"])
def test_a_token_that_nothing_waits_for_resumes_nothing(stub, executions, code):
    stub.add_client_error("send_task_success", code)
    assert not executions.resume("used")
