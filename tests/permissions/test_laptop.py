"""The laptop's AWS with IAM enforced: machine and jobs under their roles, and Lambda for functions.

What a permission is needed for is shown by taking it away, on the stack that is up.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from landrun_ops import cli

from .laptop import Laptop, eventually
from .world import Policies

if "LANDRUN_PERMISSIONS" not in os.environ:
    pytest.skip("takes a minute: make permissions runs it", allow_module_level=True)

DOCUMENTED = "AWS's documentation asks for it; nothing on the laptop has a use for it"
UNSEEN: dict[str, dict[str, str]] = {
    "StateMachineRole": {
        "sagemaker:ListTags": DOCUMENTED,
        "logs:CreateLogDelivery": DOCUMENTED,
        "logs:GetLogDelivery": DOCUMENTED,
        "logs:UpdateLogDelivery": DOCUMENTED,
        "logs:DeleteLogDelivery": DOCUMENTED,
        "logs:ListLogDeliveries": DOCUMENTED,
        "logs:PutResourcePolicy": DOCUMENTED,
        "logs:DescribeResourcePolicies": DOCUMENTED,
        "logs:DescribeLogGroups": DOCUMENTED,
        "xray:PutTraceSegments": DOCUMENTED,
        "xray:PutTelemetryRecords": DOCUMENTED,
        "xray:GetSamplingRules": DOCUMENTED,
        "xray:GetSamplingTargets": DOCUMENTED,
    },
    "ProcessingRole": {
        "s3:AbortMultipartUpload": "large outputs, in parts, that break off",
        "logs:DescribeLogStreams": DOCUMENTED,
        "cloudwatch:PutMetricData": DOCUMENTED,
        "ecr:GetAuthorizationToken": DOCUMENTED,
        "ecr:BatchCheckLayerAvailability": DOCUMENTED,
        "ecr:BatchGetImage": DOCUMENTED,
        "ecr:GetDownloadUrlForLayer": DOCUMENTED,
    },
}
"""Permissions that no run here would miss.

