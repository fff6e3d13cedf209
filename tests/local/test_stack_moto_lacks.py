"""What moto 5.2.5 lacks. A test that fails here says that an adapter of ours can go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudformation.parsing import get_model_map
from moto.dynamodb.responses import DynamoHandler
from moto.events.models import events_backends
from moto.s3 import notifications
from moto.s3.responses import S3Response
from moto.sqs.models import Message, Queue, sqs_backends
from moto.sqs.responses import SQSResponse

from landrun_ops.local import (
    atomic_writes,
    message_moves,
    queue_races,
    queue_urls,
    s3_events,
    version_listing,
)
from landrun_ops.local.deploy import LEFT_OUT
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT, REGION

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


CODE = "def handler(event, context): return 42"
FUNCTION: dict[str, Any] = {
    "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
    "F": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "f",
            "Code": {"ZipFile": CODE},
            "Role": {"Fn::GetAtt": ["R", "Arn"]},
            "Handler": "index.handler",
            "Runtime": "python3.13",
        },
    },
}


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def patches() -> Iterator[Patches]:
    made = Patches()
    yield made
    made.undo()


def create(resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, str]:
    """Create a stack and return its outputs."""
    client = boto3.client("cloudformation")
    body = {"Resources": resources, "Outputs": outputs or {}}
    client.create_stack(StackName="s", TemplateBody=json.dumps(body))
    described = client.describe_stacks(StackName="s")["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}


THERE = {"AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Dashboard"}
"""The first goes otherwise, see below; the second names alarms, which moto has not."""


@pytest.mark.parametrize("kind", sorted(LEFT_OUT - THERE))
def test_cloudformation_has_no(kind: str) -> None:
    assert kind not in get_model_map()


def test_a_numbers_default_is_no_text_in_a_condition(moto: None) -> None:
    """As it is to CloudFormation, and to moto when a text is given: see template.py."""

    def made(name: str, default: int | str) -> bool:
        body = {
            "Parameters": {"N": {"Type": "Number", "Default": default}},
            "Conditions": {"One": {"Fn::Equals": [{"Ref": "N"}, "1"]}},
            "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Condition": "One"}},
        }
        client = boto3.client("cloudformation")
        client.create_stack(StackName=name, TemplateBody=json.dumps(body))
        return bool(boto3.client("sqs").list_queues().get("QueueUrls"))

    assert (made("number", 1), made("text", "1")) == (False, True)


def test_an_event_source_mapping_deletes_messages_that_were_reported_as_failed(
    moto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a function that reports all its messages as failed
    from moto.awslambda.models import LambdaFunction  # noqa: PLC0415

    batches: list[list[Any]] = []

    def invoke(function: Any, body: str, request: Any, response: Any) -> str:
        records = json.loads(body)["Records"]
        batches.append(records)
        failures = [{"itemIdentifier": record["messageId"]} for record in records]
        return json.dumps({"batchItemFailures": failures})

    monkeypatch.setattr(LambdaFunction, "invoke", invoke)
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]},
        "FunctionName": {"Ref": "F"},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    url = create(
        {
            **FUNCTION,
            "Q": {"Type": "AWS::SQS::Queue"},
            "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
        },
        {"Url": {"Value": {"Ref": "Q"}}},
    )["Url"]
    sqs = boto3.client("sqs")
    sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": one, "MessageBody": one} for one in ("a", "b")]
    )
    # Then each came alone, and both are gone
    assert [len(batch) for batch in batches] == [1, 1]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_cloudformation_ignores_versioning_of_a_bucket(moto: None) -> None:
    properties = {"BucketName": "bucket", "VersioningConfiguration": {"Status": "Enabled"}}
    create({"B": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    assert "Status" not in boto3.client("s3").get_bucket_versioning(Bucket="bucket")


def test_cloudformation_ignores_eventbridge_of_a_bucket(moto: None) -> None:
    eventbridge = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    properties = {"BucketName": "bucket", "NotificationConfiguration": eventbridge}
    create({"B": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    assert not put_twice(eventbridge_on=False)


def test_cloudformation_ignores_definition_substitutions(moto: None) -> None:
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "${A}", "End": True}}}
    properties = {
        "DefinitionString": json.dumps(definition),
        "DefinitionSubstitutions": {"A": "put"},
        "RoleArn": ROLE,
    }
    arn = create(
        {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}},
        {"M": {"Value": {"Ref": "M"}}},
    )["M"]
    client = boto3.client("stepfunctions")
    assert "${A}" in client.describe_state_machine(stateMachineArn=arn)["definition"]


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [
        ("AWS::StepFunctions::StateMachine", "Arn"),
        ("AWS::SQS::Queue", "QueueUrl"),
        ("AWS::SNS::Topic", "TopicArn"),
    ],
)
def test_get_att_cannot_tell(kind: str, attribute: str) -> None:
    assert not get_model_map()[kind].has_cfn_attr(attribute)


def test_a_disabled_rule_still_sends(moto: None) -> None:
    assert put_twice(state="DISABLED")


def test_lambda_does_not_run_functions_without_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        create(FUNCTION)
        reply = boto3.client("lambda").invoke(FunctionName="f", Payload=b"{}")
        assert reply["Payload"].read() != b"42"


def test_parameters_are_not_held_against_their_patterns(moto: None) -> None:
    body = {
        "Parameters": {"P": {"Type": "String", "AllowedPattern": "[a-z]+", "Default": "a"}},
        "Resources": {"Q": {"Type": "AWS::SQS::Queue"}},
    }
    boto3.client("cloudformation").create_stack(
        StackName="s",
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": "P", "ParameterValue": "7"}],
    )


def test_rules_are_not_looked_at(moto: None) -> None:
    never = {"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "never"}
    body = {
        "Rules": {"R": {"Assertions": [never]}},
        "Resources": {"Q": {"Type": "AWS::SQS::Queue"}},
    }
    boto3.client("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps(body))


def test_a_reference_to_nothing_is_a_bare_key_error(moto: None) -> None:
    with pytest.raises(KeyError, match=r"^'Nothing'$"):
        create({"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Nothing"}}}})


def test_a_resource_that_fails_is_not_named(moto: None) -> None:
    with pytest.raises(ClientError) as raised:
        create({"Q": {"Type": "AWS::SQS::Queue", "Properties": {"MaximumMessageSize": 1}}})
    assert "'Q'" not in str(raised.value)
    assert "Q " not in str(raised.value)


def put_twice(*, eventbridge_on: bool = True, state: Any = "ENABLED") -> list[dict[str, Any]]:
    """Return the events' details of an object that was put twice, by way of a rule and a queue."""
    s3, sqs, events = boto3.client("s3"), boto3.client("sqs"), boto3.client("events")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.s3"]}), State=state)
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": arn}])
    s3.create_bucket(Bucket="bucket")
    if eventbridge_on:
        s3.put_bucket_notification_configuration(
            Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    for body in (b"1", b"2"):
        s3.put_object(Bucket="bucket", Key="k+ %2B", Body=body)
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [
        event["detail"]
        for event in (json.loads(message["Body"]) for message in got)
        if event["detail-type"] == "Object Created"
    ]


def test_s3_events_of_overwrites_cannot_be_told_apart(moto: None) -> None:
    first, second = (detail["object"] for detail in put_twice())
    assert first["sequencer"] == second["sequencer"]
    assert "etag" not in first


def test_with_the_adapter_s3_events_are_as_s3_sends_them(moto: None, patches: Patches) -> None:
    s3_events.adapt(patches)
    first, second = put_twice()
    assert first["reason"] == "PutObject"
    assert first["object"]["sequencer"] < second["object"]["sequencer"]
    assert first["object"].keys() == {"key", "size", "etag", "sequencer"}
    assert first["object"]["key"] == "k+ %2B"


def test_with_the_adapter_a_target_that_fails_keeps_nothing_from_the_others(
    moto: None, patches: Patches, caplog: pytest.LogCaptureFixture
) -> None:
    events = boto3.client("events")
    events.put_rule(Name="a", EventPattern=json.dumps({"source": ["aws.s3"]}))
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    events.put_targets(Rule="a", Targets=[{"Id": "f", "Arn": function}])
    s3_events.adapt(patches)
    assert len(put_twice()) == 2
    assert "a: event not delivered" in caplog.text


ODD_KEY = "a\x01 +é.csv"


def _versions_of_an_odd_key() -> list[str]:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="landing")
    s3.put_object(Bucket="landing", Key=ODD_KEY)
    listed = s3.list_object_versions(Bucket="landing", Prefix=ODD_KEY)
    return [one["Key"] for one in listed["Versions"]]


