"""Buckets, queues, tables, topic, repository: what holds data and messages."""

from __future__ import annotations

import pytest

BUCKETS = ("LandingBucket", "OutputBucket")
QUEUES = {"LandingQueue": "LandingDeadLetterQueue", "StatusQueue": "StatusDeadLetterQueue"}
RULES = {"LandingQueue": "LandingRule", "StatusQueue": "StatusRule"}
DEAD_LETTER_QUEUES = {*QUEUES.values(), "ScheduleDeadLetterQueue"}
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}
FOURTEEN_DAYS = 14 * 24 * 3600

BUCKET = {
    "LifecycleConfiguration": {
        "Rules": [
            {
                "Id": "OldVersions",
                "Status": "Enabled",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 365},
            },
            {
                "Id": "BrokenUploads",
                "Status": "Enabled",
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            },
        ]
    },
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            }
        ]
    },
}
"""What checkov does not see; of versions and public access it says whether they are as they should
be (CKV_AWS_21, CKV_AWS_53 to 56), of tables that they can be restored (28), of images that they are
scanned (163)."""

SENDS_EVENTS = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
ALL = {"ProjectionType": "ALL"}
CLAIM = {"bucket", "recorded_at", "claimed_by", "claimed_at", "claimed_for"}


def test_buckets_keep_versions_for_a_year_and_only_one_sends_events(stack):
    buckets = stack.of_type("AWS::S3::Bucket")
    assert buckets.keys() == {*BUCKETS}
    for name, bucket in buckets.items():
        assert bucket.items() >= BUCKET.items(), name
    notifying = {name: one.get("NotificationConfiguration") for name, one in buckets.items()}
    assert notifying == {"LandingBucket": SENDS_EVENTS, "OutputBucket": None}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_refuse_requests_without_tls(stack, bucket, policy_statements):
    policy = stack.of_type("AWS::S3::BucketPolicy")[f"{bucket}Policy"]
    assert policy["Bucket"] == f"<{bucket}>"
    [statement] = policy_statements(policy["PolicyDocument"])
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert (statement["Action"], statement["Condition"]) == (["s3:*"], WITHOUT_TLS)
    assert statement["Resource"] == [f"<{bucket}.Arn>", f"<{bucket}.Arn>/*"]


def test_what_holds_data_outlives_the_stack(stack):
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


def test_tables_are_protected_from_deletion_and_found_by_their_indexes(stack):
    tables = stack.of_type("AWS::DynamoDB::Table")
    assert all(table["DeletionProtectionEnabled"] for table in tables.values())
    assert {name: [keys(table), indexes(table)] for name, table in tables.items()} == {
        "RunsTable": [
            ["name"],
            {
                "by-month": [["month", "started_at"], ALL],
                "by-unfinished": [["unfinished", "started_at"], ALL],
            },
        ],
        "LandingsTable": [["id"], {"by-waiting": [["waiting", "id"], CLAIM]}],
        "ConcurrencyTable": [
            ["item_type", "name"],
            {"by-status-and-start": [["item_type", "status_and_start"], ALL]},
        ],
    }


def keys(table):
    return [key["AttributeName"] for key in table["KeySchema"]]


def indexes(table):
    """Give each index's keys, and its projection: the attributes where it does not hold all."""
    return {
        one["IndexName"]: [
            keys(one),
            {*one["Projection"].get("NonKeyAttributes", ())} or one["Projection"],
        ]
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for one in table.get(kind, ())
    }


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_a_landing_is_kept_when_start_on_changes_until_its_own_attribute_says_otherwise(
    deployed, start_on
):
    stack = deployed(StartOn=start_on)
    tables = stack.of_type("AWS::DynamoDB::Table")
    forgetting = {name for name, one in tables.items() if "TimeToLiveSpecification" in one}
    assert forgetting == {"LandingsTable"}
    expiry = tables["LandingsTable"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "expires_at", "Enabled": True}
    assert stack.resources["LandingsTable"] == deployed().resources["LandingsTable"]
    assert stack.environment("ReconcileFunction")["LANDINGS_TABLE"] == "<LandingsTable>"


def test_queues_are_encrypted_keep_messages_and_have_a_dead_letter_queue(stack):
    """Attempts outlast an outage of hours and leave days to redrive: a message keeps its age when
    it moves to a dead-letter queue."""
    queues = stack.of_type("AWS::SQS::Queue")
    assert queues.keys() == QUEUES.keys() | DEAD_LETTER_QUEUES
    for name, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True, name
        assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS, name
    for name, dead_letters in QUEUES.items():
        redrive = queues[name]["RedrivePolicy"]
        assert redrive == {"deadLetterTargetArn": f"<{dead_letters}.Arn>", "maxReceiveCount": 100}
        assert 8 * 3600 <= 100 * queues[name]["VisibilityTimeout"] <= 24 * 3600, name


def test_only_its_rule_may_send_to_a_queue_and_nobody_without_tls(stack, policy_statements):
    allowed, denied = {}, []
    for policy in stack.of_type("AWS::SQS::QueuePolicy").values():
        for statement in policy_statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Deny":
                assert (statement["Principal"], statement["Action"]) == ("*", ["sqs:*"])
                assert statement["Condition"] == WITHOUT_TLS
                denied += policy["Queues"]
                continue
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Action"] == ["sqs:SendMessage"]
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
            sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
            allowed |= {queue.strip("<>"): sources for queue in policy["Queues"]}
    both = [f"<{rule}.Arn>" for rule in RULES.values()]
    assert allowed == {
        **{queue: f"<{rule}.Arn>" for queue, rule in RULES.items()},
        **dict.fromkeys(DEAD_LETTER_QUEUES, both),
    }
    assert sorted(denied) == sorted(f"<{name}>" for name in QUEUES.keys() | DEAD_LETTER_QUEUES)
    for queue, rule in RULES.items():
        [target] = stack.of_type("AWS::Events::Rule")[rule]["Targets"]
        assert target["Arn"] == f"<{queue}.Arn>"
        assert target["DeadLetterConfig"] == {"Arn": f"<{QUEUES[queue]}.Arn>"}


def test_failures_go_by_mail_only_to_a_given_address(deployed):
    assert deployed().of_type("AWS::SNS::Subscription") == {}
    given = deployed(NotificationEmail="on-call@example.com")
    assert given.of_type("AWS::SNS::Subscription") == {
        "EmailSubscription": {
            "TopicArn": "<NotificationsTopic>",
            "Protocol": "email",
            "Endpoint": "on-call@example.com",
        }
    }


def test_the_images_repository_has_a_lower_case_name(stack):
    repository = stack.of_type("AWS::ECR::Repository")["ImageRepository"]
    assert repository["RepositoryName"] == "landrun-51af3dc0"
