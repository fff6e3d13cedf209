"""What moto lacks. A test that fails here says: moto has grown it, delete the adapter it names."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

WAITS = {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 60, "End": True}}}
PASSES = {"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}}


def test_processing_job_that_takes_its_time__sagemaker_jobs(bare) -> None:
    request = bare.request("import time; time.sleep(60)")
    name = bare.start(request)
    assert bare.describe(name)["ProcessingJobStatus"] == "Completed"
    bare.start(request)  # a name twice


def test_create_processing_job_sync__processing_sync(bare) -> None:
    try:
        arn = bare.execute(bare.machine_of(bare.request("")))
    except ClientError:
        return
    assert bare.settled(arn)["status"] == "FAILED"


def test_status_events__status_events(bare) -> None:
    messages = queue_of_all_events(bare)
    bare.settled(bare.execute(bare.machine(PASSES)))
    assert messages("aws.states") == []


def test_account_in_delivered_events__event_delivery(bare) -> None:
    messages = queue_of_all_events(bare)
    entry = {"Source": "mine", "DetailType": "t", "Detail": json.dumps({"text": "<id>"})}
    bare.client("events").put_events(Entries=[entry])
    [event] = messages("mine")
    assert "account" not in event
    assert event["detail"]["text"] != "<id>"


def queue_of_all_events(bare: Any) -> Any:
    name = f"q-{uuid.uuid4().hex[:8]}"
    url = bare.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    pattern = json.dumps({"source": ["aws.states", "mine"]})
    bare.client("events").put_rule(Name=name, EventPattern=pattern)
    target = {"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:123456789012:{name}"}
    bare.client("events").put_targets(Rule=name, Targets=[target])

    def messages(source: str) -> list[dict[str, Any]]:
        found = bare.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        events = [json.loads(m["Body"]) for m in found.get("Messages", ())]
        return [event for event in events if event["source"] == source]

    return messages


def test_names_for_executions__execution_start(bare) -> None:
    arn = bare.execute(bare.machine(PASSES))
    assert arn.endswith(":None")


def test_cloudformations_machines_in_the_engine__execution_start(bare) -> None:
    properties = {
        "StateMachineName": "cfn",
        "DefinitionString": json.dumps(PASSES),
        "RoleArn": "arn:aws:iam::123456789012:role/states",
    }
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = json.dumps({"Resources": {"M": resource}})
    bare.client("cloudformation").create_stack(StackName="s", TemplateBody=template)
    machines = bare.client("stepfunctions").list_state_machines()["stateMachines"]
    assert "cfn" not in [machine["name"] for machine in machines]


def test_reason_and_date_of_a_stop__execution_stop(bare) -> None:
    arn = bare.execute(bare.machine(WAITS), name="stopped")
    bare.until(lambda: len(bare.history(arn)) > 1)
    answer = bare.client("stepfunctions").stop_execution(executionArn=arn, error="E", cause="C")
    execution = bare.settled(arn)
    assert "stopDate" not in answer
    assert "error" not in execution


def test_stop_date_of_a_time_out__execution_stop(bare) -> None:
    arn = bare.execute(bare.machine({**WAITS, "TimeoutSeconds": 1}), name="slow")
    execution = bare.settled(arn)
    assert execution["status"] == "TIMED_OUT"
    assert "stopDate" not in execution


def test_order_and_pages_of_the_history__execution_history(bare) -> None:
    arn = bare.execute(bare.machine(PASSES), name="history")
    bare.settled(arn)
    events = bare.history(arn, reverseOrder=True, maxResults=1)
    assert [event["id"] for event in events] == [1, 2, 3, 4]


def test_wait_for_a_retry_that_ends_with_the_execution__retry_wait(bare) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "missing"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "MaxAttempts": 1}],
        "End": True,
    }
    arn = bare.execute(bare.machine({"StartAt": "S", "States": {"S": task}}), name="retries")
    bare.until(lambda: any(event["type"].endswith("Failed") for event in bare.history(arn)))
    bare.client("stepfunctions").stop_execution(executionArn=arn)
    time.sleep(0.5)
    assert bare.execution(arn)["status"] == "RUNNING"


def test_redrives__execution_redrive(bare) -> None:
    states = {"S": {"Type": "Fail"}}
    arn = bare.execute(bare.machine({"StartAt": "S", "States": states}), name="fails")
    assert bare.settled(arn)["status"] == "FAILED"
    with pytest.raises(ClientError):
        bare.client("stepfunctions").redrive_execution(executionArn=arn)


def test_order_by_the_last_change__execution_list(bare) -> None:
    machine, client = bare.machine(WAITS), bare.client("stepfunctions")
    arns = [bare.execute(machine, name=name) for name in ("first", "second")]
    bare.until(lambda: all(len(bare.history(arn)) > 1 for arn in arns))
    client.stop_execution(executionArn=arns[0])
    bare.settled(arns[0])
    found = client.list_executions(stateMachineArn=machine)["executions"]
    assert [one["name"] for one in found] == ["second", "first"]
    assert "redriveCount" not in found[0]
    client.stop_execution(executionArn=arns[1])


def asking(bare: Any, **state: Any) -> tuple[str, Any]:
    """A machine that asks in a queue and waits for its token; and what takes the next message."""
    name = f"q-{uuid.uuid4().hex[:8]}"
    url = bare.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    asked = {"Token.$": "$$.Task.Token", "StartedAt.$": "$$.Execution.StartTime"}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": asked},
        "End": True,
        **state,
    }

    def message() -> dict[str, Any]:
        receive = bare.client("sqs").receive_message
        [found] = bare.until(lambda: receive(QueueUrl=url).get("Messages"))
        return json.loads(found["Body"])

    return bare.machine({"StartAt": "S", "States": {"S": state}}), message


def test_closed_tokens__task_tokens(bare) -> None:
    machine, message = asking(bare)
    arn = bare.execute(machine, name="closed")
    token = message()["Token"]
    bare.client("stepfunctions").send_task_success(taskToken=token, output="{}")
    bare.settled(arn)
    with pytest.raises(ClientError) as refused:
        bare.client("stepfunctions").send_task_success(taskToken=token, output="{}")
    assert refused.value.response["Error"]["Code"] != "TaskTimedOut"


def test_wait_for_a_token_that_ends_with_the_execution__sending_task(bare) -> None:
    machine, message = asking(bare)
    arn = bare.execute(machine, name="waits-for-ever")
    message()
    bare.client("stepfunctions").stop_execution(executionArn=arn)
    time.sleep(0.5)
    assert bare.execution(arn)["status"] == "RUNNING"


def test_redrives_and_spelling_of_times_in_the_context__execution_context(bare) -> None:
    machine, message = asking(bare)
    bare.execute(machine, name="times")
    assert not message()["StartedAt"].endswith("Z")
    counted = {"QueueUrl": "-", "MessageBody.$": "$$.Execution.RedriveCount"}
    machine, _ = asking(bare, Parameters=counted)
    ended = bare.settled(bare.execute(machine, name="counts"))
    assert "RedriveCount" in ended["cause"]


def test_calls_of_machines_signed_with_a_key_that_can_be_chosen__machine_clients() -> None:
    made = boto_client_for("us-east-1", "s3")
    assert made._get_credentials().access_key == "ak"