def test_versions_of_a_key_with_a_control_character_cannot_be_listed(moto: None) -> None:
    with pytest.raises(ClientError, match="500"):
        _versions_of_an_odd_key()


def test_with_the_adapter_versions_are_listed_whatever_the_key(
    moto: None, patches: Patches
) -> None:
    version_listing.adapt(patches)
    assert _versions_of_an_odd_key() == [ODD_KEY]


def test_adapters_are_taken_back() -> None:
    def patched() -> tuple[Any, ...]:
        queue = Queue.add_message, Queue.delete_message, vars(Queue)["physical_resource_id"]
        writes = DynamoHandler.update_item, S3Response.put_object
        return (notifications._send_event_bridge_message, *queue, *writes)

    before, patches = patched(), Patches()
    s3_events.adapt(patches)
    queue_races.adapt(patches)
    message_moves.adapt(patches)
    atomic_writes.adapt(patches)
    queue_urls.adapt(patches, "http://127.0.0.1:4566")
    assert not set(before) & set(patched())
    patches.undo()
    assert before == patched()
    assert not hasattr(SQSResponse, "start_message_move_task")


def deletes_while_a_message_comes(queue: Queue) -> bool:
    """Whether a deletion goes through while another thread is adding a message."""
    queue.add_message(Message("1", "body"))
    queue._messages[0].mark_received()
    handle = queue._messages[0].receipt_handle
    deletion = threading.Thread(target=queue.delete_message, args=(handle,))
    with queue._messages_lock:
        deletion.start()
        deletion.join(0.3)
        went_through = not deletion.is_alive()
    deletion.join()
    assert not queue._messages
    return went_through


