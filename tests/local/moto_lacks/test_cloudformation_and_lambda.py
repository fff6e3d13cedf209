"""What moto's CloudFormation and Lambda lack: when one of these fails, code of ours can go."""

import json

import pytest
from moto import mock_aws
from moto.awslambda.models import LambdaFunction
from moto.cloudformation.parsing import get_model_map
from moto.s3.models import s3_backends

from landrun_ops.local.deploy import LEFT_OUT, SAME_AS_REF
from landrun_ops.local.settings import ACCOUNT

from .conftest import ENDPOINT, ROLE, both, client

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
THERE = {"AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Dashboard"}
"""The first goes otherwise, see below; the second names alarms, which moto has not."""


def create(resources, output=None, **more):
    """Create a stack and return its one output."""
    outputs = {"O": {"Value": output}} if output else {}
    body = {"Resources": resources, "Outputs": outputs, **more}
    client("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps(body))
    [stack] = client("cloudformation").describe_stacks(StackName="s")["Stacks"]
    return stack["Outputs"][0]["OutputValue"] if output else None


@pytest.mark.parametrize("kind", sorted(LEFT_OUT - THERE))
def test_cloudformation_has_no(kind):
    assert kind not in get_model_map()


@pytest.mark.parametrize(("kind", "attribute"), sorted(SAME_AS_REF))
def test_get_att_cannot_tell(kind, attribute):
    assert not get_model_map()[kind].has_cfn_attr(attribute)


@pytest.mark.parametrize(("default", "holds"), [(1, False), ("1", True)])
@mock_aws
def test_a_numbers_default_is_no_text_in_a_condition(default, holds):
    """As it is to CloudFormation, and to moto when a text is given: see template.py."""
    create(
        {"Q": {"Type": "AWS::SQS::Queue", "Condition": "One"}},
        Parameters={"N": {"Type": "Number", "Default": default}},
        Conditions={"One": {"Fn::Equals": [{"Ref": "N"}, "1"]}},
    )
    assert bool(client("sqs").list_queues().get("QueueUrls")) is holds


@mock_aws
def test_an_event_source_mapping_deletes_messages_that_were_reported_as_failed(monkeypatch):
    # Given a function that reports all its messages as failed
    batches = []

    def invoke(function, body, request, response):
        batches.append([record["messageId"] for record in json.loads(body)["Records"]])
        return json.dumps({"batchItemFailures": [{"itemIdentifier": one} for one in batches[-1]]})

    monkeypatch.setattr(LambdaFunction, "invoke", invoke)
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]},
        "FunctionName": {"Ref": "F"},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    source = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping}
    url = create({**FUNCTION, "Q": {"Type": "AWS::SQS::Queue"}, "M": source}, {"Ref": "Q"})
    entries = [{"Id": one, "MessageBody": one} for one in ("a", "b")]
    client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    # Then each came alone, and both are gone
    assert [len(batch) for batch in batches] == [1, 1]
    assert "Messages" not in client("sqs").receive_message(QueueUrl=url)


@mock_aws
def test_cloudformation_ignores_versioning_and_eventbridge_of_a_bucket():
    eventbridge = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    properties = {
        "BucketName": "bucket",
        "VersioningConfiguration": {"Status": "Enabled"},
        "NotificationConfiguration": eventbridge,
    }
    create({"B": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    bucket = s3_backends[ACCOUNT]["aws"].buckets["bucket"]
    assert not bucket.is_versioned
    assert bucket.notification_configuration is None


@mock_aws
def test_cloudformation_ignores_definition_substitutions():
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": "${A}", "End": True}}}
    properties = {
        "DefinitionString": json.dumps(definition),
        "DefinitionSubstitutions": {"A": "put"},
        "RoleArn": ROLE,
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    arn = create({"M": machine}, {"Ref": "M"})
    created = client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert "${A}" in created["definition"]


@both
@pytest.mark.usefixtures("aws")
def test_queue_urls_lead_here(patched):
    url = create({"Q": {"Type": "AWS::SQS::Queue"}}, {"Ref": "Q"})
    assert url.startswith(ENDPOINT) is patched


@mock_aws(config={"lambda": {"use_docker": False}})
def test_lambda_does_not_run_functions_without_docker():
    create(FUNCTION)
    reply = client("lambda").invoke(FunctionName="f", Payload=b"{}")
    assert reply["Payload"].read() != b"42"
