"""Buckets, queues, tables, topic, repository: what holds data and messages.

checkov says whether buckets keep versions and are private (CKV_AWS_21, CKV_AWS_53 to 56), whether
tables can be restored (28) and images are scanned (163).
"""

from __future__ import annotations

import pytest

BUCKETS = ("LandingBucket", "OutputBucket")
QUEUES = {"LandingQueue": "LandingDeadLetterQueue", "StatusQueue": "StatusDeadLetterQueue"}
RULES = {"LandingQueue": "LandingRule", "StatusQueue": "StatusRule"}
DEAD_LETTER_QUEUES = {*QUEUES.values(), "ScheduleDeadLetterQueue"}
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}
FOURTEEN_DAYS = 14 * 24 * 3600
SENDS_EVENTS = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
ALL = {"ProjectionType": "ALL"}
CLAIM = {"bucket", "recorded_at", "claimed_by", "claimed_at", "claimed_for"}


def test_buckets_are_two_and_keep_versions_for_a_year_and_only_one_sends_events(stack):
    """CloudFormation names them, so that they cannot be one and the same."""
    buckets = stack.of_type("AWS::S3::Bucket")
    assert buckets.keys() == {*BUCKETS}
    for name, bucket in buckets.items():
        assert "BucketName" not in bucket, name
        rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
        assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
        assert rules["OldVersions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 365}
        uploads = rules["BrokenUploads"]["AbortIncompleteMultipartUpload"]
        assert uploads == {"DaysAfterInitiation": 7}
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption["BucketKeyEnabled"]
        assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
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
    found = {name: (keys(table), indexes(table)) for name, table in tables.items()}
    runs = {"by-month": (["month", "started_at"], ALL)}
    runs |= {"by-unfinished": (["unfinished", "started_at"], ALL)}
    order = {"by-status-and-start": (["item_type", "status_and_start"], ALL)}
    assert found == {
        "RunsTable": (["name"], runs),
        "LandingsTable": (["id"], {"by-waiting": (["waiting", "id"], CLAIM)}),
        "ConcurrencyTable": (["item_type", "name"], order),
    }


def keys(table):
    return [key["AttributeName"] for key in table["KeySchema"]]


def indexes(table):
    """Give each index's keys, and its projection: the attributes where it does not hold all."""
    every = table.get("GlobalSecondaryIndexes", []) + table.get("LocalSecondaryIndexes", [])
    return {
        one["IndexName"]: (
            keys(one),
            {*one["Projection"].get("NonKeyAttributes", ())} or one["Projection"],
        )
        for one in every
    }


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_a_landing_is_kept_when_start_on_changes_until_its_own_attribute_says_otherwise(
    deployed, start_on
):
    stack = deployed(StartOn=start_on)
    tables = stack.of_type("AWS::DynamoDB::Table")
    expiry = {name: one.get("TimeToLiveSpecification") for name, one in tables.items()}
    assert expiry.pop("LandingsTable") == {"AttributeName": "expires_at", "Enabled": True}
    assert set(expiry.values()) == {None}
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
    """Each queue has one policy, since the last would win."""
    allowed, denied = {}, []
    for policy in stack.of_type("AWS::SQS::QueuePolicy").values():
        queues = [queue.strip("<>") for queue in policy["Queues"]]
        for statement in policy_statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Deny":
                assert (statement["Principal"], statement["Action"]) == ("*", ["sqs:*"])
                assert statement["Condition"] == WITHOUT_TLS
                denied += queues
                continue
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Action"] == ["sqs:SendMessage"]
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
            allowed |= dict.fromkeys(queues, statement["Condition"]["ArnEquals"]["aws:SourceArn"])
    both = [f"<{rule}.Arn>" for rule in RULES.values()]
    ours = {queue: f"<{rule}.Arn>" for queue, rule in RULES.items()}
    assert allowed == ours | dict.fromkeys(DEAD_LETTER_QUEUES, both)
    assert sorted(denied) == sorted(QUEUES.keys() | DEAD_LETTER_QUEUES)
    for queue, rule in RULES.items():
        [target] = stack.of_type("AWS::Events::Rule")[rule]["Targets"]
        assert target["Arn"] == f"<{queue}.Arn>"
        assert target["DeadLetterConfig"] == {"Arn": f"<{QUEUES[queue]}.Arn>"}


def test_failures_go_by_mail_only_to_a_given_address(deployed):
    assert deployed().of_type("AWS::SNS::Subscription") == {}
    given = deployed(NotificationEmail="on-call@example.com").of_type("AWS::SNS::Subscription")
    mail = {"Protocol": "email", "Endpoint": "on-call@example.com"}
    assert given == {"EmailSubscription": {"TopicArn": "<NotificationsTopic>"} | mail}


def test_the_images_repository_has_a_lower_case_name(stack):
    repository = stack.of_type("AWS::ECR::Repository")["ImageRepository"]
    assert repository["RepositoryName"] == "landrun-51af3dc0"
