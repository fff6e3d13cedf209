"""Races, and the way out of a dead-letter queue."""

import json
import threading

import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import Message, sqs_backends

from landrun_ops.local.settings import ACCOUNT, REGION

from .conftest import ENDPOINT, both, moto_lacks

ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


@both
@pytest.mark.usefixtures("aws")
def test_deletion_waits_for_a_message_that_comes(patched):
    queue = sqs_backends[ACCOUNT][REGION].create_queue("q")
    queue.add_message(Message("1", "body"))
    queue._messages[0].mark_received()
    handle = queue._messages[0].receipt_handle
    deletion = threading.Thread(target=queue.delete_message, args=(handle,))
    with queue._messages_lock:
        deletion.start()
        deletion.join(0.1 if patched else 30)
        assert deletion.is_alive() is patched
    deletion.join()
    assert not queue._messages


class Queues:
    """SQS where there are a queue ``home`` and its dead-letter queue ``dead``."""

    def __init__(self, sqs):
        self.sqs = sqs
        sqs.create_queue(QueueName="dead")
        policy = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 1})
        sqs.create_queue(QueueName="home", Attributes={"RedrivePolicy": policy})

    def bury(self, body, **more):
        url = f"{ENDPOINT}/{ACCOUNT}/dead"
        return self.sqs.send_message(QueueUrl=url, MessageBody=body, **more)["MessageId"]

    def received(self, name):
        return self.sqs.receive_message(
            QueueUrl=f"{ENDPOINT}/{ACCOUNT}/{name}",
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])

    def move(self, source="dead", destination="home"):
        arns = {"SourceArn": f"{ARN}{source}", "DestinationArn": f"{ARN}{destination}"}
        self.sqs.start_message_move_task(**arns)

    def moves(self, **more):
        """How many messages each task has moved, newest first; the last one unless asked."""
        found = self.sqs.list_message_move_tasks(SourceArn=f"{ARN}dead", **more)["Results"]
        return [one["ApproximateNumberOfMessagesMoved"] for one in found]


@pytest.fixture
def queues(aws):
    return Queues(aws.sqs)


@moto_lacks
def test_messages_move_whole_and_anew_unless_a_consumer_holds_them_and_tasks_are_listed(queues):
    reason = {"Reason": {"DataType": "String", "StringValue": "why"}}
    queues.bury("held")
    assert queues.received("dead")
    sent = queues.bury("refused", MessageAttributes=reason)
    queues.move()
    [message] = queues.received("home")
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("refused", "1")
    assert message["MessageAttributes"]["Reason"]["StringValue"] == "why"
    assert message["MessageId"] != sent
    queues.move()
    assert queues.moves(MaxResults=2) == [0, 1]
    assert queues.moves() == [0]


@pytest.mark.parametrize(
    ("source", "destination", "code", "words"),
    [
        ("other", "home", "ResourceNotFoundException", "SourceArn parameter"),
        ("home", "dead", "InvalidParameterValue", "must be configured as a Dead Letter"),
        ("dead", "other", "ResourceNotFoundException", "DestinationArn parameter"),
    ],
)
def test_what_cannot_be_moved_is_refused_in_sqs_words(queues, source, destination, code, words):
    with pytest.raises(ClientError, match=words) as refused:
        queues.move(source, destination)
    assert refused.value.response["Error"]["Code"] == code
