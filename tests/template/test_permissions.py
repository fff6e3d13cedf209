"""Roles: no more than each needs; tests/permissions shows that each permission is used."""

from __future__ import annotations

import re

import pytest

from .conftest import statements

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
NO_ARN = {
    "cloudwatch:PutMetricData",  # by namespace instead
    "ecr:GetAuthorizationToken",
    *(f"xray:{verb}" for verb in ("PutTraceSegments", "PutTelemetryRecords")),
    *(f"xray:GetSampling{what}" for what in ("Rules", "Targets")),
    *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy"),
    *(f"logs:Describe{what}" for what in ("ResourcePolicies", "LogGroups")),
    *(f"ec2:Describe{what}" for what in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups")),
    *(f"ec2:Describe{what}" for what in ("Subnets", "Vpcs")),
}
"""Actions that AWS offers no narrower resource for (Service Authorization Reference)."""


STACKS: list[dict[str, str]] = [
    {},
    {"StartOn": "schedule"},
    {"ScheduledInput": "s3://elsewhere/in/"},
    {"MaxConcurrentRuns": "2"},
    {"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"},
    {"KmsKeyArn": KEY, "PreviousKmsKeyArns": KEY},
]
STARS = re.compile(
    "|".join(
        f"(.*{end}$)"
        for end in (
            r"/manifests/\*",
            r"/processed/\*",
            r"<LandingBucket\.Arn>/\*",
            r"s3:::elsewhere/\*",
            r":execution:[^*]+:\*",  # of that machine
            r"<ProcessingStateMachine>:\*",  # the same, before its ARN is known
            r":processing-job/\*",  # to describe: a machine that existed names jobs as it likes
            r":processing-job/landrun-\*",
            r"log-group:/aws/sagemaker/ProcessingJobs:?\*",  # and its streams
            r":ec2:us-east-1:123456789012:network-interface/\*",  # have random ids
            r":ec2:us-east-1:\*:(subnet|security-group)/\*",  # named by a condition
        )
    )
)
"""Where a star may stand in the name of a resource, and after what."""

MAY_DELETE = {
    "sqs:DeleteMessage",
    "logs:DeleteLogDelivery",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
}


@pytest.mark.parametrize("parameters", STACKS, ids=str)
def test_no_role_may_do_more_than_it_must(deployed, parameters):
    """No stars but at the end of names that are ours; nothing for every resource unless AWS offers
    no less; no deleting of data; no changing of the stack or of rights; no policy of AWS's own.

    AWSLambdaSQSQueueExecutionRole, say, lets a function read every queue of the account."""
    stack = deployed(**parameters)
    ours = {f"<{name}>" for name in stack.of_type("AWS::IAM::ManagedPolicy")}
    for role, about in stack.of_type("AWS::IAM::Role").items():
        assert set(about.get("ManagedPolicyArns", [])) <= ours, role
        [trusted] = about["AssumeRolePolicyDocument"]["Statement"]
        assert list(trusted["Principal"]) == ["Service"], role
        assert isinstance(trusted["Principal"]["Service"], str), role
        for action, resource in stack.grants(role):
            service, _, verb = action.partition(":")
            leaves_a_line = action == "dynamodb:DeleteItem" and "ConcurrencyTable" in resource
            assert "*" not in action, (role, action)
            assert resource != "*" or action in NO_ARN, (role, action)
            assert resource == "*" or "*" not in resource or STARS.match(resource), (role, resource)
            assert service not in {"iam", "sts", "cloudformation"} or action == "iam:PassRole"
            assert "Delete" not in verb or action in MAY_DELETE or leaves_a_line, (role, action)


def test_schedules_may_only_invoke_their_functions_and_keep_what_was_not_delivered(stack):
    assert stack.grants("SchedulerRole") == {
        ("lambda:InvokeFunction", "<ScheduleFunction.Arn>"),
        ("lambda:InvokeFunction", "<ReconcileFunction.Arn>"),
        ("sqs:SendMessage", "<ScheduleDeadLetterQueue.Arn>"),
    }


def test_machine_jobs_and_schedules_act_for_this_account_and_pass_the_jobs_role_to_sagemaker_only(
    stack,
):
    [passed] = [
        (statement["Condition"], statement["Resource"])
        for document in stack.policies("StateMachineRole")
        for statement in statements(document)
        if statement["Action"] == ["iam:PassRole"]
    ]
    to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert passed == (to, ["<ProcessingRole.Arn>"])
    services = {"StateMachineRole": "states", "ProcessingRole": "sagemaker"}
    for role, service in (services | {"SchedulerRole": "scheduler"}).items():
        [trusted] = stack.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert trusted["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"


def test_a_schedule_over_another_bucket_can_list_it_and_its_jobs_can_read_it(deployed):
    stack = deployed(ScheduledInput="s3://elsewhere/in/{date:%Y}/")
    elsewhere = "arn:aws:s3:::elsewhere"
    assert {pair for pair in stack.grants("ScheduleFunctionRole") if "Bucket" in pair[0]} == {
        ("s3:ListBucket", elsewhere),
        ("s3:ListBucket", "<OutputBucket.Arn>"),
    }
    assert stack.grants("ProcessingRole") - deployed().grants("ProcessingRole") == {
        ("s3:ListBucket", elsewhere),
        ("s3:GetObject", f"{elsewhere}/*"),
    }


@pytest.mark.parametrize(
    ("image", "repository"),
    [("", "<ImageRepository.Arn>"), ("a.dkr.ecr/mine:1", "arn:aws:ecr:*:*:repository/*")],
)
def test_jobs_pull_from_the_stacks_repository_unless_an_image_is_given(deployed, image, repository):
    stack = deployed(ImageUri=image)
    assert {to for did, to in stack.grants("ProcessingRole") if "Layer" in did} == {repository}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"LandingPrefix": "", "OutputPrefix": "incoming/", "ManifestPrefix": "incoming/manifests/"},
        {"LandingPrefix": "processed/", "ScheduledInput": "processed/"},
    ],
    ids=str,
)
def test_runs_are_started_by_one_bucket_and_write_to_the_other(deployed, parameters):
    stack = deployed(**parameters)
    rule = stack.of_type("AWS::Events::Rule")["LandingRule"]
    assert rule["EventPattern"]["detail"]["bucket"] == {"name": ["<LandingBucket>"]}
    written = {
        resource.partition("/")[0]
        for role in stack.of_type("AWS::IAM::Role")
        for action, resource in stack.grants(role)
        if action == "s3:PutObject"
    }
    assert written == {"<OutputBucket.Arn>"}
