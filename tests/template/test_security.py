"""Keys, boundaries and what is brought along: what a security team asks for."""

from __future__ import annotations

import pytest

from .conftest import statements

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
EARLIER = (KEY[:-4] + "5678", KEY[:-4] + "9abc")
BOUNDARY = "arn:aws:iam::123456789012:policy/Boundary"
STORES = [
    "AWS::DynamoDB::Table",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
]


def test_with_a_key_it_encrypts_all_that_is_stored_but_images(deployed):
    stack = deployed(KmsKeyArn=KEY)
    assert stack.of_type("AWS::KMS::Key") == {}
    for kind in STORES:
        resources = stack.of_type(kind)
        assert resources, kind
        assert [name for name, one in resources.items() if f"'{KEY}'" not in str(one)] == []


def test_without_a_key_everything_is_encrypted_and_the_topic_by_a_key_of_its_own(stack):
    for queue in stack.of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
    topic = stack.of_type("AWS::SNS::Topic")["NotificationsTopic"]
    assert topic["KmsMasterKeyId"] == "<NotificationsKey.Arn>"


@pytest.mark.parametrize(
    ("key", "previous"),
    [(KEY, ()), (KEY, EARLIER), ("", EARLIER), ("", ())],
    ids=["set", "changed twice", "removed", "never"],
)
def test_every_role_can_use_the_key_and_the_previous_ones_alike(deployed, key, previous):
    """So a run that waits, a queued message and an older object outlive a change of the key."""
    stack = deployed(KmsKeyArn=key, PreviousKmsKeyArns=",".join(previous))
    for role in stack.of_type("AWS::IAM::Role"):
        uses: dict[str, set[str]] = {}
        for action, resource in stack.grants(role):
            if ":key/" in resource and "NotificationsKey" not in resource:
                uses.setdefault(resource, set()).add(action)
        assert uses.keys() == {*previous, *([key] if key else [])}, role
        assert len({frozenset(actions) for actions in uses.values()}) <= 1, role
        assert all(one >= {"kms:Decrypt", "kms:GenerateDataKey"} for one in uses.values()), role


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
    for function in stack.of_type("AWS::Lambda::Function"):
        assert stack.environment(function).get(f"{bucket.upper()}_BUCKET", "a-bucket") == "a-bucket"
    if bucket == "Landing":
        pattern = stack.of_type("AWS::Events::Rule")["LandingRule"]["EventPattern"]
        assert pattern["detail"]["bucket"] == {"name": ["a-bucket"]}
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
