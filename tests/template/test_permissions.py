"""Roles: what each function's code calls, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = "us-east-1:123456789012"
EXECUTIONS = f"arn:aws:states:{HERE}:execution:notebook-made:*"
STATE_MACHINE = EXECUTIONS.removesuffix(":*").replace(":execution:", ":stateMachine:")

START = {
    ("s3:PutObject", "<OutputBucket.Arn>/manifests/*"),
    ("s3:GetObject", "<OutputBucket.Arn>/manifests/*"),
    ("s3:ListBucket", "<OutputBucket.Arn>"),
    ("states:StartExecution", STATE_MACHINE),
}
CALLS = {
    "ObjectCreatedFunction": START | {("sqs:SendMessage", "<LandingDeadLetterQueue.Arn>")},
    "ScheduleFunction": START
    | {
        ("s3:ListBucket", "<LandingBucket.Arn>"),
        ("sqs:SendMessage", "<ScheduleDeadLetterQueue.Arn>"),  # Lambda's, for failed ticks
    },
    "ExecutionStatusFunction": {
        ("dynamodb:PutItem", "<RunsTable.Arn>"),
        ("sns:Publish", "<NotificationsTopic>"),
        ("sqs:SendMessage", "<StatusDeadLetterQueue.Arn>"),
        ("s3:ListBucket", "<OutputBucket.Arn>"),
        ("s3:GetObject", "<OutputBucket.Arn>/processed/*"),
        ("sagemaker:DescribeProcessingJob", f"arn:aws:sagemaker:{HERE}:processing-job/*"),
        ("states:DescribeExecution", EXECUTIONS),
        ("states:GetExecutionHistory", EXECUTIONS),
    },
}
SPELT_IN_IAM = {"s3:ListObjectsV2": "s3:ListBucket"}

WILDCARDS = {
    ("ProcessingRole", "cloudwatch:PutMetricData"): "metrics have no ARN; by namespace instead",
    ("ProcessingRole", "ecr:GetAuthorizationToken"): "a token is for the whole registry",
}


def role_policies(stack: Any, role: str) -> Iterator[dict[str, Any]]:
    properties = stack.of_type("AWS::IAM::Role")[role]
    yield from (policy["PolicyDocument"] for policy in properties.get("Policies", []))
    managed = stack.of_type("AWS::IAM::ManagedPolicy")
    for arn in properties.get("ManagedPolicyArns", []):
        if arn.startswith("<"):
            yield managed[arn.strip("<>")]["PolicyDocument"]
    for policy in stack.of_type("AWS::IAM::Policy").values():
        if f"<{role}>" in policy["Roles"]:
            yield policy["PolicyDocument"]


@pytest.fixture(scope="session")
def grants(policy_statements: Callable[..., Any]) -> Callable[[Any, str], set[tuple[str, str]]]:
    """``grants(stack, role)`` is every pair of action and resource that a role allows."""

    def of_role(stack: Any, role: str) -> set[tuple[str, str]]:
        return {
            (action, resource)
            for document in role_policies(stack, role)
            for statement in policy_statements(document)
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

    return of_role


@pytest.mark.parametrize("function", CALLS)
def test_functions_may_call_what_their_code_calls_and_nothing_else(
    deployed: Callable[..., Any], grants: Callable[..., Any], function: str
) -> None:
    stack = deployed(StateMachineArn=STATE_MACHINE)
    assert grants(stack, f"{function}Role") == CALLS[function]


def test_what_the_code_calls_is_known_here(root: Path) -> None:
    doors = (root / "src/functions/landrun").glob("*.py")
    named = re.compile(r'translated\("([^"]+)"\)')
    called = {name for door in doors for name in named.findall(door.read_text(encoding="utf-8"))}
    allowed = {action for pairs in CALLS.values() for action, _ in pairs}
    assert {SPELT_IN_IAM.get(name, name) for name in called} == allowed


def test_no_role_has_more_of_awss_own_policies_than_sam_needs(stack: Any) -> None:
    for name, role in stack.of_type("AWS::IAM::Role").items():
        of_aws = {arn.rpartition("/")[2] for arn in role.get("ManagedPolicyArns", [])}
        needed = {"AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole"}
        assert of_aws - {"<StartRunsPolicy>"} <= needed, name


@pytest.mark.parametrize("scheduled", ["", "s3://elsewhere/in/"])
def test_no_permission_is_for_everything_unless_aws_offers_no_less(
    deployed: Callable[..., Any], grants: Callable[..., Any], scheduled: str
) -> None:
    stack = deployed(ScheduledInput=scheduled)
    for role in stack.of_type("AWS::IAM::Role"):
        for action, resource in grants(stack, role):
            assert not action.endswith("*"), (role, action)
            assert resource != "*" or (role, action) in WILDCARDS, (role, action)


def test_the_state_machine_may_run_jobs_of_its_prefix_and_wait_for_them(
    deployed: Callable[..., Any], grants: Callable[..., Any]
) -> None:
    stack = deployed(JobNamePrefix="bsm")
    jobs = f"arn:aws:sagemaker:{HERE}:processing-job/bsm-*"
    rule = f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
    actions = ("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob")
    assert grants(stack, "StateMachineRole") == {
        *((f"sagemaker:{action}", jobs) for action in (*actions, "ListTags", "AddTags")),
        *((f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")),
        ("iam:PassRole", "<ProcessingRole.Arn>"),
    }


def test_the_state_machine_hands_its_jobs_role_to_sagemaker_only(
    stack: Any, policy_statements: Callable[..., Any]
) -> None:
    [statement] = [
        statement
        for document in role_policies(stack, "StateMachineRole")
        for statement in policy_statements(document)
        if statement["Action"] == ["iam:PassRole"]
    ]
    passed_to = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": passed_to}


@pytest.mark.parametrize(
    ("role", "service"), [("StateMachineRole", "states"), ("ProcessingRole", "sagemaker")]
)
def test_roles_are_for_their_service_on_behalf_of_this_account(
    stack: Any, role: str, service: str
) -> None:
    [statement] = stack.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_jobs_read_landings_and_manifests_and_write_outputs_only(
    stack: Any, grants: Callable[..., Any]
) -> None:
    assert {pair for pair in grants(stack, "ProcessingRole") if pair[0].startswith("s3:")} == {
        ("s3:ListBucket", "<LandingBucket.Arn>"),
        ("s3:ListBucket", "<OutputBucket.Arn>"),
        ("s3:GetObject", "<LandingBucket.Arn>/*"),
        ("s3:GetObject", "<OutputBucket.Arn>/manifests/*"),
        ("s3:PutObject", "<OutputBucket.Arn>/processed/*"),
        ("s3:AbortMultipartUpload", "<OutputBucket.Arn>/processed/*"),
    }


def test_a_schedule_over_another_bucket_can_list_it_and_its_jobs_can_read_it(
    deployed: Callable[..., Any], grants: Callable[..., Any]
) -> None:
    stack = deployed(ScheduledInput="s3://elsewhere/in/{date:%Y}/")
    elsewhere = "arn:aws:s3:::elsewhere"
    assert {pair for pair in grants(stack, "ScheduleFunctionRole") if "Bucket" in pair[0]} == {
        ("s3:ListBucket", elsewhere),
        ("s3:ListBucket", "<OutputBucket.Arn>"),
    }
    assert grants(stack, "ProcessingRole") - grants(deployed(), "ProcessingRole") == {
        ("s3:ListBucket", elsewhere),
        ("s3:GetObject", f"{elsewhere}/*"),
    }


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("", "<ImageRepository.Arn>"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1", "arn:aws:ecr:*:*:repository/*"),
    ],
)
def test_jobs_pull_from_the_stacks_repository_unless_an_image_is_given(
    deployed: Callable[..., Any], grants: Callable[..., Any], image: str, repository: str
) -> None:
    pulled = {r for a, r in grants(deployed(ImageUri=image), "ProcessingRole") if "Layer" in a}
    assert pulled == {repository}
