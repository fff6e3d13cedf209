"""Roles: what each function's code calls, and nothing else."""

from __future__ import annotations

import re

import pytest

HERE = "us-east-1:123456789012"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd"
QUEUES = {"ObjectCreated": "LandingQueue", "ExecutionStatus": "StatusQueue"}
LOGS_AND_TRACES = {
    ("logs:CreateLogStream", "<FunctionLogs.Arn>"),
    ("logs:PutLogEvents", "<FunctionLogs.Arn>"),
    ("xray:PutTraceSegments", "*"),
    ("xray:PutTelemetryRecords", "*"),
}
POLL = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
FAILED_TICKS = {("sqs:SendMessage", "<ScheduleDeadLetterQueue.Arn>")}
"""Lambda's own: it keeps the events of asynchronous invocations that failed."""

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


@pytest.mark.parametrize("function", ["ObjectCreated", "Schedule", "ExecutionStatus", "Reconcile"])
def test_lambda_may_log_trace_and_poll_for_a_function_and_keep_what_failed(stack, grants, function):
    """tests/permissions/test_functions.py holds the rest: what a function's own code calls."""
    found = grants(stack, f"{function}FunctionRole")
    polled = {pair for pair in found if pair[0] in POLL}
    assert found >= LOGS_AND_TRACES
    if function in QUEUES:
        assert polled == {(action, f"<{QUEUES[function]}.Arn>") for action in POLL}
    else:
        assert found >= FAILED_TICKS
        assert polled == set()


def test_no_role_has_a_policy_of_awss_own(stack):
    """AWSLambdaSQSQueueExecutionRole, say, lets a function read every queue of the account."""
    ours = {f"<{name}>" for name in stack.of_type("AWS::IAM::ManagedPolicy")}
    for name, role in stack.of_type("AWS::IAM::Role").items():
        assert set(role.get("ManagedPolicyArns", [])) <= ours, name


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
def test_no_role_may_do_more_than_it_must(deployed, grants, parameters):
    """No stars but at the end of names that are ours; nothing for every resource unless AWS offers
    no less; no deleting of data; no changing of the stack or of rights."""
    stack = deployed(**parameters)
    for role, about in stack.of_type("AWS::IAM::Role").items():
        [trusted] = about["AssumeRolePolicyDocument"]["Statement"]
        assert list(trusted["Principal"]) == ["Service"], role
        assert isinstance(trusted["Principal"]["Service"], str), role
        for action, resource in grants(stack, role):
            service, _, verb = action.partition(":")
            leaves_a_line = action == "dynamodb:DeleteItem" and "ConcurrencyTable" in resource
            assert "*" not in action, (role, action)
            assert resource != "*" or action in NO_ARN, (role, action)
            assert resource == "*" or "*" not in resource or STARS.match(resource), (role, resource)
            assert service not in {"iam", "sts", "cloudformation"} or action == "iam:PassRole"
            assert "Delete" not in verb or action in MAY_DELETE or leaves_a_line, (role, action)


def test_schedules_invoke_their_functions_and_keep_what_fails_and_nothing_else(stack, grants):
    assert grants(stack, "SchedulerRole") == FAILED_TICKS | {
        ("lambda:InvokeFunction", "<ScheduleFunction.Arn>"),
        ("lambda:InvokeFunction", "<ReconcileFunction.Arn>"),
    }


def test_the_state_machine_may_run_jobs_of_its_prefix_and_wait_for_them(deployed, grants):
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


def test_machine_and_jobs_act_for_this_account_and_pass_the_jobs_role_to_sagemaker_only(
    stack, policy_statements
):
    [passed] = [
        statement
        for document in stack.policies("StateMachineRole")
        for statement in policy_statements(document)
        if statement["Action"] == ["iam:PassRole"]
    ]
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }
    for role, service in (("StateMachineRole", "states"), ("ProcessingRole", "sagemaker")):
        [trusted] = stack.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_jobs_read_landings_and_manifests_and_write_outputs_only(stack, grants):
    assert {pair for pair in grants(stack, "ProcessingRole") if pair[0].startswith("s3:")} == {
        ("s3:ListBucket", "<LandingBucket.Arn>"),
        ("s3:ListBucket", "<OutputBucket.Arn>"),
        ("s3:GetObject", "<LandingBucket.Arn>/*"),
        ("s3:GetObject", "<OutputBucket.Arn>/manifests/*"),
        ("s3:PutObject", "<OutputBucket.Arn>/processed/*"),
        ("s3:AbortMultipartUpload", "<OutputBucket.Arn>/processed/*"),
    }


def test_a_schedule_over_another_bucket_can_list_it_and_its_jobs_can_read_it(deployed, grants):
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
    deployed, grants, image, repository
):
    pulled = {r for a, r in grants(deployed(ImageUri=image), "ProcessingRole") if "Layer" in a}
    assert pulled == {repository}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"LandingPrefix": "", "OutputPrefix": "incoming/", "ManifestPrefix": "incoming/manifests/"},
        {"LandingPrefix": "processed/", "ScheduledInput": "processed/"},
    ],
    ids=str,
)
def test_runs_are_started_by_one_bucket_and_write_to_the_other(deployed, grants, parameters):
    stack = deployed(**parameters)
    rule = stack.of_type("AWS::Events::Rule")["LandingRule"]
    assert rule["EventPattern"]["detail"]["bucket"] == {"name": ["<LandingBucket>"]}
    written = {
        resource.partition("/")[0]
        for role in stack.of_type("AWS::IAM::Role")
        for action, resource in grants(stack, role)
        if action == "s3:PutObject"
    }
    assert written == {"<OutputBucket.Arn>"}
