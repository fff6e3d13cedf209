"""Races, and the way out of a dead-letter queue."""

import json
import threading

import pytest
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

    def move(self):
        """Move the dead letters home; return how many were moved, as the listed task says it."""
        arns = {"SourceArn": f"{ARN}dead", "DestinationArn": f"{ARN}home"}
        self.sqs.start_message_move_task(**arns)
        [newest] = self.sqs.list_message_move_tasks(SourceArn=f"{ARN}dead")["Results"]
        return newest["ApproximateNumberOfMessagesMoved"]


@pytest.fixture
def queues(aws):
    return Queues(aws.sqs)


@moto_lacks
def test_messages_move_whole_and_anew_unless_a_consumer_holds_them_and_are_counted(queues):
    reason = {"Reason": {"DataType": "String", "StringValue": "why"}}
    queues.bury("held")
    assert queues.received("dead")
    sent = queues.bury("refused", MessageAttributes=reason)
    assert queues.move() == 1
    [message] = queues.received("home")
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("refused", "1")
    assert message["MessageAttributes"]["Reason"]["StringValue"] == "why"
    assert message["MessageId"] != sent
    assert queues.move() == 0
