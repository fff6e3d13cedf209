"""What moto's engine lacks. A test that fails here says: moto has grown it, delete the patch."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

WAIT = {"Type": "Wait", "Seconds": 60}


def test_processing_jobs_take_no_time_and_their_names_are_accepted_twice(bare) -> None:
    request = bare.request("import time; time.sleep(60)")
    name = bare.start(request)
    assert bare.describe(name)["ProcessingJobStatus"] == "Completed"
    bare.start(request)


def test_machines_cannot_create_processing_jobs(bare) -> None:
    try:
        arn = bare.execute(bare.machine_of(bare.request("")))
    except ClientError:
        return
    assert bare.settled(arn)["status"] == "FAILED"


def test_there_are_no_status_events_and_others_arrive_changed(bare) -> None:
    _, states = bare.queue("aws.states")
    _, mine = bare.queue("mine")
    bare.settled(bare.execute(bare.machine_with(Type="Pass")))
    assert states() == []
    entry = {"Source": "mine", "DetailType": "t", "Detail": json.dumps({"text": "<id>"})}
    bare.client("events").put_events(Entries=[entry])
    [event] = mine()
    assert "account" not in event
    assert event["detail"]["text"] != "<id>"


def test_execution_without_a_name_is_called_none_and_its_history_has_one_page(bare) -> None:
    arn = bare.execute(bare.machine_with(Type="Pass"))
    assert arn.endswith(":None")
    bare.settled(arn)
    events = bare.history(arn, reverseOrder=True, maxResults=1)
    assert [event["id"] for event in events] == [1, 2, 3, 4]


def test_cloudformations_machines_are_not_in_the_engine(bare) -> None:
    properties = {
        "StateMachineName": "cfn",
        "DefinitionString": json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}),
        "RoleArn": "arn:aws:iam::123456789012:role/states",
    }
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = json.dumps({"Resources": {"M": resource}})
    bare.client("cloudformation").create_stack(StackName="s", TemplateBody=template)
    machines = bare.client("stepfunctions").list_state_machines()["stateMachines"]
    assert "cfn" not in [machine["name"] for machine in machines]


def test_stops_and_time_outs_have_no_date_and_lists_no_redrives(bare) -> None:
    machine, client = bare.machine_with(**WAIT), bare.client("stepfunctions")
    first, second = (bare.execute(machine, name=name) for name in ("first", "second"))
    bare.until(lambda: all(len(bare.history(arn)) > 1 for arn in (first, second)))
    assert "stopDate" not in bare.stop(first, error="E", cause="C")
    assert "error" not in bare.settled(first)
    found = client.list_executions(stateMachineArn=machine)["executions"]
    assert [one["name"] for one in found] == ["second", "first"]
    assert "redriveCount" not in found[0]
    with pytest.raises(ClientError):
        client.redrive_execution(executionArn=first)
    bare.stop(second)
    slow = bare.execute(bare.machine_with(**WAIT, program={"TimeoutSeconds": 1}), name="slow")
    execution = bare.settled(slow)
    assert (execution["status"], "stopDate" in execution) == ("TIMED_OUT", False)


def test_wait_for_a_retry_outlasts_the_execution(bare) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "MaxAttempts": 1}]
    task = {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "missing"}}
    arn = bare.execute(bare.machine_with(Type="Task", **task, Retry=retry), name="retries")
    bare.until(lambda: any(one.endswith("Failed") for one in bare.types(arn)))
    bare.stop(arn)
    time.sleep(0.5)
    assert bare.execution(arn)["status"] == "RUNNING"


def asking(bare: Any, asked: Any = None) -> tuple[str, Any]:
    """An execution that asks in a queue and waits for its token; and what it asked."""
    url, take = bare.queue()
    asked = asked or {"Token.$": "$$.Task.Token", "StartedAt.$": "$$.Execution.StartTime"}
    machine = bare.machine_with(
        Type="Task",
        Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        Parameters={"QueueUrl": url, "MessageBody": asked},
    )
    return bare.execute(machine, name=uuid.uuid4().hex), take


def test_closed_tokens_are_not_timed_out(bare) -> None:
    arn, take = asking(bare)
    [message] = bare.until(take)
    assert not message["StartedAt"].endswith("Z")
    answer = bare.client("stepfunctions").send_task_success
    answer(taskToken=message["Token"], output="{}")
    bare.settled(arn)
    with pytest.raises(ClientError) as refused:
        answer(taskToken=message["Token"], output="{}")
    assert refused.value.response["Error"]["Code"] != "TaskTimedOut"


def test_wait_for_a_token_outlasts_the_execution(bare) -> None:
    arn, take = asking(bare)
    bare.until(take)
    bare.stop(arn)
    time.sleep(0.5)
    assert bare.execution(arn)["status"] == "RUNNING"


def test_context_has_no_redrives(bare) -> None:
    arn, _ = asking(bare, {"Count.$": "$$.Execution.RedriveCount"})
    assert "RedriveCount" in bare.settled(arn)["cause"]
