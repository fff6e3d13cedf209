"""The way out of a dead-letter queue, as boto3 sees it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from landrun_ops.local import LocalAws


@pytest.fixture(scope="module")
def sqs(aws: LocalAws) -> Any:
    return aws.client("sqs")


@pytest.fixture
def queue(sqs: Any) -> Callable[..., str]:
    """``queue(dead_letters=arn)`` makes a queue whose messages go there after one try."""

    def make(dead_letters: str | None = None) -> str:
        policy = json.dumps({"deadLetterTargetArn": dead_letters, "maxReceiveCount": 1})
        attributes = {"RedrivePolicy": policy} if dead_letters else {}
        name = f"q-{uuid.uuid4().hex}"
        sqs.create_queue(QueueName=name, Attributes={**attributes, "VisibilityTimeout": "0"})
        return f"arn:aws:sqs:us-east-1:123456789012:{name}"

    return make


def url(sqs: Any, arn: str) -> str:
    return sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]


def received(sqs: Any, arn: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url(sqs, arn),
        MaxNumberOfMessages=10,
        VisibilityTimeout=30,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )
    return answer.get("Messages", [])


def send(sqs: Any, arn: str, body: str) -> str:
    reason = {"Reason": {"DataType": "String", "StringValue": body}}
    sent = sqs.send_message(QueueUrl=url(sqs, arn), MessageBody=body, MessageAttributes=reason)
    return sent["MessageId"]


def give_up_on(sqs: Any, arn: str) -> None:
    """Receive all that is there twice, which is once too often."""
    for _ in range(2):
        sqs.receive_message(QueueUrl=url(sqs, arn), MaxNumberOfMessages=10, VisibilityTimeout=0)


def test_messages_move_to_the_named_queue_whole_and_anew(sqs: Any, queue: Any) -> None:
    # Given a dead-letter queue with a message that was sent there, and another queue
    dead = queue()
    home = queue(dead)
    before = send(sqs, dead, "refused")
    # When they are moved
    handle = sqs.start_message_move_task(SourceArn=dead, DestinationArn=home)["TaskHandle"]
    # Then the message is in the other, as a new one
    [message] = received(sqs, home)
    assert handle
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("refused", "1")
    assert message["MessageAttributes"]["Reason"]["StringValue"] == "refused"
    assert message["MessageId"] != before
    assert received(sqs, dead) == []


def test_without_a_destination_each_goes_back_to_where_it_came_from(sqs: Any, queue: Any) -> None:
    dead = queue()
    homes = [queue(dead), queue(dead)]
    for home in homes:
        send(sqs, home, home)
        give_up_on(sqs, home)
    sqs.start_message_move_task(SourceArn=dead, MaxNumberOfMessagesPerSecond=500)
    for home in homes:
        assert [message["Body"] for message in received(sqs, home)] == [home]
    [task] = sqs.list_message_move_tasks(SourceArn=dead)["Results"]
    assert (task["Status"], task["SourceArn"]) == ("COMPLETED", dead)
    assert task["MaxNumberOfMessagesPerSecond"] == 500
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert task["ApproximateNumberOfMessagesToMove"] == 2
    assert task["StartedTimestamp"] > 0
    assert not task.keys() & {"TaskHandle", "DestinationArn", "FailureReason"}


def test_without_a_destination_a_message_sent_there_by_hand_fails_the_task(
    sqs: Any, queue: Any
) -> None:
    dead = queue()
    queue(dead)
    send(sqs, dead, "by hand")
    sqs.start_message_move_task(SourceArn=dead)
    [task] = sqs.list_message_move_tasks(SourceArn=dead)["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert [message["Body"] for message in received(sqs, dead)] == ["by hand"]


def test_message_that_is_moved_can_be_given_up_on_and_moved_again(sqs: Any, queue: Any) -> None:
    dead = queue()
    home = queue(dead)
    send(sqs, home, "poison")
    for _ in range(2):
        give_up_on(sqs, home)
        sqs.start_message_move_task(SourceArn=dead)
    assert [message["Body"] for message in received(sqs, home)] == ["poison"]


def test_tasks_are_listed_newest_first_one_unless_more_are_asked_for(sqs: Any, queue: Any) -> None:
    dead = queue()
    home = queue(dead)
    for count in range(3):
        for _ in range(count):
            send(sqs, dead, "x")
        sqs.start_message_move_task(SourceArn=dead, DestinationArn=home)
    moved = [
        task["ApproximateNumberOfMessagesMoved"]
        for task in sqs.list_message_move_tasks(SourceArn=dead, MaxResults=2)["Results"]
    ]
    assert moved == [2, 1]
    assert len(sqs.list_message_move_tasks(SourceArn=dead)["Results"]) == 1


def test_message_that_a_consumer_holds_stays(sqs: Any, queue: Any) -> None:
    dead = queue()
    home = queue(dead)
    send(sqs, dead, "held")
    assert received(sqs, dead)
    sqs.start_message_move_task(SourceArn=dead, DestinationArn=home)
    assert received(sqs, home) == []


def test_what_cannot_be_moved_is_refused_in_sqs_words(sqs: Any, queue: Any) -> None:
    dead = queue()
    home = queue(dead)
    cases = [
        ({"SourceArn": f"{dead}x"}, "ResourceNotFoundException", "SourceArn parameter"),
        ({"SourceArn": home}, "InvalidParameterValue", "must be configured as a Dead Letter"),
        ({"SourceArn": dead, "DestinationArn": dead}, "InvalidParameterValue", "the same"),
        (
            {"SourceArn": dead, "DestinationArn": f"{home}x"},
            "ResourceNotFoundException",
            "DestinationArn parameter",
        ),
        (
            {"SourceArn": dead, "MaxNumberOfMessagesPerSecond": 501},
            "InvalidParameterValue",
            "between 1 and 500",
        ),
    ]
    for asked, code, words in cases:
        with pytest.raises(ClientError, match=words) as refused:
            sqs.start_message_move_task(**asked)
        assert refused.value.response["Error"]["Code"] == code