"IAM policies for Amazon SageMaker", "Logging using CloudWatch Logs" and "AWS X-Ray and Step
Functions" in Step Functions' developer guide; "CreateProcessingJob API: execution role
permissions" in SageMaker's.
"""

ASKING = "sqs:SendMessage"
CREATING = [
    "events:PutTargets",
    "events:PutRule",
    "events:DescribeRule",
    "sagemaker:CreateProcessingJob",
    "sagemaker:AddTags",
    "iam:PassRole",
    "sagemaker:DescribeProcessingJob",
]
STOPPING = "sagemaker:StopProcessingJob"
FILES = [
    ("s3:GetObject", "manifests/*"),
    ("s3:GetObject", "landingbucket"),
    ("s3:PutObject", "processed/*"),
]
LOGGING = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path_factory.mktemp("laptop"))
    yield laptop
    laptop.stop()


def refuse_and_reconcile(laptop: Laptop) -> None:
    """The rest of the main path, in either mode."""
    sqs = laptop.client("sqs")
    for name in ("Landing", "Status"):
        sqs.send_message(QueueUrl=laptop.outputs[f"{name}QueueUrl"], MessageBody="not an event")
    for name in ("Landing", "Status"):
        assert eventually(lambda name=name: laptop.dead(f"{name}DeadLetterQueueUrl"))
    assert laptop.aws.reconcile(grace_seconds=0)


def test_the_main_path_of_arrival_passes_with_iam_enforced(laptop: Laptop) -> None:
    before = laptop.refusals
    row = laptop.run()
    assert (row["status"], "output_problem" in row) == ("SUCCEEDED", False)
    assert laptop.ended(laptop.land("broken"))["status"] == "FAILED"
    eventually(lambda: not any("unfinished" in row for row in laptop.rows()))  # told
    refuse_and_reconcile(laptop)
    assert laptop.refusals == before


def test_the_main_path_of_schedule_passes_with_iam_enforced(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, StartOn="schedule")
    try:
        laptop.land()
        waiting = laptop.client("dynamodb").get_paginator("scan")
        pages = waiting.paginate(TableName=laptop.outputs["LandingsTable"])
        eventually(lambda: list(pages.search("Items[]")))
        assert laptop.aws.tick()["Objects"] == 1
        statuses = eventually(
            lambda: [r["status"]["S"] for r in laptop.rows() if r["status"]["S"] != "RUNNING"]
        )
        assert statuses == ["SUCCEEDED"]
        refuse_and_reconcile(laptop)
        assert laptop.refusals == []
    finally:
        laptop.stop()


def test_a_run_waits_until_its_machines_role_may_request_a_slot(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path, MaxConcurrentRuns="1")
    try:
        assert laptop.run()["status"] == "SUCCEEDED"
        assert laptop.refusals == []
        with laptop.without("StateMachineRole", ASKING):
            key = laptop.land()
            wanted = f"{laptop.role('StateMachineRole')} may not {ASKING}"
            eventually(lambda: any(wanted in line for line in laptop.refusals))
        assert laptop.ended(key)["status"] == "SUCCEEDED"  # it asks again by itself
    finally:
        laptop.stop()


def test_a_run_fails_that_its_machines_role_may_not_create_or_watch(laptop: Laptop) -> None:
    unnoticed = []
    for action in CREATING:
        with laptop.without("StateMachineRole", action):
            row = laptop.run()
        if row["status"] != "FAILED" or action not in row["cause"]:
            unnoticed.append((action, row))
    assert unnoticed == []


def test_a_run_fails_whose_jobs_role_may_not_read_or_write_its_files(laptop: Laptop) -> None:
    unnoticed = []
    for action, resource in FILES:
        with laptop.without("ProcessingRole", action, resource):
            row = laptop.run()
        if row["status"] != "FAILED" or "AccessDenied" not in row["cause"]:
            unnoticed.append((action, resource, row))
    assert unnoticed == []


def test_a_job_logs_what_its_role_lets_it_log(laptop: Laptop) -> None:
    for action in LOGGING:
        logs = laptop.client("logs")
        for group in logs.describe_log_groups()["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])
        with laptop.without("ProcessingRole", action):
            row = laptop.run()
        assert row["status"] == "SUCCEEDED", row
        assert laptop.logged(row["name"]) == [], action
    assert "read hello" in laptop.logged(laptop.run()["name"])


def test_a_job_is_stopped_with_its_execution_where_the_role_lets_it(laptop: Laptop) -> None:
    def stopped() -> str:
        key = laptop.land("slow")
        name = eventually(lambda: laptop.row(key))["name"]["S"]
        eventually(lambda: laptop.job(name) == "InProgress" and laptop.logged(name))
        machine = laptop.outputs["StateMachineArn"]
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        laptop.client("stepfunctions").stop_execution(executionArn=arn)
        assert laptop.ended(key)["status"] == "ABORTED"
        return name

    name = stopped()
    eventually(lambda: laptop.job(name) == "Stopped")
    with laptop.without("StateMachineRole", STOPPING):
        going_on = stopped()
        eventually(lambda: any(STOPPING in line for line in laptop.refusals))
        assert laptop.job(going_on) == "InProgress"


def test_lambda_takes_landings_where_the_functions_role_lets_it(laptop: Laptop) -> None:
    with laptop.without("ObjectCreatedFunctionRole", "sqs:ReceiveMessage"):
        time.sleep(1.2)  # a poll that is under way ends
        key = laptop.land()
        time.sleep(1)
        assert laptop.row(key) is None
        assert laptop.waiting("LandingQueueUrl") == 1
    assert laptop.ended(key)["status"] == "SUCCEEDED"
    eventually(lambda: laptop.waiting("LandingQueueUrl") == 0)
    with laptop.without("ObjectCreatedFunctionRole", "sqs:DeleteMessage"):
        assert laptop.run()["status"] == "SUCCEEDED"
        assert laptop.waiting("LandingQueueUrl") == 1


def test_lambda_keeps_what_failed_for_good_where_the_functions_role_lets_it(
    laptop: Laptop,
) -> None:
    functions = ["ScheduleFunction", "ReconcileFunction"]

    def fail() -> None:
        for function in functions:
            laptop.client("lambda").invoke(
                FunctionName=laptop.outputs[function],
                InvocationType="Event",
                Payload=json.dumps({"GraceSeconds": "never"}),
            )

    def kept() -> int:
        sqs = laptop.client("sqs")
        [url] = sqs.list_queues(QueueNamePrefix="landrun-ScheduleDeadLetterQueue")["QueueUrls"]
        name = "ApproximateNumberOfMessages"
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(asked["Attributes"][name])

    roles = [f"{function}Role" for function in functions]
    with contextlib.ExitStack() as taken:
        for role in roles:
            taken.enter_context(laptop.without(role, "sqs:SendMessage", "ScheduleDeadLetter"))
        fail()
        for role in map(laptop.role, roles):
            wanted = f"{role} may not sqs:SendMessage"
            eventually(lambda wanted=wanted: any(wanted in line for line in laptop.refusals))
        assert kept() == 0
    fail()
    eventually(lambda: kept() == len(functions))


@pytest.mark.parametrize("role", UNSEEN)
def test_every_permission_of_machine_and_jobs_is_tried_or_explained(role: str) -> None:
    tried = {
        "StateMachineRole": {*CREATING, STOPPING, ASKING},
        "ProcessingRole": {*(action for action, _ in FILES), *LOGGING, "s3:ListBucket"},
    }
    allowed = {grant.action for grant in Policies(MaxConcurrentRuns="1").grants(role)}
    assert tried[role] | UNSEEN[role].keys() == allowed
    assert not tried[role] & UNSEEN[role].keys()


def by_hand(laptop: Laptop, uri: str, output: str = "processed/") -> dict[str, str]:
    """Run the stack's machine as a notebook does, with a name of its 62 characters."""
    name = f"bsm-batch-preprocessing-daily-{uuid.uuid4().hex}"
    given = {
        "PreprocessingJobName": name,
        "InputMessage": uri,
        "OutputProcessedMessage": f"s3://{laptop.outputs['OutputBucket']}/{output}{name}/",
    }
    laptop.client("stepfunctions").start_execution(
        stateMachineArn=laptop.outputs["StateMachineArn"], name=name, input=json.dumps(given)
    )
    return laptop.ended_as(name)


