"""``sqs:sendMessage.waitForTaskToken`` and its tokens, as a boto3 client sees them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from botocore.exceptions import ClientError

SEND = "arn:aws:states:::sqs:sendMessage"
ASKED = {
    "Token.$": "$$.Task.Token",
    "StartedAt.$": "$$.Execution.StartTime",
    "Redrives.$": "$$.Execution.RedriveCount",
}


class Line:
    """A queue, and machines that ask in it and wait for an answer."""

    def __init__(self, laptop: Any) -> None:
        self._laptop = laptop
        self._sqs, self._states = laptop.client("sqs"), laptop.client("stepfunctions")
        self.url = self._sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]

    def machine(self, **state: Any) -> str:
        asks = {
            "Type": "Task",
            "Resource": f"{SEND}.waitForTaskToken",
            "Parameters": {"QueueUrl": self.url, "MessageBody": ASKED},
            "ResultPath": None,
            "End": True,
        }
        return self._laptop.machine({"StartAt": "Ask", "States": {"Ask": {**asks, **state}}})

    def asked(self) -> dict[str, Any]:
        """Take the next message."""
        [message] = self._laptop.until(
            lambda: self._sqs.receive_message(QueueUrl=self.url).get("Messages")
        )
        self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def answer(self, token: str, output: str = "{}") -> None:
        self._states.send_task_success(taskToken=token, output=output)

    def fail(self, token: str) -> None:
        self._states.send_task_failure(taskToken=token, error="Refused", cause="no room")

    def refusal(self, call: Callable[[], Any]) -> str:
        with pytest.raises(ClientError) as refused:
            call()
        return refused.value.response["Error"]["Code"]


@pytest.fixture
def line(laptop) -> Line:
    return Line(laptop)


def test_execution_goes_on_with_its_own_input_when_its_token_comes_back(laptop, line: Line) -> None:
    arn = laptop.execute(line.machine(), {"n": 1})
    token = line.asked()["Token"]
    assert laptop.execution(arn)["status"] == "RUNNING"
    line.answer(token)
    ended = laptop.settled(arn)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"n": 1})


def test_answer_is_the_result_of_a_state_that_keeps_it(laptop, line: Line) -> None:
    arn = laptop.execute(line.machine(ResultPath="$.said"), {"n": 1})
    line.answer(line.asked()["Token"], '{"a": [2]}')
    assert json.loads(laptop.settled(arn)["output"]) == {"n": 1, "said": {"a": [2]}}


def test_history_tells_asking_and_answer_as_of_any_task(laptop, line: Line) -> None:
    arn = laptop.execute(line.machine())
    line.answer(line.asked()["Token"])
    laptop.settled(arn)
    events = laptop.history(arn)
    types = [event["type"] for event in events if event["type"].startswith("Task")]
    assert types == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]
    scheduled = next(e["taskScheduledEventDetails"] for e in events if e["type"] == types[1])
    assert scheduled["resourceType"] == "sqs"
    assert scheduled["resource"] == "sendMessage.waitForTaskToken"


def test_second_answer_finds_the_token_closed(laptop, line: Line) -> None:
    arn = laptop.execute(line.machine())
    token = line.asked()["Token"]
    line.answer(token, '"first"')
    assert line.refusal(lambda: line.answer(token)) == "TaskTimedOut"
    laptop.settled(arn)
    assert line.refusal(lambda: line.answer(token)) == "TaskTimedOut"


def test_stop_ends_the_wait_and_closes_its_token(laptop, line: Line) -> None:
    arn = laptop.execute(line.machine())
    token = line.asked()["Token"]
    began = time.monotonic()
    laptop.client("stepfunctions").stop_execution(executionArn=arn)
    assert laptop.execution(arn)["status"] == "ABORTED"
    assert time.monotonic() - began < 30
    assert line.refusal(lambda: line.answer(token)) == "TaskTimedOut"
    assert "TaskTimedOut" not in [event["type"] for event in laptop.history(arn)]


def test_what_was_never_a_token_is_invalid_and_so_is_output_that_is_no_json(
    laptop, line: Line
) -> None:
    arn = laptop.execute(line.machine())
    token = line.asked()["Token"]
    assert line.refusal(lambda: line.answer("nobody's")) == "InvalidToken"
    assert line.refusal(lambda: line.answer(token, "{")) == "InvalidOutput"
    line.answer(token)
    assert laptop.settled(arn)["status"] == "SUCCEEDED"


def test_task_that_is_said_to_have_failed_fails_with_those_words(laptop, line: Line) -> None:
    arn = laptop.execute(line.machine())
    line.fail(line.asked()["Token"])
    ended = laptop.settled(arn)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Refused", "no room")


def test_each_attempt_asks_with_a_token_of_its_own(laptop, line: Line) -> None:
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    arn = laptop.execute(line.machine(TimeoutSeconds=1, Retry=again))
    first, second = line.asked()["Token"], line.asked()["Token"]
    assert first != second
    assert line.refusal(lambda: line.answer(first)) == "TaskTimedOut"
    line.answer(second)
    assert laptop.settled(arn)["status"] == "SUCCEEDED"


def test_redriven_execution_asks_again_and_says_how_often_it_was_redriven(
    laptop, line: Line
) -> None:
    arn = laptop.execute(line.machine())
    before = line.asked()
    laptop.client("stepfunctions").stop_execution(executionArn=arn)
    laptop.client("stepfunctions").redrive_execution(executionArn=arn)
    after = line.asked()
    assert (before["Redrives"], after["Redrives"]) == (0, 1)
    assert before["StartedAt"] == after["StartedAt"]
    line.answer(after["Token"])
    assert laptop.settled(arn)["status"] == "SUCCEEDED"


def test_start_time_is_spelled_as_step_functions_spells_it(laptop, line: Line) -> None:
    arn = laptop.execute(line.machine())
    asked = line.asked()
    began = laptop.execution(arn)["startDate"]
    assert asked["StartedAt"].endswith("Z")
    assert asked["StartedAt"][:23] == began.astimezone(UTC).isoformat(timespec="milliseconds")[:23]
    line.answer(asked["Token"])


def test_queue_that_is_not_there_fails_the_task_under_a_name_that_retries_match(
    laptop, line: Line
) -> None:
    nowhere = {"QueueUrl": f"{line.url}-gone", "MessageBody": ASKED}
    caught = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}]
    machine = laptop.machine(
        {
            "StartAt": "Ask",
            "States": {
                "Ask": {
                    "Type": "Task",
                    "Resource": f"{SEND}.waitForTaskToken",
                    "Parameters": nowhere,
                    "Catch": caught,
                    "End": True,
                },
                "Caught": {"Type": "Pass", "End": True},
            },
        }
    )
    ended = laptop.settled(laptop.execute(machine))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["Error"] == "SQS.AmazonSQSException"


def test_message_that_nobody_waits_for_is_sent_and_left(laptop, line: Line) -> None:
    given = {"QueueUrl": line.url, "MessageBody": {"a": 1}}
    arn = laptop.execute(line.machine(Resource=SEND, Parameters=given))
    assert laptop.settled(arn)["status"] == "SUCCEEDED"
    assert line.asked() == {"a": 1}
