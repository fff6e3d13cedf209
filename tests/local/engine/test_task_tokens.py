"""``sqs:sendMessage.waitForTaskToken`` and its tokens, as a boto3 client sees them."""

from __future__ import annotations

import json
import time
from datetime import UTC

import pytest
from botocore.exceptions import ClientError

from .conftest import moto_lacks

SEND = "arn:aws:states:::sqs:sendMessage"
ASKED = {"Token.$": "$$.Task.Token", "StartedAt.$": "$$.Execution.StartTime"}


class Asking:
    """A queue, and machines that ask in it and wait for an answer."""

    def __init__(self, laptop):
        self._laptop = laptop
        self._states = laptop.client("stepfunctions")
        self.url, self._take = laptop.queue()

    def machine(self, **state):
        parameters = {"QueueUrl": self.url, "MessageBody": ASKED}
        asks = {"Resource": f"{SEND}.waitForTaskToken", "Parameters": parameters}
        return self._laptop.machine_with(Type="Task", **{"ResultPath": None, **asks, **state})

    def asked(self):
        [message] = self._laptop.until(self._take)
        return message

    def answer(self, token, output="{}"):
        self._states.send_task_success(taskToken=token, output=output)


@pytest.fixture
def asking(laptop):
    return Asking(laptop)


def code(call, *given):
    with pytest.raises(ClientError) as refused:
        call(*given)
    return refused.value.response["Error"]["Code"]


@moto_lacks
@pytest.mark.parametrize(
    ("path", "answer", "output"),
    [(None, "{}", {"n": 1}), ("$.said", '{"a": [2]}', {"n": 1, "said": {"a": [2]}})],
)
def test_execution_goes_on_when_its_token_comes_back_once(laptop, asking, path, answer, output):
    arn = laptop.execute(asking.machine(ResultPath=path), {"n": 1})
    asked = asking.asked()
    token, started = asked["Token"], asked["StartedAt"]
    known = laptop.execution(arn)
    assert known["status"] == "RUNNING"
    began = known["startDate"].astimezone(UTC).isoformat(timespec="milliseconds")
    assert started == f"{began[:23]}Z"
    assert code(asking.answer, "nobody's") == "InvalidToken"
    assert code(asking.answer, token, "{") == "InvalidOutput"
    asking.answer(token, answer)
    assert code(asking.answer, token) == "TaskTimedOut"
    ended = laptop.settled(arn)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", output)
    assert code(asking.answer, token) == "TaskTimedOut"
    assert [one for one in laptop.types(arn) if one.startswith("Task")] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]


@moto_lacks
def test_stop_ends_the_wait_and_closes_its_token(laptop, asking):
    arn = laptop.execute(asking.machine(), name="stopped")
    token, began = asking.asked()["Token"], time.monotonic()
    laptop.stop(arn)
    assert laptop.execution(arn)["status"] == "ABORTED"
    assert time.monotonic() - began < 30
    assert code(asking.answer, token) == "TaskTimedOut"
    assert "TaskTimedOut" not in laptop.types(arn)


@moto_lacks
def test_each_attempt_asks_with_a_token_of_its_own(laptop, asking):
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    arn = laptop.execute(asking.machine(TimeoutSeconds=1, Retry=again), name="again")
    first, second = asking.asked()["Token"], asking.asked()["Token"]
    assert first != second
    assert code(asking.answer, first) == "TaskTimedOut"
    asking.answer(second)
    assert laptop.settled(arn)["status"] == "SUCCEEDED"


@moto_lacks
def test_redriven_execution_asks_again_with_another_token(laptop, asking):
    arn = laptop.execute(asking.machine(), name="redriven")
    before = asking.asked()
    laptop.stop(arn)
    laptop.client("stepfunctions").redrive_execution(executionArn=arn)
    after = asking.asked()
    assert before["StartedAt"] == after["StartedAt"]
    assert before["Token"] != after["Token"]
    asking.answer(after["Token"])
    assert laptop.settled(arn)["status"] == "SUCCEEDED"


def test_queue_that_is_not_there_fails_the_task_under_a_name_that_retries_match(laptop, asking):
    nowhere = {"QueueUrl": f"{asking.url}-gone", "MessageBody": ASKED}
    ended = laptop.settled(laptop.execute(asking.machine(Parameters=nowhere)))
    assert (ended["status"], ended["error"]) == ("FAILED", "SQS.AmazonSQSException")


def test_message_that_nobody_waits_for_is_sent_and_left(laptop, asking):
    given = {"QueueUrl": asking.url, "MessageBody": {"a": 1}}
    arn = laptop.execute(asking.machine(Resource=SEND, Parameters=given))
    assert laptop.settled(arn)["status"] == "SUCCEEDED"
    assert asking.asked() == {"a": 1}
