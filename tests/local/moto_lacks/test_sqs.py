"""Queue URLs, races, and the way out of a dead-letter queue."""

from __future__ import annotations

import json
import threading

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import Message, sqs_backends

from landrun_ops.local.settings import ACCOUNT, REGION

from .conftest import ENDPOINT

ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


def test_cloudformation_gives_queue_urls_that_lead_here(patched):
    client = boto3.client("cloudformation")
    resources = {"Q": {"Type": "AWS::SQS::Queue"}}
    body = {"Resources": resources, "Outputs": {"Q": {"Value": {"Ref": "Q"}}}}
    client.create_stack(StackName="s", TemplateBody=json.dumps(body))
    [output] = client.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    assert output["OutputValue"].startswith(f"{ENDPOINT}/{ACCOUNT}/") is patched


def test_deletion_waits_for_a_message_that_comes(patched):
    queue = sqs_backends[ACCOUNT][REGION].create_queue("q")
    queue.add_message(Message("1", "body"))
    queue._messages[0].mark_received()
    handle = queue._messages[0].receipt_handle
    deletion = threading.Thread(target=queue.delete_message, args=(handle,))
    with queue._messages_lock:
        deletion.start()
        deletion.join(0.3)
        assert deletion.is_alive() is patched
    deletion.join()
    assert not queue._messages


def only(*, patched):
    return pytest.mark.parametrize("patched", [patched], indirect=True, ids=[""])


@pytest.fixture
def sqs(patched):
    """A client of SQS where there are a queue ``home`` and its dead-letter queue ``dead``."""
    client = boto3.client("sqs")
    client.create_queue(QueueName="dead")
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 1})
    client.create_queue(QueueName="home", Attributes={"RedrivePolicy": policy})
    return client


def url(name):
    return f"{ENDPOINT}/{ACCOUNT}/{name}"


def received(sqs, name):
    asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 30}
    names = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
    return sqs.receive_message(QueueUrl=url(name), **asked, **names).get("Messages", [])


def move(sqs, source="dead", destination="home"):
    return sqs.start_message_move_task(
        SourceArn=f"{ARN}{source}", DestinationArn=f"{ARN}{destination}"
    )["TaskHandle"]


@only(patched=False)
def test_moto_has_no_message_move_tasks(sqs):
    with pytest.raises(NotImplementedError):
        move(sqs)


@only(patched=True)
def test_messages_move_whole_and_anew_unless_a_consumer_holds_them(sqs):
    reason = {"Reason": {"DataType": "String", "StringValue": "why"}}
    sqs.send_message(QueueUrl=url("dead"), MessageBody="held")
    assert received(sqs, "dead")
    sent = sqs.send_message(QueueUrl=url("dead"), MessageBody="refused", MessageAttributes=reason)
    assert move(sqs)
    [message] = received(sqs, "home")
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("refused", "1")
    assert message["MessageAttributes"]["Reason"]["StringValue"] == "why"
    assert message["MessageId"] != sent["MessageId"]


@only(patched=True)
def test_tasks_are_listed_newest_first_one_unless_more_are_asked_for(sqs):
    for count in range(3):
        for _ in range(count):
            sqs.send_message(QueueUrl=url("dead"), MessageBody="x")
        move(sqs)
    newest, before = sqs.list_message_move_tasks(SourceArn=f"{ARN}dead", MaxResults=2)["Results"]
    assert (newest["Status"], newest["SourceArn"]) == ("COMPLETED", f"{ARN}dead")
    assert newest["StartedTimestamp"] > 0
    moved = [task["ApproximateNumberOfMessagesMoved"] for task in (newest, before)]
    assert moved == [2, 1]
    assert len(sqs.list_message_move_tasks(SourceArn=f"{ARN}dead")["Results"]) == 1


@only(patched=True)
@pytest.mark.parametrize(
    ("source", "destination", "code", "words"),
    [
        ("other", "home", "ResourceNotFoundException", "SourceArn parameter"),
        ("home", "dead", "InvalidParameterValue", "must be configured as a Dead Letter"),
        ("dead", "other", "ResourceNotFoundException", "DestinationArn parameter"),
    ],
)
def test_what_cannot_be_moved_is_refused_in_sqs_words(sqs, source, destination, code, words):
    with pytest.raises(ClientError, match=words) as refused:
        move(sqs, source, destination)
    assert refused.value.response["Error"]["Code"] == code
