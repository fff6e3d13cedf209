"""The whole preflight over a stack on AWS, as AWS's API references have its answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from landrun_ops.doctor import account
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.checks import of_stack
from landrun_ops.doctor.examining import Line, examine
from landrun_ops.doctor.findings import Grade

from .conftest import ANSWERS, ASL, NOW, Aws, answer, machine

CONFIG = {"architecture": "amd64", "os": "linux", "config": {"User": "1000"}}


def examined(
    aws: Aws, *names: str, config: dict[str, Any] | None = None, **changes: Any
) -> list[Line]:
    """Examine the stack: what is named of it or, without names, all."""
    sight = Sight(aws.stack(**changes), fetch=lambda _: json.dumps(config or CONFIG).encode())
    checks = of_stack(sight, NOW, lambda: ASL.read_text(encoding="utf-8"))
    if names:
        checks = [check for check in checks if check.name in names]
    else:  # all but the one that looks at the clock of this machine
        checks = [check for check in checks if check.name != "clock"]
    return examine(checks, laptop=sight.stack.laptop)


DEAD = ("dead landings", "dead ticks", "dead statuses")


def troubles(lines: list[Line]) -> dict[str, str]:
    return {line.name: f"{line.grade}: {line.finding.says}" for line in lines if line.grade != "ok"}


@pytest.fixture(scope="module")
def healthy() -> list[Line]:
    return examined(Aws())


@pytest.mark.parametrize("file", sorted(ANSWERS.glob("*.json")), ids=lambda file: file.stem)
def test_every_answer_has_the_shape_that_botocore_knows(file: Any) -> None:
    assert isinstance(answer(file.stem), dict)


def test_a_healthy_stack_has_nothing_but_ok(healthy: list[Line]) -> None:
    assert not troubles(healthy)
    assert len(healthy) > 40


def test_what_was_seen_is_told_with_names_and_numbers(healthy: list[Line]) -> None:
    says = {line.name: line.finding.says for line in healthy}
    assert (
        says["quota"] == "the quota 'ml.m5.large for processing job usage' is 4: enough for"
        " MaxConcurrentRuns=2"
    )
    assert says["image"].endswith("landrun-1a2b3c4d:latest is there, for linux/amd64")
    assert says["tick"].startswith(
        "cron(0 3 * * ? *) Europe/Berlin: the next tick is due 2026-11-23 02:00"
    )
    assert says["last tick"] == "ticked when it was due, 2026-11-22 02:00 UTC, 8 h 00 min ago"
    assert says["last reconcile"] == "called 4 times within the hour, without an error"


BROKEN: list[tuple[str, str, dict[str, Any], str, str]] = [
    (
        "events.DescribeRule",
        "landing rule",
        {"State": "DISABLED"},
        "fail: landrun-LandingRule is DISABLED",
        "enable-rule",
    ),
    (
        "s3.GetBucketNotificationConfiguration",
        "EventBridge",
        {},
        "fail: landrun-landings does not tell EventBridge",
        "Amazon EventBridge, On",
    ),
    (
        "lambda.GetFunctionConcurrency",
        "Reconcile",
        {"ReservedConcurrentExecutions": 0},
        "fail: landrun-ReconcileFunction-GGGG4444HHHH is throttled to nothing",
        "delete-function-concurrency",
    ),
    (
        "scheduler.GetSchedule",
        "tick",
        {**answer("scheduler.GetSchedule"), "State": "DISABLED"},
        "fail: landrun-Tick is DISABLED",
        "enable it",
    ),
    (
        "cloudwatch.GetMetricData",
        "last tick",
        answer("cloudwatch.GetMetricData-nothing"),
        "fail: a tick was due 2026-11-22 02:00 UTC, 8 h 00 min ago, and ScheduleFunction was not",
        "landrun redrive",
    ),
    (
        "ecr.BatchGetImage",
        "image",
        answer("ecr.BatchGetImage-missing"),
        "fail: there is no image 123456789012.dkr.ecr.eu-central-1.amazonaws.com/landrun-1a2b3c4d",
        "make image STACK=landrun",
    ),
    (
        "ecr.BatchGetImage",
        "image",
        answer("ecr.BatchGetImage-index"),
        "fail: the image is for arm64, not for amd64",
        "--provenance=false --platform linux/amd64",
    ),
    (
        "sns.ListSubscriptionsByTopic",
        "subscribers",
        {
            "Subscriptions": [
                {
                    **answer("sns.ListSubscriptionsByTopic")["Subscriptions"][0],
                    "SubscriptionArn": "PendingConfirmation",
                }
            ]
        },
        "warn: on-call@example.com has not confirmed",
        "link",
    ),
    (
        "cloudwatch.DescribeAlarms",
        "alarms",
        answer("cloudwatch.DescribeAlarms-ringing"),
        "warn: landrun-RunsFailed rings: Threshold Crossed",
        "docs/alarms/RunsFailed.md",
    ),
    (
        "iam.SimulatePrincipalPolicy",
        "state machine",
        answer("iam.SimulatePrincipalPolicy-denied"),
        "fail: landrun-StateMachineRole-1A2B3C4D5E6F may not iam:PassRole on rule/StepFunctions",
        "REVERT_DRIFT",
    ),
    (
        "dynamodb.Query",
        "waiting",
        {"Items": [{"recorded_at": {"S": "2026-11-20T07:30:00.000+00:00"}}]},
        "fail: a landing has waited for a tick for 2 d 02 h, longer than 1 d 02 h",
        "landrun explain",
    ),
    (
        "kms.GetKeyPolicy",
        "key",
        {"Policy": json.dumps({"Statement": []}), "PolicyName": "default"},
        "fail: the key's policy does not let in events.amazonaws.com, cloudwatch.amazonaws.com",
        "SECURITY.md",
    ),
    (
        "ec2.DescribeVpcEndpoints",
        "network",
        {"VpcEndpoints": []},
        "warn: no endpoint of S3 and no NAT gateway",
        "gateway endpoint of S3",
    ),
]


@pytest.mark.parametrize(("operation", "name", "reply", "says", "remedy"), BROKEN)
def test_what_is_broken_is_told_with_its_remedy(
    aws: Aws, operation: str, name: str, reply: dict[str, Any], says: str, remedy: str
) -> None:
    whole = answer("events.DescribeRule-landing") if "Rule" in operation else {}
    aws.says(operation, {**whole, **reply} or (lambda _: {}))
    lines = [line for line in examined(aws, name) if line.grade != "ok"]
    assert lines
    told = f"{lines[0].grade}: {lines[0].finding.says}"
    assert told.startswith(says)
    assert remedy in lines[0].finding.remedy


def test_dead_letters_fail_with_the_command_that_sends_them_back(aws: Aws) -> None:
    whole = answer("sqs.GetQueueAttributes")["Attributes"]
    dead = {"Attributes": {**whole, "ApproximateNumberOfMessages": "3"}}
    quiet = {"Attributes": whole}
    aws.says("sqs.GetQueueAttributes", lambda asked: dead if "Dead" in asked["QueueUrl"] else quiet)
    remedies = {line.name: line.finding.remedy for line in examined(aws, *DEAD)}
    assert [text.split(" --dry-run")[0] for text in remedies.values()] == [
        "landrun redrive --queue landings",
        "landrun redrive --queue schedule",
        "landrun redrive --queue statuses",
    ]


def test_an_old_landing_fails_where_the_queue_still_has_it(aws: Aws) -> None:
    whole = answer("sqs.GetQueueAttributes")["Attributes"]
    aws.says(
        "sqs.GetQueueAttributes", {"Attributes": {**whole, "ApproximateNumberOfMessages": "1"}}
    )
    old = answer("cloudwatch.GetMetricData")
    old["MetricDataResults"][0]["Values"] = [7200.0]
    aws.says("cloudwatch.GetMetricData", old)
    says = troubles(examined(aws, "landings"))["landings"]
    assert says.startswith("fail: 1 waiting, 0 under way; the oldest has waited for 2 h 00 min")


def test_a_changed_definition_fails_and_names_where(aws: Aws) -> None:
    changed = machine()
    definition = json.loads(changed["definition"])
    definition["States"]["Process messages"]["Retry"][0]["MaxAttempts"] = 3
    changed["definition"] = json.dumps(definition)
    aws.says("stepfunctions.DescribeStateMachine", changed)
    assert troubles(examined(aws, "machine", "definition")) == {
        "definition": "fail: its definition is not the rendered one:"
        " States.Process messages.Retry[0].MaxAttempts"
    }


def test_a_definition_with_other_values_than_the_parameters_fails(aws: Aws) -> None:
    given = {"VolumeSizeInGB": "60", "JobEnvironment": ""}
    assert troubles(examined(aws, "definition", parameters=given))["definition"] == (
        "fail: its definition has other values: Environment is {'TEXT_COLUMN': 'v2', 'LANGUAGE':"
        " 'en'}, and should be absent; VolumeSizeInGB is 30, and should be 60"
    )


def test_an_image_for_another_processor_fails(aws: Aws) -> None:
    lines = examined(aws, "image", config={"architecture": "arm64", "os": "linux"})
    assert "exec format error" in troubles(lines)["image"]


def test_a_quota_of_nothing_fails_and_is_looked_up_among_the_defaults(aws: Aws) -> None:
    aws.says("service-quotas.ListServiceQuotas", answer("service-quotas.ListServiceQuotas-nothing"))
    says = troubles(examined(aws, "quota"))["quota"]
    assert says.startswith("fail: the quota 'ml.m5.large for processing job usage' is 0, and a run")


def test_permissions_that_are_missing_hide_their_own_checks_only(aws: Aws) -> None:
    for operation in ("iam.SimulatePrincipalPolicy", "service-quotas.ListServiceQuotas"):
        aws.refuses(operation, "AccessDenied")
    aws.refuses("s3.GetBucketNotificationConfiguration", "AccessDenied")
    lines = examined(aws)
    seen = {line.name: line.finding for line in lines}
    assert seen["jobs"].grade is Grade.SKIP
    assert seen["jobs"].says == "could not see: AccessDenied for iam:SimulatePrincipalPolicy"
    assert seen["quota"].remedy == "ask for servicequotas:ListServiceQuotas"
    assert seen["EventBridge"].remedy == "ask for s3:GetBucketNotification"
    assert all(line.grade in ("ok", "skip") for line in lines)
    assert sum(line.grade == "ok" for line in lines) > 30


def test_the_same_question_is_asked_once(aws: Aws) -> None:
    examined(aws, "definition", "machine", "tick", "last tick", "schedules")
    assert aws.asked.count("stepfunctions.DescribeStateMachine") == 1
    assert aws.asked.count("scheduler.GetSchedule") == 1


def test_an_answer_that_nobody_expected_does_not_hide_the_others(aws: Aws) -> None:
    aws.says("kms.DescribeKey", {"KeyMetadata": {}})
    found = troubles(examined(aws, "key", "network"))
    assert found == {"key": "warn: could not be judged (KeyError: 'Arn')"}


def test_outputs_that_would_land_fail(aws: Aws) -> None:
    lines = examined(
        aws,
        "feedback",
        outputs={"OutputBucket": "landrun-landings"},
        parameters={"OutputPrefix": "incoming/done/"},
    )
    assert "overlap in the bucket landrun-landings" in troubles(lines)["feedback"]


def test_a_stack_of_another_version_is_told_and_still_looked_at(aws: Aws) -> None:
    stack = aws.stack()
    without = {k: v for k, v in stack.outputs.items() if k not in ("LandingRule", "StatusRule")}
    aws.says(
        "events.ListRuleNamesByTarget",
        lambda asked: {
            "RuleNames": [asked["TargetArn"].rpartition(":")[2].replace("Queue", "Rule")]
        },
    )
    object.__setattr__(stack, "outputs", without)
    checks = of_stack(Sight(stack), NOW, ASL.read_text)
    wanted = ("version", "landing rule", "status rule", "landing queue")
    found = troubles(examine([check for check in checks if check.name in wanted]))
    assert found == {
        "version": "warn: deployed from another version: no output LandingRule, StatusRule"
    }


def test_a_scheduled_input_that_is_not_there_fails(aws: Aws) -> None:
    aws.refuses("s3.HeadBucket", "404", "Not Found")
    given = {"ScheduledInput": "s3://elsewhere/in/{date:%Y}/", "StartOn": "arrival"}
    says = troubles(examined(aws, "scheduled input", parameters=given))["scheduled input"]
    assert says == "fail: there is no bucket elsewhere"


def test_a_deployment_that_was_rolled_back_says_why(aws: Aws) -> None:
    says = troubles(examined(aws, "deployment", status="UPDATE_ROLLBACK_COMPLETE"))["deployment"]
    assert says == (
        "warn: UPDATE_ROLLBACK_COMPLETE (Processing: Embedded stack was not successfully updated:"
        " invalid InstanceType): what runs is the version before"
    )


def test_a_machine_that_was_given_is_held_against_the_contract(aws: Aws) -> None:
    given = machine()
    given["definition"] = given["definition"].replace("InputMessage", "Source")
    aws.says("stepfunctions.DescribeStateMachine", given)
    found = troubles(
        examined(aws, "definition", "quota", parameters={"StateMachineArn": "arn:given"})
    )
    assert found["definition"] == "fail: it reads Source of its input, which no run has"
    assert found["quota"].startswith("skip:")


def test_what_a_machine_that_was_given_reads_is_held_against_the_format(aws: Aws) -> None:
    given = machine()
    request = {
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingJobName.$": "$$.Execution.Input['PreprocessingJobName']",
        "ProcessingInputs": [{"S3Input": {"S3Uri.$": "$.InputMessage", "S3DataType": "S3Prefix"}}],
    }
    given["definition"] = json.dumps({"States": {"P": {"Type": "Task", "Parameters": request}}})
    aws.says("stepfunctions.DescribeStateMachine", given)
    matched = {"name": {"S": "r"}, "input_also_matches": {"L": [{"S": "a.csv.bak"}]}}
    aws.says("dynamodb.Query", {"Items": [matched], "Count": 1, "ScannedCount": 1})
    changes = {"parameters": {"StateMachineArn": "arn:given"}}
    names = ("input message", "job name", "prefixes")
    found = troubles(examined(aws, *names, **changes))
    assert found["input message"].startswith("fail: its job reads InputMessage as S3Prefix")
    assert found["job name"].startswith("warn: its job has the run's name alone")
    changes["outputs"] = {"InputMessageFormat": "uri"}
    found = troubles(examined(aws, *names, **changes))
    assert set(found) == {"job name", "prefixes"}
    assert "also read a.csv.bak" in found["prefixes"]


@pytest.mark.parametrize(
    ("seconds", "grade"), [(0, "ok"), (-59, "ok"), (120, "warn"), (-301, "fail")]
)
def test_a_clock_that_is_off_is_told_before_aws_refuses_it(seconds: int, grade: str) -> None:
    reply = answer("sts.GetCallerIdentity")
    now = datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp() + seconds
    assert account.judge_clock(reply, datetime.fromtimestamp(now, UTC)).grade == grade
