"""Decisions of the preflight that the whole stack does not come by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun.errors import ServiceError
from landrun_ops.doctor import account, deployment, functions, images, landing, quotas
from landrun_ops.doctor import customer_resources as belongings
from landrun_ops.doctor.examining import Check, examine, unseen
from landrun_ops.doctor.findings import Grade, listed, ok
from landrun_ops.doctor.schedules import judge_last_tick, last_due

from .conftest import answer

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_checks_are_told_in_their_order_and_one_that_breaks_hides_no_other() -> None:
    def broken() -> Any:
        raise KeyError("surprise")

    ended: list[str] = []
    checks = [Check("a", "one", broken), Check("a", "two", lambda: ok("fine"))]
    lines = examine(checks, ended.append)
    assert [(line.name, line.grade) for line in lines] == [("one", "warn"), ("two", "ok")]
    assert sorted(ended) == ["one", "two"]


@pytest.mark.parametrize(
    ("operation", "code", "says"),
    [
        ("kms:DescribeKey", "AccessDeniedException", "AccessDeniedException for kms:DescribeKey"),
        ("ec2:DescribeSubnets", "UnauthorizedOperation", "for ec2:DescribeSubnets"),
        ("s3:HeadBucket", "403", "403 for s3:ListBucket"),
        ("sns:X", "ConnectTimeoutError", "does not answer"),
        ("sns:X", "Throttling", "could not see: sns:X: Throttling"),
    ],
)
def test_what_could_not_be_seen_is_skipped_and_says_why(
    operation: str, code: str, says: str
) -> None:
    found = unseen(ServiceError(operation, code, "no"))
    assert found.grade is Grade.SKIP
    assert says in found.says


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ExpiredToken", "sign in again"),
        ("NoCredentialsError", "aws configure"),
        ("InvalidClientTokenId", "nobody has such keys"),
        ("EndpointConnectionError", "check the network"),
        ("AccessDenied", "ask for cloudformation:DescribeStacks"),
    ],
)
def test_a_stack_that_cannot_be_found_fails_with_the_remedy(code: str, remedy: str) -> None:
    found = account.explained(ServiceError("cloudformation:DescribeStacks", code, "no"))
    assert found.grade is Grade.FAIL
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("status", "grade"),
    [
        ("CREATE_COMPLETE", "ok"),
        ("UPDATE_IN_PROGRESS", "warn"),
        ("UPDATE_ROLLBACK_COMPLETE", "warn"),
        ("UPDATE_ROLLBACK_FAILED", "fail"),
        ("ROLLBACK_COMPLETE", "fail"),
    ],
)
def test_a_stack_is_judged_by_its_status(status: str, grade: str) -> None:
    assert deployment.judge_status("landrun", status).grade == grade


def test_words_that_sagemaker_refuses_are_told_before_a_job_is_made() -> None:
    given = {
        "JobNamePrefix": "x" * 22,
        "JobArguments": "a" * 257,
        "JobEnvironment": "A=" + "b" * 257,
    }
    says = [one.says for one in deployment.judge_names(given)]
    assert [text.split()[0] for text in says] == [
        "JobNamePrefix:",
        "JobArguments",
        "JobEnvironment",
    ]


def test_a_schedule_that_reads_what_runs_write_fails() -> None:
    outputs = {"LandingBucket": "a", "OutputBucket": "b", "LandingPrefix": "in/"}
    given = {
        "OutputPrefix": "out/",
        "ManifestPrefix": "m/",
        "ScheduledInput": "s3://b/out/{date:%Y}/",
    }
    [found] = deployment.judge_feedback(outputs, given)
    assert found.grade is Grade.FAIL
    assert "ScheduledInput" in found.says


def test_a_bucket_elsewhere_or_nowhere_fails() -> None:
    assert "no bucket" in landing.judge_bucket("b", "eu-west-1", "", "LandingBucketName").says
    found = landing.judge_bucket("b", "eu-west-1", "us-east-1", "LandingBucketName")
    assert found.grade is Grade.FAIL


def test_turning_eventbridge_on_does_not_cost_other_notifications() -> None:
    others = {"QueueConfigurations": [{"QueueArn": "arn:q", "Events": ["s3:ObjectCreated:*"]}]}
    remedy = landing.judge_notifications("b", others, given=True).remedy
    assert not remedy.startswith("aws s3api")
    assert "would replace" in remedy
    assert landing.judge_notifications("b", {}, given=True).remedy.startswith("aws s3api")


def test_a_queue_that_does_not_let_its_rule_send_fails() -> None:
    attributes = answer("sqs.GetQueueAttributes")["Attributes"]
    mine = "arn:aws:events:eu-central-1:123456789012:rule/landrun-LandingRule"
    assert landing.judge_policy("q", attributes, mine).grade is Grade.OK
    assert landing.judge_policy("q", attributes, f"{mine}-2").grade is Grade.FAIL
    assert landing.judge_policy("q", {}, mine).grade is Grade.FAIL


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        ({"State": "Disabled"}, "fail"),
        ({"State": "Updating"}, "warn"),
        ({"FunctionResponseTypes": []}, "fail"),
        ({"LastProcessingResult": "PROBLEM: Function call failed"}, "warn"),
        ({"EventSourceArn": "arn:another"}, "fail"),
        ({}, "ok"),
    ],
)
def test_an_event_source_is_judged_by_whether_it_feeds(change: dict[str, Any], grade: str) -> None:
    mapping = answer("lambda.ListEventSourceMappings")["EventSourceMappings"][0]
    found = functions.judge_source(
        [mapping | change], mapping["EventSourceArn"], "f", "landings wait"
    )
    assert found.grade == grade


def test_a_function_that_would_refuse_its_environment_fails_in_its_own_words() -> None:
    function = answer("lambda.GetFunctionConfiguration")
    function["Environment"]["Variables"]["OUTPUT_PREFIX"] = "no-slash"
    found = functions.judge_function(function, {}, functions.SETTINGS["ReconcileFunction"])
    assert found.grade is Grade.FAIL
    assert "OUTPUT_PREFIX" in found.says


def test_an_environment_that_may_not_be_decrypted_is_not_judged() -> None:
    function = answer("lambda.GetFunctionConfiguration")
    function["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no"}}
    found = functions.judge_function(function, {}, functions.SETTINGS["ReconcileFunction"])
    assert found.grade is Grade.SKIP
    assert "kms:Decrypt" in found.remedy


def test_no_tick_was_due_while_the_schedule_was_not_as_it_is() -> None:
    schedule = {"ScheduleExpression": "cron(0 3 * * ? *)", "CreationDate": NOW - timedelta(days=9)}
    assert last_due(schedule | {"LastModificationDate": NOW - timedelta(hours=1)}, NOW) is None


@pytest.mark.parametrize(
    ("expression", "made", "due"),
    [
        ("cron(0 3 * * ? *)", timedelta(days=30), "2026-11-22T03:00"),
        ("cron(0 3 1 * ? *)", timedelta(days=90), "2026-11-01T03:00"),
        ("rate(6 hours)", timedelta(hours=13), "2026-11-22T09:00"),
        ("cron(0 3 * * ? *)", timedelta(hours=1), None),
        ("at(2027-01-01T00:00:00)", timedelta(days=30), None),
    ],
)
def test_when_a_tick_was_due_last_is_told_from_its_expression(
    expression: str, made: timedelta, due: str | None
) -> None:
    found = last_due({"ScheduleExpression": expression, "CreationDate": NOW - made}, NOW)
    assert (found and found.isoformat()[:16]) == due


@pytest.mark.parametrize(
    ("fired", "on_record", "grade"),
    [(1, "", "ok"), (0, "", "fail"), (None, "", "skip"), (None, "2026-11-22T03:00:00Z", "ok")],
)
def test_a_tick_is_known_by_its_call_or_by_its_run(
    fired: float | None, on_record: str, grade: str
) -> None:
    due = NOW - timedelta(hours=7)
    assert judge_last_tick(due, fired, NOW, on_record).grade == grade
    assert judge_last_tick(NOW - timedelta(minutes=2), fired, NOW, on_record).grade == "ok"


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b", {"imageTag": "latest"}),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@sha256:00",
            {"imageDigest": "sha256:00"},
        ),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:v1@sha256:00",
            {"imageDigest": "sha256:00"},
        ),
    ],
)
def test_an_images_name_is_read_as_docker_reads_it(uri: str, wanted: dict[str, str]) -> None:
    image = images.image_of(uri)
    assert image
    assert image.wanted == wanted


def test_an_image_of_another_registry_is_not_taken_for_ecrs() -> None:
    assert images.image_of("docker.io/library/python:3.13") is None


def test_quotas_of_run_time_and_of_all_instances_bound_runs_too() -> None:
    found = quotas.judge_quotas(
        answer("service-quotas.ListServiceQuotas")["Quotas"],
        {"InstanceType": "ml.m5.large", "InstanceCount": "30", "MaxRuntimeInSeconds": "777600"},
    )
    assert [one.grade for one in found] == ["fail", "fail", "fail"]
    assert "5 d 00 h, and runs ask for 9 d 00 h" in found[1].says


def test_a_key_that_is_going_fails_with_how_to_keep_it() -> None:
    key = answer("kms.DescribeKey")["KeyMetadata"] | {"KeyState": "PendingDeletion"}
    found = belongings.judge_key(key, "eu-central-1")
    assert "cancel-key-deletion" in found.remedy


def test_a_network_without_addresses_fails() -> None:
    subnets = answer("ec2.DescribeSubnets")["Subnets"]
    groups = answer("ec2.DescribeSecurityGroups")["SecurityGroups"]
    assert belongings.judge_network(subnets, groups, 2).grade is Grade.OK
    assert belongings.judge_network(subnets, groups, 251).grade is Grade.FAIL
    others = [groups[0] | {"VpcId": "vpc-2"}]
    assert "several networks" in belongings.judge_network(subnets, others, 1).says


def test_long_lists_are_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
