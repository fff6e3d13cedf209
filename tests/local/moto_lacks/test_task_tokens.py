"""``sqs:sendMessage.waitForTaskToken`` and its tokens, as a boto3 client sees them."""

import json
from datetime import UTC

import pytest
from botocore.exceptions import ClientError

from landrun_ops.local.moto_patches.task_tokens import TOKENS

from .conftest import moto_lacks

SEND = "arn:aws:states:::sqs:sendMessage"
ASKED = {"Token.$": "$$.Task.Token", "StartedAt.$": "$$.Execution.StartTime"}


class Asking:
    """A queue, and machines that ask in it and wait for an answer."""

    def __init__(self, aws):
        self._aws = aws
        self.url, self._take = aws.queue()
        self._messages = []

    def machine(self, **state):
        parameters = {"QueueUrl": self.url, "MessageBody": ASKED}
        asks = {"Resource": f"{SEND}.waitForTaskToken", "Parameters": parameters}
        return self._aws.machine_with(Type="Task", **{"ResultPath": None, **asks, **state})

    def asked(self):
        self._aws.until(lambda: self._messages.extend(self._take()) or self._messages)
        return self._messages.pop(0)

    def answer(self, token, output="{}"):
        self._aws.states.send_task_success(taskToken=token, output=output)

    def refused(self, *answer):
        """The code of the error that an answer gets."""
        with pytest.raises(ClientError) as refused:
            self.answer(*answer)
        return refused.value.response["Error"]["Code"]


@pytest.fixture
def asking(aws):
    return Asking(aws)


@moto_lacks
def test_execution_goes_on_when_its_token_comes_back_once(aws, asking):
    arn = aws.execute(asking.machine(ResultPath="$.said"), {"n": 1})
    asked = asking.asked()
    token, known = asked["Token"], aws.execution(arn)
    assert known["status"] == "RUNNING"
    began = known["startDate"].astimezone(UTC).isoformat(timespec="milliseconds")
    assert asked["StartedAt"] == f"{began[:23]}Z"
    assert asking.refused("nobody's") == "InvalidToken"
    asking.answer(token, '{"a": [2]}')
    assert asking.refused(token) == "TaskTimedOut"
    ended = aws.settled(arn)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {"n": 1, "said": {"a": [2]}}
    assert asking.refused(token) == "TaskTimedOut"
    assert aws.types(arn)[4:6] == ["TaskSubmitted", "TaskSucceeded"]


@moto_lacks
def test_stop_ends_the_wait_and_closes_its_token_and_a_redriven_execution_asks_anew(aws, asking):
    arn = aws.execute(asking.machine())
    before = asking.asked()
    aws.stop(arn)
    assert aws.execution(arn)["status"] == "ABORTED"
    assert asking.refused(before["Token"]) == "TaskTimedOut"
    assert "TaskTimedOut" not in aws.types(arn)
    aws.redrive(arn)
    after = asking.asked()
    assert before["StartedAt"] == after["StartedAt"]
    asking.answer(after["Token"])
    assert aws.settled(arn)["status"] == "SUCCEEDED"


@moto_lacks
def test_each_attempt_asks_with_a_token_of_its_own(aws, asking):
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    aws.execute(asking.machine(TimeoutSeconds=1, Retry=again))
    first, second = asking.asked()["Token"], asking.asked()["Token"]
    assert first != second
    aws.until(TOKENS[first].done)  # its attempt looks ten times a second whether its time is over
    assert asking.refused(first) == "TaskTimedOut"


def test_queue_that_is_not_there_fails_the_task_under_a_name_that_retries_match(aws, asking):
    nowhere = {"QueueUrl": f"{asking.url}-gone", "MessageBody": ASKED}
    ended = aws.settled(aws.execute(asking.machine(Parameters=nowhere)))
    assert (ended["status"], ended["error"]) == ("FAILED", "SQS.AmazonSQSException")