def put(laptop: Laptop, bucket: str, key: str) -> str:
    laptop.client("s3").put_object(Bucket=bucket, Key=key, Body=b"hello")
    return f"s3://{bucket}/{key}"


def test_a_notebooks_object_and_prefix_are_read_within_the_roles(laptop: Laptop) -> None:
    uri = put(laptop, laptop.outputs["LandingBucket"], f"by-hand/{uuid.uuid4()}/a.txt")
    before = laptop.refusals

    for source in (uri, uri.removesuffix("a.txt")):
        row = by_hand(laptop, source)
        assert (row["status"], row["input_message"]) == ("SUCCEEDED", source), row
        assert uuid.UUID(row["job_name"].removeprefix("landrun-"))
    assert laptop.refusals == before

    with laptop.without("ProcessingRole", "s3:ListBucket"):
        assert "AccessDenied" in by_hand(laptop, uri.removesuffix("a.txt"))["cause"]


def test_a_notebooks_uri_outside_of_the_roles_fails_and_show_names_both(
    laptop: Laptop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in laptop.aws.environment().items():
        monkeypatch.setenv(name, value)
    laptop.client("s3").create_bucket(Bucket="elsewhere")
    elsewhere = put(laptop, "elsewhere", "in/a.txt")
    uri = put(laptop, laptop.outputs["LandingBucket"], f"by-hand/{uuid.uuid4()}/a.txt")

    for source, output, named in (
        (elsewhere, "processed/", elsewhere),
        (uri, "not-mine/", f"s3://{laptop.outputs['OutputBucket']}/not-mine/"),
    ):
        row = by_hand(laptop, source, output)
        assert row["status"] == "FAILED"
        capsys.readouterr()
        assert cli.run(["show", row["name"]]) == 1
        shown = " ".join(capsys.readouterr().out.split())
        assert "by hand, outside landrun" in shown
        assert laptop.role("ProcessingRole") in shown
        assert named in shown
