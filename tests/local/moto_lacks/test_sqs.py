"""Races, and the way out of a dead-letter queue."""

import json
import threading

import pytest
from moto.sqs.models import Message, sqs_backends

from landrun_ops.local.settings import ACCOUNT, REGION

from .conftest import both, moto_lacks

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


@moto_lacks
def test_messages_move_whole_and_anew_unless_a_consumer_holds_them_and_are_counted(aws):
    # Given a queue and its dead-letter queue, in which a consumer holds one of two messages
    dead = aws.sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 1})
    home = aws.sqs.create_queue(QueueName="home", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    aws.sqs.send_message(QueueUrl=dead, MessageBody="held")
    assert aws.sqs.receive_message(QueueUrl=dead)["Messages"]
    reason = {"Reason": {"DataType": "String", "StringValue": "why"}}
    sent = aws.sqs.send_message(QueueUrl=dead, MessageBody="refused", MessageAttributes=reason)

    def moved():
        aws.sqs.start_message_move_task(SourceArn=f"{ARN}dead", DestinationArn=f"{ARN}home")
        [newest] = aws.sqs.list_message_move_tasks(SourceArn=f"{ARN}dead")["Results"]
        return newest["ApproximateNumberOfMessagesMoved"]

    assert moved() == 1
    every = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
    [message] = aws.sqs.receive_message(QueueUrl=home, **every)["Messages"]
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("refused", "1")
    assert message["MessageAttributes"]["Reason"]["StringValue"] == "why"
    assert message["MessageId"] != sent["MessageId"]
    assert moved() == 0
