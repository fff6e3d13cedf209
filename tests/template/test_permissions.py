"""Roles: what each function's code calls, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = "us-east-1:123456789012"
EXECUTIONS = f"arn:aws:states:{HERE}:execution:notebook-made:*"
STATE_MACHINE = EXECUTIONS.removesuffix(":*").replace(":execution:", ":stateMachine:")

LAMBDA = {
    ("logs:CreateLogStream", "<FunctionLogs.Arn>"),
    ("logs:PutLogEvents", "<FunctionLogs.Arn>"),
    ("xray:PutTraceSegments", "*"),
    ("xray:PutTelemetryRecords", "*"),
}
"""Lambda's own: logs and traces."""


def taken_from(queue: str) -> set[tuple[str, str]]:
    """Give Lambda's own calls for a function that a queue feeds."""
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    return {(f"sqs:{action}", f"<{queue}.Arn>") for action in actions}


START = {
    ("s3:PutObject", "<OutputBucket.Arn>/manifests/*"),
    ("s3:GetObject", "<OutputBucket.Arn>/manifests/*"),
    ("states:StartExecution", STATE_MACHINE),
    ("states:DescribeExecution", EXECUTIONS),
}
RECORD = {
    ("dynamodb:PutItem", "<RunsTable.Arn>"),
    ("dynamodb:UpdateItem", "<RunsTable.Arn>"),
    ("sns:Publish", "<NotificationsTopic>"),
    ("kms:Decrypt", "<NotificationsKey.Arn>"),
    ("kms:GenerateDataKey", "<NotificationsKey.Arn>"),
    ("s3:ListBucket", "<OutputBucket.Arn>"),
    ("s3:ListBucket", "<LandingBucket.Arn>"),
    ("s3:GetObject", "<OutputBucket.Arn>/processed/*"),
    ("sagemaker:DescribeProcessingJob", f"arn:aws:sagemaker:{HERE}:processing-job/*"),
    ("states:DescribeExecution", EXECUTIONS),
    ("states:GetExecutionHistory", EXECUTIONS),
}
COLLECT = {
    ("dynamodb:Query", "<LandingsTable.Arn>/index/by-waiting"),
    ("dynamodb:UpdateItem", "<LandingsTable.Arn>"),
}
TURNS = {
    *(
        (f"dynamodb:{verb}", "<ConcurrencyTable.Arn>")
        for verb in ("Query", "GetItem", "PutItem", "UpdateItem", "DeleteItem")
    ),
    ("states:SendTaskSuccess", STATE_MACHINE),
}
FAILED_TICKS = {("sqs:SendMessage", "<ScheduleDeadLetterQueue.Arn>")}
"""Lambda's own: it keeps the events of asynchronous invocations that failed."""

IN_BOTH_MODES = {
    "ExecutionStatusFunction": LAMBDA
    | RECORD
    | TURNS
    | taken_from("StatusQueue")
    | {("sqs:SendMessage", "<StatusDeadLetterQueue.Arn>")},
    "ReconcileFunction": LAMBDA
    | START
    | RECORD
    | TURNS
    | COLLECT
    | FAILED_TICKS
    | {
        ("dynamodb:Query", "<RunsTable.Arn>/index/by-unfinished"),
        ("dynamodb:BatchGetItem", "<RunsTable.Arn>"),
        ("dynamodb:GetItem", "<LandingsTable.Arn>"),
        ("states:ListExecutions", STATE_MACHINE),
    },
}
LAND = LAMBDA | taken_from("LandingQueue") | {("sqs:SendMessage", "<LandingDeadLetterQueue.Arn>")}
TICK = LAMBDA | START | FAILED_TICKS | {("s3:ListBucket", "<OutputBucket.Arn>")}
CALLS: dict[str, dict[str, set[tuple[str, str]]]] = {
    "arrival": {
        **IN_BOTH_MODES,
        "ObjectCreatedFunction": LAND | START,
        "ScheduleFunction": TICK | {("s3:ListBucket", "<LandingBucket.Arn>")},
    },
    "schedule": {
        **IN_BOTH_MODES,
        "ObjectCreatedFunction": LAND | {("dynamodb:UpdateItem", "<LandingsTable.Arn>")},
        "ScheduleFunction": TICK | COLLECT,
    },
}
BY_SERVICES = {action for action, _ in LAMBDA | taken_from("any")} | {
    "kms:Decrypt",
    "kms:GenerateDataKey",
}
"""What Lambda, SQS and SNS call on a function's behalf; its code does not."""

SPELT_IN_IAM = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "dynamodb:TransactWriteItems": "dynamodb:DeleteItem",  # and whatever else it writes
}