def test_a_deletion_may_lose_a_message_that_comes_meanwhile(moto: None) -> None:
    queue = sqs_backends[ACCOUNT][REGION].create_queue("q")
    assert deletes_while_a_message_comes(queue)


def test_with_the_adapter_a_deletion_waits_for_a_message_that_comes(
    moto: None, patches: Patches
) -> None:
    queue_races.adapt(patches)
    queue = sqs_backends[ACCOUNT][REGION].create_queue("q")
    assert not deletes_while_a_message_comes(queue)


def test_messages_cannot_be_moved_out_of_a_dead_letter_queue(moto: None) -> None:
    sqs = boto3.client("sqs")
    sqs.create_queue(QueueName="dead")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": policy})
    with pytest.raises(NotImplementedError):
        sqs.start_message_move_task(SourceArn=arn)


def queue_url() -> str:
    return create({"Q": {"Type": "AWS::SQS::Queue"}}, {"Q": {"Value": {"Ref": "Q"}}})["Q"]


def test_cloudformation_gives_queue_urls_that_lead_to_aws(moto: None) -> None:
    assert queue_url().startswith("https://sqs.us-east-1.amazonaws.com/")


def test_with_the_adapter_queue_urls_lead_to_the_laptop(moto: None, patches: Patches) -> None:
    queue_urls.adapt(patches, "http://127.0.0.1:4566")
    assert queue_url().startswith(f"http://127.0.0.1:4566/{ACCOUNT}/")


def test_rules_need_no_queue_policy(moto: None) -> None:
    assert put_twice()
    assert events_backends[ACCOUNT][REGION].event_buses["default"].rules["r"].targets
