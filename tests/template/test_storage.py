"""What holds data and messages: it outlives the stack, and only the stack may send.

checkov says whether buckets keep versions and are private (CKV_AWS_21, CKV_AWS_53 to 56), whether
tables can be restored (28) and images are scanned (163); the World of tests/faults has the tables'
indexes and the queues' dead-letter queues from the template.
"""

from __future__ import annotations

from .conftest import statements

RULES = {"LandingQueue": "LandingRule", "StatusQueue": "StatusRule"}
KEPT = {
    "AWS::S3::Bucket": "RetainExceptOnCreate",
    "AWS::ECR::Repository": "RetainExceptOnCreate",
    "AWS::DynamoDB::Table": "Retain",
}


def test_what_holds_data_outlives_the_stack(stack):
    """A protected table could not be deleted by a stack that fails to be created: it stays."""
    for name, resource in stack.resources.items():
        if resource["Type"] in KEPT:
            assert resource["DeletionPolicy"] == KEPT[resource["Type"]], name
            assert resource["UpdateReplacePolicy"] == "Retain", name
    tables = stack.of_type("AWS::DynamoDB::Table").values()
    assert all(table["DeletionProtectionEnabled"] for table in tables)


def test_old_versions_are_kept_for_a_year_and_only_landings_send_events(stack):
    for name, bucket in stack.of_type("AWS::S3::Bucket").items():
        rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
        assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
        assert rules["OldVersions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 365}
        assert ("NotificationConfiguration" in bucket) == (name == "LandingBucket")


def test_whoever_has_no_tls_is_refused_by_buckets_queues_and_the_topic(stack):
    refused = set()
    for kind, of in (("S3::Bucket", "Bucket"), ("SQS::Queue", "Queues"), ("SNS::Topic", "Topics")):
        for policy in stack.of_type(f"AWS::{kind}Policy").values():
            condition = {"Bool": {"aws:SecureTransport": "false"}}
            [denied] = [
                one for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Deny"
            ]
            assert (denied["Principal"], denied["Condition"]) == ("*", condition)
            refused |= {*policy[of]} if isinstance(policy[of], list) else {policy[of]}
    kinds = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic")
    holders = {f"<{name}>" for name, one in stack.resources.items() if one["Type"] in kinds}
    assert refused == holders


def test_only_its_rule_may_send_to_a_queue(stack):
    """Each queue has one policy, since the last would win."""
    allowed = {}
    for policy in stack.of_type("AWS::SQS::QueuePolicy").values():
        for statement in statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow":
                assert statement["Principal"] == {"Service": "events.amazonaws.com"}
                assert statement["Action"] == ["sqs:SendMessage"]
                source = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
                allowed |= dict.fromkeys(policy["Queues"], source)
    both = [f"<{rule}.Arn>" for rule in RULES.values()]
    dead = [f"<{name}>" for name in stack.of_type("AWS::SQS::Queue") if "DeadLetter" in name]
    ours = {f"<{queue}>": f"<{rule}.Arn>" for queue, rule in RULES.items()}
    assert allowed == ours | dict.fromkeys(dead, both)


def test_only_the_stacks_alarms_may_publish_to_the_topic(stack):
    [policy] = stack.of_type("AWS::SNS::TopicPolicy").values()
    [allowed] = [one for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:123456789012:alarm:landrun-*"},
    }
