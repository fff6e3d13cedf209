"""What a security team asks for: data that outlives the stack, keys, boundaries, who may send.

checkov says whether buckets keep versions and are private (CKV_AWS_21, CKV_AWS_53 to 56), whether
tables can be restored (28) and images are scanned (163); the World of tests/faults has the tables'
indexes and the queues' dead-letter queues from the template.
"""

import pytest

from .resolved import statements

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
EARLIER = (KEY[:-4] + "5678", KEY[:-4] + "9abc")
BOUNDARY = "arn:aws:iam::123456789012:policy/Boundary"
KEPT = {
    "AWS::S3::Bucket": "RetainExceptOnCreate",
    "AWS::ECR::Repository": "RetainExceptOnCreate",
    "AWS::DynamoDB::Table": "Retain",
}
STORES = "DynamoDB::Table Lambda::Function Logs::LogGroup S3::Bucket SNS::Topic SQS::Queue"


def test_with_a_key_it_encrypts_all_that_is_stored_but_images(deployed):
    stack = deployed(KmsKeyArn=KEY)
    assert stack.of_type("AWS::KMS::Key") == {}
    for kind in STORES.split():
        resources = stack.of_type(f"AWS::{kind}")
        assert resources, kind
        assert [name for name, one in resources.items() if f"'{KEY}'" not in str(one)] == []


@pytest.mark.parametrize(
    ("key", "previous"),
    [(KEY, ()), (KEY, EARLIER), ("", EARLIER), ("", ())],
    ids=["set", "changed twice", "removed", "never"],
)
def test_every_role_can_use_the_key_and_the_previous_ones_alike(deployed, key, previous):
    """So a run that waits, a queued message and an older object outlive a change of the key."""
    stack = deployed(KmsKeyArn=key, PreviousKmsKeyArns=",".join(previous))
    keys = {key, *previous} - {""}
    for role in stack.of_type("AWS::IAM::Role"):
        found = {(what, of) for what, of in stack.grants(role) if ":key/" in of}
        actions = {action for action, _ in found}
        assert found == {(action, one) for action in actions for one in keys}, role
        assert not keys or actions >= {"kms:Decrypt", "kms:GenerateDataKey"}, role


def test_previous_keys_encrypt_nothing_new(deployed):
    stack, without = deployed(KmsKeyArn=KEY, PreviousKmsKeyArns=EARLIER[0]), deployed(KmsKeyArn=KEY)
    changed = [n for n, one in stack.resources.items() if one != without.resources.get(n)]
    assert {stack.resources[name]["Type"] for name in changed} == {"AWS::IAM::Policy"}


def test_every_role_has_the_boundary_that_was_given(deployed):
    roles = deployed(PermissionsBoundaryArn=BOUNDARY).of_type("AWS::IAM::Role").values()
    assert {role["PermissionsBoundary"] for role in roles} == {BOUNDARY}


@pytest.mark.parametrize("bucket", ["Landing", "Output"])
def test_a_bucket_that_is_given_is_used_and_left_as_it_is(deployed, bucket):
    stack = deployed(**{f"{bucket}BucketName": "a-bucket"})
    assert stack.outputs[f"{bucket}Bucket"] == "a-bucket"
    assert ("s3:ListBucket", "arn:aws:s3:::a-bucket") in stack.grants("ProcessingRole")
    assert f"<{bucket}Bucket" not in repr([stack.resources, stack.outputs])
    assert not {f"{bucket}Bucket", f"{bucket}BucketPolicy"} & stack.resources.keys()


def test_jobs_in_a_vpc_may_join_these_subnets_with_these_groups(deployed):
    stack = deployed(SubnetIds="subnet-1,subnet-2", SecurityGroupIds="sg-1")
    policy = stack.of_type("AWS::IAM::Policy")["JoinNetwork"]["PolicyDocument"]
    assert [one["Condition"] for one in statements(policy) if "Condition" in one] == [
        {"StringEquals": {"ec2:SubnetID": ["subnet-1", "subnet-2"]}},
        {"StringEquals": {"ec2:SecurityGroupID": ["sg-1"]}},
    ]
    assert not any(action.startswith("ec2:") for action, _ in deployed().grants("ProcessingRole"))


def test_no_policy_depends_on_what_may_change_under_a_waiting_run(deployed):
    """A role's policy changes at once; an execution keeps the definition it started with."""
    job = {"InstanceType": "ml.c5.xlarge", "InstanceCount": "4", "Engine": "spark"}
    sizes = {"VolumeSizeInGB": "500", "MaxRuntimeInSeconds": "60", "MaxConcurrentRuns": "7"}
    for role in ("StateMachineRole", "ProcessingRole"):
        after, before = deployed(**job, **sizes), deployed()
        assert [*after.policies(role)] == [*before.policies(role)]


def test_logs_of_the_state_machine_have_no_data(stack):
    machine = stack.of_type("AWS::StepFunctions::StateMachine")["ProcessingStateMachine"]
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_what_holds_data_outlives_the_stack(stack):
    """A protected table could not be deleted by a stack that fails to be created: it stays."""
    for name, resource in stack.resources.items():
        if resource["Type"] in KEPT:
            assert resource["DeletionPolicy"] == KEPT[resource["Type"]], name
            assert resource["UpdateReplacePolicy"] == "Retain", name
    tables = stack.of_type("AWS::DynamoDB::Table").values()
    assert all(table["DeletionProtectionEnabled"] for table in tables)


def test_old_versions_are_kept_for_a_year(stack):
    for bucket in stack.of_type("AWS::S3::Bucket").values():
        rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
        assert rules["OldVersions"]["Status"] == "Enabled"
        assert rules["OldVersions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 365}


def test_whoever_has_no_tls_is_refused_by_buckets_queues_and_the_topic(stack):
    kinds = {"S3::Bucket": "Bucket", "SQS::Queue": "Queues", "SNS::Topic": "Topics"}
    for kind, of in kinds.items():
        refused = []
        for policy in stack.of_type(f"AWS::{kind}Policy").values():
            [denied] = [
                one for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Deny"
            ]
            assert denied["Principal"] == "*"
            assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            refused += policy[of] if of != "Bucket" else [policy[of]]
        assert sorted(refused) == sorted(f"<{name}>" for name in stack.of_type(f"AWS::{kind}"))


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
    rules = {"<LandingQueue>": "<LandingRule.Arn>", "<StatusQueue>": "<StatusRule.Arn>"}
    dead = [f"<{name}>" for name in stack.of_type("AWS::SQS::Queue") if "DeadLetter" in name]
    assert allowed == rules | {queue: [*rules.values()] for queue in dead}


def test_only_the_stacks_alarms_may_publish_to_the_topic(stack):
    """AWS's own key for topics would let none of them."""
    [topic] = stack.of_type("AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"] == "<NotificationsKey.Arn>"
    [policy] = stack.of_type("AWS::SNS::TopicPolicy").values()
    [allowed] = [one for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:123456789012:alarm:landrun-*"},
    }