NO_ARN = {
    "cloudwatch:PutMetricData": "metrics have no ARN; by namespace instead",
    "ecr:GetAuthorizationToken": "a token is for the whole registry",
    "xray:PutTraceSegments": "traces have no ARN",
    "xray:PutTelemetryRecords": "traces have no ARN",
    "xray:GetSamplingRules": "sampling rules are the account's",
    "xray:GetSamplingTargets": "sampling rules are the account's",
    **dict.fromkeys(
        (
            *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
        ),
        "log deliveries have no ARN; Step Functions asks for these",
    ),
    **dict.fromkeys(
        (
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        "EC2 describes everything or nothing",
    ),
}
"""Actions that AWS offers no narrower resource for (Service Authorization Reference)."""


@pytest.mark.parametrize(
    ("start_on", "function"), [(mode, function) for mode in CALLS for function in CALLS[mode]]
)
def test_functions_may_call_what_their_code_calls_and_nothing_else(
    deployed: Callable[..., Any], grants: Callable[..., Any], start_on: str, function: str
) -> None:
    stack = deployed(StateMachineArn=STATE_MACHINE, StartOn=start_on)
    assert grants(stack, f"{function}Role") == CALLS[start_on][function]


def test_every_function_is_held_to_its_calls_in_both_modes(stack: Any) -> None:
    functions = stack.of_type("AWS::Lambda::Function").keys()
    assert all(calls.keys() == functions for calls in CALLS.values())


def test_whoever_only_records_landings_can_start_no_run_and_write_no_manifest(
    deployed: Callable[..., Any], grants: Callable[..., Any]
) -> None:
    allowed = {a for a, _ in grants(deployed(StartOn="schedule"), "ObjectCreatedFunctionRole")}
    assert allowed - BY_SERVICES == {"dynamodb:UpdateItem", "sqs:SendMessage"}


def test_what_the_code_calls_is_known_here(root: Path) -> None:
    doors = (root / "src/functions/landrun").rglob("*.py")
    named = re.compile(r'translated\("([^"]+)"\)')
    called = {name for door in doors for name in named.findall(door.read_text(encoding="utf-8"))}
    pairs = [pair for mode in CALLS.values() for calls in mode.values() for pair in calls]
    allowed = {action for action, _ in pairs} - BY_SERVICES
    assert {SPELT_IN_IAM.get(name, name) for name in called} == allowed


def test_no_role_has_a_policy_of_awss_own(stack: Any) -> None:
    """AWSLambdaSQSQueueExecutionRole, say, lets a function read every queue of the account."""
    ours = {f"<{name}>" for name in stack.of_type("AWS::IAM::ManagedPolicy")}
    for name, role in stack.of_type("AWS::IAM::Role").items():
        assert set(role.get("ManagedPolicyArns", [])) <= ours, name


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"ScheduledInput": "s3://elsewhere/in/"},
        {"StartOn": "schedule"},
        {"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"},
        {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd"},
    ],
    ids=str,
)
def test_no_permission_is_for_everything_unless_aws_offers_no_less(
    deployed: Callable[..., Any], grants: Callable[..., Any], parameters: dict[str, str]
) -> None:
    stack = deployed(**parameters)
    for role in stack.of_type("AWS::IAM::Role"):
        for action, resource in grants(stack, role):
            assert not action.endswith("*"), (role, action)
            assert resource != "*" or action in NO_ARN, (role, action)


def test_each_permission_for_everything_says_why_beside_it(root: Path) -> None:
    for part in (root / "template.yaml", *(root / "src/stacks").glob("*.yaml")):
        for statement in part.read_text(encoding="utf-8").split("- Sid: ")[1:]:
            text = statement.partition("\n\n")[0]
            if "Principal:" not in text:
                assert not re.search(r'Resource: "\*"$', text, re.MULTILINE), text


def test_the_state_machine_may_run_jobs_of_its_prefix_and_wait_for_them(
    deployed: Callable[..., Any], grants: Callable[..., Any]
) -> None:
    stack = deployed(JobNamePrefix="bsm")
    jobs = f"arn:aws:sagemaker:{HERE}:processing-job/bsm-*"
    rule = f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
    actions = ("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob")
    granted = {pair for pair in grants(stack, "StateMachineRole") if pair[1] != "*"}
    assert granted == {
        *((f"sagemaker:{action}", jobs) for action in (*actions, "ListTags", "AddTags")),
        *((f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")),
        ("iam:PassRole", "<ProcessingRole.Arn>"),
        ("sqs:SendMessage", "<StatusQueue.Arn>"),
    }


def test_the_state_machine_hands_its_jobs_role_to_sagemaker_only(
    stack: Any, policy_statements: Callable[..., Any]
) -> None:
    [statement] = [
        statement
        for document in stack.policies("StateMachineRole")
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
