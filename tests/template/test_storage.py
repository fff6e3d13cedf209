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
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_keep_old_versions_for_a_year_and_broken_uploads_for_a_week(
    stack: Any, bucket: str
) -> None:
    rules = stack.of_type("AWS::S3::Bucket")[bucket]["LifecycleConfiguration"]["Rules"]
    assert [(rule["Id"], rule["Status"]) for rule in rules] == [
        ("OldVersions", "Enabled"),
        ("BrokenUploads", "Enabled"),
    ]
    assert rules[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 365}
    assert rules[1]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


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
    """A protected table could not be deleted by a stack that fails to be created: it stays."""
    kept = {
        "AWS::S3::Bucket": "RetainExceptOnCreate",
        "AWS::ECR::Repository": "RetainExceptOnCreate",
        "AWS::DynamoDB::Table": "Retain",
    }
    for name, resource in stack.resources.items():
        if resource["Type"] in kept:
            assert resource["DeletionPolicy"] == kept[resource["Type"]], name
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_runs_are_found_by_name_and_by_month(stack: Any) -> None:
    table = stack.of_type("AWS::DynamoDB::Table")["RunsTable"]
    assert table["KeySchema"] == [{"AttributeName": "name", "KeyType": "HASH"}]
    assert indexes(table)["by-month"] == ["month", "started_at", {"ProjectionType": "ALL"}]


def test_unfinished_runs_are_found_by_what_they_lack_and_oldest_first(stack: Any) -> None:
    table = stack.of_type("AWS::DynamoDB::Table")["RunsTable"]
    unfinished = ["unfinished", "started_at", {"ProjectionType": "ALL"}]
    assert indexes(table)["by-unfinished"] == unfinished
    assert indexes(table).keys() == {"by-month", "by-unfinished"}


def test_landings_are_found_by_their_object_and_by_what_waits(stack: Any) -> None:
    table = stack.of_type("AWS::DynamoDB::Table")["LandingsTable"]
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    [(name, [partition, order, projection])] = indexes(table).items()
    assert (name, partition, order) == ("by-waiting", "waiting", "id")
    assert projection["ProjectionType"] == "INCLUDE"
    claim = {"claimed_by", "claimed_at", "claimed_for"}
    assert set(projection["NonKeyAttributes"]) == {"bucket", "recorded_at"} | claim


def test_a_landing_is_forgotten_only_when_its_own_attribute_says_so(stack: Any) -> None:
    tables = stack.of_type("AWS::DynamoDB::Table")
    forgetting = {"AttributeName": "expires_at", "Enabled": True}
    assert tables["LandingsTable"]["TimeToLiveSpecification"] == forgetting
    assert "TimeToLiveSpecification" not in tables["RunsTable"]


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_landings_that_wait_are_kept_when_start_on_changes(
    deployed: Callable[..., Any], start_on: str
) -> None:
    stack = deployed(StartOn=start_on)
    assert stack.resources["LandingsTable"] == deployed().resources["LandingsTable"]
    assert stack.environment("ReconcileFunction")["LANDINGS_TABLE"] == "<LandingsTable>"


@pytest.mark.parametrize("table", ["RunsTable", "LandingsTable"])
def test_what_is_on_record_can_be_restored_and_is_encrypted(stack: Any, table: str) -> None:
    properties = stack.of_type("AWS::DynamoDB::Table")[table]
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def indexes(table: dict[str, Any]) -> dict[str, list[Any]]:
    """Give each index's keys, partition and order, and its projection."""
    return {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        + [index["Projection"]]
        for index in table["GlobalSecondaryIndexes"]
    }


def test_every_queue_is_encrypted_and_has_a_dead_letter_queue(stack: Any) -> None:
    queues = stack.of_type("AWS::SQS::Queue")
    assert queues.keys() == QUEUES.keys() | DEAD_LETTER_QUEUES
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    for name, dead_letters in QUEUES.items():
        redrive = queues[name]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == f"<{dead_letters}.Arn>"
        assert redrive["maxReceiveCount"] == 100


def test_no_queue_forgets_a_message_sooner_than_sqs_must(stack: Any) -> None:
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS, name


def test_attempts_outlast_an_outage_of_hours_and_leave_days_to_redrive(stack: Any) -> None:
    """A message keeps its age when it moves to a dead-letter queue."""
    queues = stack.of_type("AWS::SQS::Queue")
    for name in QUEUES:
        attempts = queues[name]["RedrivePolicy"]["maxReceiveCount"]
        seconds = attempts * queues[name]["VisibilityTimeout"]
        assert 8 * 3600 <= seconds <= 24 * 3600, name


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
    assert target["DeadLetterConfig"] == {"Arn": f"<{QUEUES[queue]}.Arn>"}
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
            {
                "ArnEquals": {"aws:SourceArn": f"<{rule}.Arn>"},
                "StringEquals": {"aws:SourceAccount": "123456789012"},
            },
        )
    ]


def test_what_eventbridge_gives_up_on_may_be_kept_and_by_these_rules_only(
    stack: Any, policy_statements: Callable[..., Any]
) -> None:
    policy = stack.of_type("AWS::SQS::QueuePolicy")["DeadLetterQueuesPolicy"]["PolicyDocument"]
    [allowed] = [one for one in policy_statements(policy) if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {
        "ArnEquals": {"aws:SourceArn": ["<LandingRule.Arn>", "<StatusRule.Arn>"]},
        "StringEquals": {"aws:SourceAccount": "123456789012"},
    }


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
