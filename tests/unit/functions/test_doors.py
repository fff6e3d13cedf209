"""The doors against moto's services, in this process: what AWS answers, in its own words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from landrun.adapters.checkpoints import Checkpoints
from landrun.adapters.dead_letters import DeadLetters
from landrun.adapters.landings_table import LandingsTable
from landrun.adapters.step_functions import Executions
from landrun.errors import AlreadyStarted, ServiceError
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name
from landrun.sanitize import printable

from .conftest import MACHINE, REGION

PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}


@pytest.fixture
def machine(aws):
    client = aws("stepfunctions")
    role = "arn:aws:iam::123456789012:role/states"
    answer = client.create_state_machine(name="m", definition=json.dumps(PASS), roleArn=role)
    return client, answer["stateMachineArn"]


def by_hand(who: str = "ada") -> ExecutionInput:
    name = manual_run_name("landrun")
    return ExecutionInput(
        PreprocessingJobName=name,
        InputMessage=f"s3://outputs/manifests/{name}.json",
        OutputProcessedMessage=f"s3://outputs/processed/{name}/",
        Trigger=ManualTrigger(StartedBy=who),
    )


def test_an_execution_has_the_runs_name_and_input(machine):
    executions = Executions(*machine)
    run = by_hand()
    started = executions.start(run)
    assert started.arn == executions.arn(run.PreprocessingJobName)
    assert executions.describe(started.arn)["input"] == run.to_json()


def test_the_name_of_a_closed_run_is_already_started(machine):
    client, _ = machine
    executions = Executions(*machine)
    run = by_hand()
    client.stop_execution(executionArn=executions.start(run).arn)
    with pytest.raises(AlreadyStarted, match=run.PreprocessingJobName):
        executions.start(run)


def test_another_input_under_the_same_name_is_already_started(machine):
    executions = Executions(*machine)
    run = by_hand("ada")
    executions.start(run)
    with pytest.raises(AlreadyStarted):
        executions.start(replace(run, Trigger=ManualTrigger(StartedBy="bob")))


def test_a_machine_that_is_gone_is_a_service_error(aws):
    gone = Executions(
        aws("stepfunctions"), f"arn:aws:states:{REGION}:123456789012:stateMachine:gone"
    )
    with pytest.raises(ServiceError, match="states:StartExecution: StateMachineDoesNotExist"):
        gone.start(by_hand())


def test_an_execution_that_is_not_there_is_found_to_be_none(machine):
    executions = Executions(*machine)
    assert executions.find(executions.arn("nobody")) is None
    assert executions.last_tasks(executions.arn("nobody")) == []


def test_a_look_up_of_an_execution_that_failed_is_not_taken_for_none(machine):
    executions = Executions(*machine)
    with pytest.raises(ServiceError, match="states:DescribeExecution: InvalidArn"):
        executions.find("no arn")
    with pytest.raises(ServiceError, match="states:GetExecutionHistory: InvalidArn"):
        executions.last_tasks("no arn")


def test_executions_are_listed_by_the_status_that_was_asked_for(machine):
    client, arn = machine
    executions = Executions(client, arn)
    runs = [executions.start(by_hand()) for _ in range(3)]
    client.stop_execution(executionArn=runs[1].arn)
    everything, token = executions.page()
    assert ({one["executionArn"] for one in everything}, token) == ({run.arn for run in runs}, "")
    stopped, _ = executions.page(statusFilter="ABORTED")
    assert [one["executionArn"] for one in stopped] == [runs[1].arn]


class Pages:
    """ListExecutions in two pages, checked against Step Functions' own model of the call."""

    def list_executions(self, **request):
        operation = botocore.session.get_session().get_service_model("stepfunctions")
        shape = operation.operation_model("ListExecutions").input_shape
        assert not ParamValidator().validate(request, shape).has_errors()
        if "nextToken" in request:
            return {"executions": [request]}
        return {"executions": [request], "nextToken": "more"}


def test_a_list_of_executions_goes_on_where_it_is_told_to():
    executions = Executions(Pages(), MACHINE)
    [first], token = executions.page(statusFilter="RUNNING")
    assert (first["stateMachineArn"], first["statusFilter"]) == (MACHINE, "RUNNING")
    [second], end = executions.page(token)
    assert (second["nextToken"], end) == ("more", "")


@pytest.fixture
def cursors(aws, table):
    return Checkpoints(aws("dynamodb"), table("LandingsTable"))


def test_a_sweep_goes_on_where_the_last_one_stopped(cursors):
    assert cursors.read("executions") == {}
    cursors.move("executions", {"token": "t", "begun": "2026-11-22T03:00:00+00:00"})
    cursors.move("manifests", {"after": "manifests/é.json"})
    assert cursors.read("executions") == {"token": "t", "begun": "2026-11-22T03:00:00+00:00"}
    assert cursors.read("manifests") == {"after": "manifests/é.json"}


def test_where_sweeps_stand_is_no_landing_that_waits(aws, cursors):
    cursors.move("executions", {"token": "t"})
    assert list(LandingsTable(aws("dynamodb"), "LandingsTable").candidates()) == []


def test_a_dead_letter_keeps_its_body_and_says_why(aws):
    client = aws("sqs")
    url = client.create_queue(QueueName="dead")["QueueUrl"]
    DeadLetters(lambda: client, url).put("the body", "a\nreason")
    answer = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])
    [message] = answer["Messages"]
    assert message["Body"] == "the body"
    assert message["MessageAttributes"]["Reason"]["StringValue"] == "a\\nreason"


@pytest.mark.parametrize(
    ("text", "shown"), [("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("é😀", "é😀")]
)
def test_control_characters_are_shown_not_obeyed(text, shown):
    assert printable(text) == shown


class Sent:
    """SQS as it counts: a message's body and its attributes together."""

    def send_message(self, **request: Any) -> None:
        texts = [request["MessageBody"]]
        for name, attribute in request["MessageAttributes"].items():
            texts += [name, attribute["DataType"], attribute["StringValue"]]
        assert all(texts)
        self.bytes = sum(len(text.encode()) for text in texts)
        self.reason = request["MessageAttributes"].get("Reason", {}).get("StringValue")


@pytest.mark.parametrize("room", [*range(16), 17, 500, 5000])
def test_a_dead_letter_is_never_longer_than_sqs_takes(room):
    sent = Sent()
    DeadLetters(lambda: sent, "url").put("x" * (262_144 - room), "why, é" * 300)
    assert sent.bytes <= 262_144
    assert (sent.reason is None) == (room <= 12)
    assert sent.reason is None or "why, é".startswith(sent.reason[:6])


def test_a_dead_letter_of_a_queue_that_takes_a_mebibyte_keeps_its_reason():
    sent = Sent()
    DeadLetters(lambda: sent, "url").put("x" * 500_000, "why")
    assert sent.reason == "why"
