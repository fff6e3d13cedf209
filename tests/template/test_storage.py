"""Buckets, queues, table, topic, repository: what holds data and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

BUCKETS = ("LandingBucket", "OutputBucket")
QUEUES = {
    "LandingQueue": "LandingDeadLetterQueue",
    "StatusQueue": "StatusDeadLetterQueue",
}
DEAD_LETTER_QUEUES = {*QUEUES.values(), "ScheduleDeadLetterQueue"}
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}
FOURTEEN_DAYS = 14 * 24 * 3600


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_private_versioned_and_encrypted(stack: Any, bucket: str) -> None:
    properties = stack.of_type("AWS::S3::Bucket")[bucket]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_refuse_whoever_comes_without_tls(
    stack: Any, bucket: str, policy_statements: Callable[..., Any]
) -> None:
    [policy] = [
        policy
        for policy in stack.of_type("AWS::S3::BucketPolicy").values()
        if policy["Bucket"] == f"<{bucket}>"
    ]
    [statement] = policy_statements(policy["PolicyDocument"])
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == ["s3:*"]
    assert statement["Condition"] == WITHOUT_TLS
    assert statement["Resource"] == [f"<{bucket}.Arn>", f"<{bucket}.Arn>/*"]


def test_only_the_landing_bucket_sends_events(stack: Any) -> None:
    buckets = stack.of_type("AWS::S3::Bucket")
    sending = {
        name: properties["NotificationConfiguration"]
        for name, properties in buckets.items()
        if "NotificationConfiguration" in properties
    }
    assert sending == {"LandingBucket": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}}


def test_what_holds_data_outlives_the_stack(stack: Any) -> None:
    kept = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::ECR::Repository"}
    for name, resource in stack.resources.items():
        if resource["Type"] in kept:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_runs_are_found_by_name_and_by_month(stack: Any) -> None:
    table = stack.of_type("AWS::DynamoDB::Table")["RunsTable"]
    assert table["KeySchema"] == [{"AttributeName": "name", "KeyType": "HASH"}]
    [index] = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by-month"
    assert [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == [
        ("month", "HASH"),
        ("started_at", "RANGE"),
    ]
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_the_record_of_runs_can_be_restored_and_is_encrypted(stack: Any) -> None:
    table = stack.of_type("AWS::DynamoDB::Table")["RunsTable"]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_every_queue_is_encrypted_and_has_a_dead_letter_queue(stack: Any) -> None:
    queues = stack.of_type("AWS::SQS::Queue")
    assert queues.keys() == QUEUES.keys() | DEAD_LETTER_QUEUES
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    for name, dead_letters in QUEUES.items():
        redrive = queues[name]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == f"<{dead_letters}.Arn>"
        assert redrive["maxReceiveCount"] >= 10


def test_dead_letters_stay_longer_than_messages_wait(stack: Any) -> None:
    queues = stack.of_type("AWS::SQS::Queue")
    for name in DEAD_LETTER_QUEUES:
        assert queues[name]["MessageRetentionPeriod"] == FOURTEEN_DAYS
    for name in QUEUES:
        assert queues[name].get("MessageRetentionPeriod", 345600) < FOURTEEN_DAYS


def test_every_queue_refuses_whoever_comes_without_tls(
    stack: Any, policy_statements: Callable[..., Any]
) -> None:
    denied = set()
    for policy in stack.of_type("AWS::SQS::QueuePolicy").values():
        for statement in policy_statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Deny":
                assert statement["Principal"] == "*"
                assert statement["Action"] == ["sqs:*"]
                assert statement["Condition"] == WITHOUT_TLS
                denied |= set(policy["Queues"])
    assert denied == {f"<{name}>" for name in QUEUES.keys() | DEAD_LETTER_QUEUES}


@pytest.mark.parametrize(
    ("rule", "queue"), [("LandingRule", "LandingQueue"), ("StatusRule", "StatusQueue")]
)
def test_only_its_rule_may_send_to_a_queue(
    stack: Any, rule: str, queue: str, policy_statements: Callable[..., Any]
) -> None:
    [target] = stack.of_type("AWS::Events::Rule")[rule]["Targets"]
    assert target["Arn"] == f"<{queue}.Arn>"
    allowed = [
        statement
        for policy in stack.of_type("AWS::SQS::QueuePolicy").values()
        if f"<{queue}>" in policy["Queues"]
        for statement in policy_statements(policy["PolicyDocument"])
        if statement["Effect"] == "Allow"
    ]
    assert [(s["Principal"], s["Action"], s["Resource"], s["Condition"]) for s in allowed] == [
        (
            {"Service": "events.amazonaws.com"},
            ["sqs:SendMessage"],
            [f"<{queue}.Arn>"],
            {"ArnEquals": {"aws:SourceArn": f"<{rule}.Arn>"}},
        )
    ]


def test_each_queue_has_one_policy_since_the_last_would_win(stack: Any) -> None:
    queues = [q for p in stack.of_type("AWS::SQS::QueuePolicy").values() for q in p["Queues"]]
    assert len(queues) == len(set(queues))


def test_failures_go_by_mail_only_to_a_given_address(deployed: Callable[..., Any]) -> None:
    assert deployed().of_type("AWS::SNS::Subscription") == {}
    given = deployed(NotificationEmail="on-call@example.com")
    assert given.of_type("AWS::SNS::Subscription") == {
        "EmailSubscription": {
            "TopicArn": "<NotificationsTopic>",
            "Protocol": "email",
            "Endpoint": "on-call@example.com",
        }
    }


def test_images_are_scanned_and_their_repository_has_a_lower_case_name(stack: Any) -> None:
    repository = stack.of_type("AWS::ECR::Repository")["ImageRepository"]
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert repository["RepositoryName"] == "landrun-51af3dc0"
