"""What moto's CloudFormation and Lambda lack: when one of these fails, code of ours can go."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws
from moto.cloudformation.parsing import get_model_map

from landrun_ops.local.deploy import LEFT_OUT
from landrun_ops.local.settings import ACCOUNT, REGION

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


CODE = "def handler(event, context): return 42"
FUNCTION = {
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
def moto(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


def create(resources, outputs=None):
    """Create a stack and return its outputs."""
    client = boto3.client("cloudformation")
    body = {"Resources": resources, "Outputs": outputs or {}}
    client.create_stack(StackName="s", TemplateBody=json.dumps(body))
    described = client.describe_stacks(StackName="s")["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}


THERE = {"AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Dashboard"}
"""The first goes otherwise, see below; the second names alarms, which moto has not."""


@pytest.mark.parametrize("kind", sorted(LEFT_OUT - THERE))
def test_cloudformation_has_no(kind):
    assert kind not in get_model_map()


def test_a_numbers_default_is_no_text_in_a_condition(moto):
    """As it is to CloudFormation, and to moto when a text is given: see template.py."""

    def made(name, default):
        body = {
            "Parameters": {"N": {"Type": "Number", "Default": default}},
            "Conditions": {"One": {"Fn::Equals": [{"Ref": "N"}, "1"]}},
            "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Condition": "One"}},
        }
        client = boto3.client("cloudformation")
        client.create_stack(StackName=name, TemplateBody=json.dumps(body))
        return bool(boto3.client("sqs").list_queues().get("QueueUrls"))

    assert (made("number", 1), made("text", "1")) == (False, True)


def test_an_event_source_mapping_deletes_messages_that_were_reported_as_failed(moto, monkeypatch):
    # Given a function that reports all its messages as failed
    from moto.awslambda.models import LambdaFunction  # noqa: PLC0415

    batches = []

    def invoke(function, body, request, response):
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


def test_cloudformation_ignores_versioning_of_a_bucket(moto):
    properties = {"BucketName": "bucket", "VersioningConfiguration": {"Status": "Enabled"}}
    create({"B": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    assert "Status" not in boto3.client("s3").get_bucket_versioning(Bucket="bucket")


def test_cloudformation_ignores_eventbridge_of_a_bucket(moto):
    eventbridge = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    properties = {"BucketName": "bucket", "NotificationConfiguration": eventbridge}
    create({"B": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    assert not messages_of_a_put(eventbridge_on=False)


def test_cloudformation_ignores_definition_substitutions(moto):
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
def test_get_att_cannot_tell(kind, attribute):
    assert not get_model_map()[kind].has_cfn_attr(attribute)


def test_rules_send_though_disabled_and_need_no_queue_policy(moto):
    assert messages_of_a_put(state="DISABLED")


def test_lambda_does_not_run_functions_without_docker(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        create(FUNCTION)
        reply = boto3.client("lambda").invoke(FunctionName="f", Payload=b"{}")
        assert reply["Payload"].read() != b"42"


def test_a_reference_to_nothing_is_a_bare_key_error(moto):
    with pytest.raises(KeyError, match=r"^'Nothing'$"):
        create({"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Nothing"}}}})


def messages_of_a_put(*, eventbridge_on=True, state="ENABLED"):
    """Return what a queue behind a rule has received of an object that was put."""
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
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    return sqs.receive_message(QueueUrl=url).get("Messages", [])
