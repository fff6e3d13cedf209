"""What no enforcement on a laptop can tell: which resources the patterns of permissions name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .world import Policies, listed

PARAMETERS: list[dict[str, str]] = [
    {},
    {"StartOn": "schedule"},
    {"ScheduledInput": "s3://elsewhere/in/"},
    {"MaxConcurrentRuns": "2"},
    {
        "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "SubnetIds": "subnet-1a2b",
        "SecurityGroupIds": "sg-1a2b",
    },
]

ENDS = [
    r"/manifests/\*",
    r"/processed/\*",
    r"landingbucket-1a2b3c4d5e6f/\*",
    r"s3:::elsewhere/\*",
    r":execution:[^*]+:\*",  # of that machine
    r":processing-job/\*",  # to describe: a machine that existed before names its jobs as it likes
    r":processing-job/landrun-\*",
    r"log-group:/aws/lambda/[^*]+:\*",
    r"log-group:/aws/sagemaker/ProcessingJobs\*",  # and its streams
    r":ec2:us-east-1:123456789012:network-interface/\*",  # have random ids
    r":ec2:us-east-1:\*:(subnet|security-group)/\*",  # named by a condition
]
"""Where a star may stand in the name of a resource, and after what."""


def grants(parameters: dict[str, str]) -> list[tuple[str, str, str]]:
    """Give everything that any role of a stack may do: role, action, resource."""
    policies = Policies(**parameters)
    return [
        (role, grant.action, grant.resource)
        for role in policies.resolved.of_type("AWS::IAM::Role")
        for grant in policies.grants(role)
    ]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_stars_stand_at_the_end_of_names_that_are_ours(parameters: dict[str, str]) -> None:
    allowed = re.compile("|".join(f"(.*{end}$)" for end in ENDS))
    odd = [
        (role, action, resource)
        for role, action, resource in grants(parameters)
        if "*" in resource and resource != "*" and not allowed.match(resource)
    ]
    assert odd == []


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_no_role_may_delete_data_or_change_the_stack_or_its_own_rights(
    parameters: dict[str, str],
) -> None:
    may_delete = {"sqs:DeleteMessage", "logs:DeleteLogDelivery", "ec2:DeleteNetworkInterface"}
    may_delete |= {"ec2:DeleteNetworkInterfacePermission"}
    for role, action, resource in grants(parameters):
        service, _, verb = action.partition(":")
        assert service not in {"iam", "sts", "cloudformation"} or action == "iam:PassRole", role
        releases_slot = action == "dynamodb:DeleteItem" and "ConcurrencyTable" in resource
        assert "Delete" not in verb or action in may_delete or releases_slot, (role, action)
        assert "*" not in action, (role, action)


def test_the_same_action_is_only_where_it_belongs() -> None:
    """Data is read by jobs alone, notices are sent and runs started by functions alone."""
    who: dict[str, set[str]] = {}
    for role, action, resource in grants({}):
        who.setdefault(f"{action} {'landing' if 'landingbucket' in resource else ''}", set()).add(
            role
        )
    assert who["s3:GetObject landing"] == {"ProcessingRole"}
    assert "s3:PutObject landing" not in who
    assert who["sagemaker:CreateProcessingJob "] == {"StateMachineRole"}
    starts = {"ObjectCreatedFunctionRole", "ScheduleFunctionRole", "ReconcileFunctionRole"}
    assert who["states:StartExecution "] == starts
    assert who["sns:Publish "] == {"ExecutionStatusFunctionRole", "ReconcileFunctionRole"}


def test_schedules_invoke_their_functions_and_keep_what_cannot_be_delivered() -> None:
    policies = Policies()
    [statements] = [document["Statement"] for document in policies.of("SchedulerRole").values()]
    allowed = {
        (action, resource)
        for statement in statements
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    assert {action for action, _ in allowed} == {"lambda:InvokeFunction", "sqs:SendMessage"}
    invoked = {resource for action, resource in allowed if action == "lambda:InvokeFunction"}
    assert {arn.rpartition(":")[2] for arn in invoked} == {
        "landrun-ScheduleFunction",
        "landrun-ReconcileFunction",
    }


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_every_role_trusts_one_service(parameters: dict[str, str]) -> None:
    policies = Policies(**parameters)
    for role, said in policies.resolved.of_type("AWS::IAM::Role").items():
        [statement] = said["AssumeRolePolicyDocument"]["Statement"]
        principal: dict[str, Any] = statement["Principal"]
        assert list(principal) == ["Service"], role
        assert len(listed(principal["Service"])) == 1, role
