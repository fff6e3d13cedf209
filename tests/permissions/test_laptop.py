"""The laptop's AWS with IAM enforced: machine and jobs under their roles, and Lambda for functions.

The tests share one laptop, where one run at a time has the only concurrency slot and a key encrypts
everything.
"""

from __future__ import annotations

import json
import os
import uuid

import pytest

from landrun_ops import cli
from landrun_ops.actions.invoke import invoke
from laptop_stack import eventually

from .laptop import laptop_up
from .world import Policies

if "LANDRUN_PERMISSIONS" not in os.environ:
    pytest.skip("takes a minute: make permissions runs it", allow_module_level=True)

UNSEEN = {
    "StateMachineRole": {
        "sagemaker:ListTags",
        *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
        *("logs:ListLogDeliveries", "logs:PutResourcePolicy"),
        *("logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        *("xray:GetSamplingRules", "xray:GetSamplingTargets"),
    },
    "ProcessingRole": {
        "s3:AbortMultipartUpload",  # large outputs, in parts, that break off
        *("kms:DescribeKey", "kms:Encrypt"),  # SageMaker may ask before it uses a key
        *("logs:DescribeLogStreams", "cloudwatch:PutMetricData"),
        *("ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability"),
        *("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    },
}
"""Permissions that AWS's documentation asks for, and that no run here would miss.

"IAM policies for Amazon SageMaker", "Logging using CloudWatch Logs" and "AWS X-Ray and Step
Functions" in Step Functions' developer guide; "CreateProcessingJob API: execution role
permissions" in SageMaker's.
"""

POLL = {"sqs:ReceiveMessage", "sqs:DeleteMessage"}
LAMBDAS_OWN = {
    "ObjectCreatedFunctionRole": POLL,
    "ExecutionStatusFunctionRole": POLL,
    "ScheduleFunctionRole": {"sqs:SendMessage"},
    "ReconcileFunctionRole": {"sqs:SendMessage"},
}
"""What Lambda does for a function: it polls its queue, or keeps the events that failed for good."""

MISSING = [
    ("StateMachineRole", "sagemaker:CreateProcessingJob", "*", "sagemaker:CreateProcessingJob"),
    ("StateMachineRole", "iam:PassRole", "*", "iam:PassRole"),
    ("ProcessingRole", "s3:GetObject", "arn:aws:s3:::*/manifests/*", "AccessDenied"),
    ("ProcessingRole", "s3:GetObject", "arn:aws:s3:::*landingbucket*", "AccessDenied"),
    ("ProcessingRole", "s3:PutObject", "arn:aws:s3:::*/processed/*", "AccessDenied"),
    ("ProcessingRole", "kms:Decrypt", "*", "AccessDenied"),
]
"""A role, an action that is denied to it, on which resources, and what the cause says."""

KEYS = [f"arn:aws:kms:us-east-1:123456789012:key/{n * 8}-12ab-34cd-56ef-1234567890ab" for n in "12"]
PARAMETERS = {"MaxConcurrentRuns": "1", "KmsKeyArn": KEYS[0]}
SIZES = {"InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": "50", "MaxRuntimeInSeconds": "600"}


@pytest.fixture(scope="module")
def laptop(tmp_path_factory):
    with laptop_up(tmp_path_factory.mktemp("laptop"), **PARAMETERS) as up:
        yield up


def test_the_main_path_passes_with_iam_enforced_and_uses_each_permission(laptop):
    an_object_is_processed_and_its_job_logs(laptop)
    a_notebooks_object_and_prefix_are_read(laptop)
    a_failure_and_a_stop_are_recorded(laptop)
    what_is_no_event_and_what_fails_for_good_is_kept(laptop)
    assert laptop.refusals == []
    for role, unseen in UNSEEN.items():
        granted, used = Policies(**PARAMETERS).grants(role), laptop.used(role)
        assert {grant.action for grant in granted} == used | unseen
        assert not used & unseen
    for role, actions in LAMBDAS_OWN.items():
        assert laptop.used(role) >= actions


def an_object_is_processed_and_its_job_logs(laptop):
    row = laptop.run()
    assert (row["status"], "output_problem" in row) == ("SUCCEEDED", False)
    assert "read hello" in laptop.logged(row["name"])


def a_notebooks_object_and_prefix_are_read(laptop):
    uri = laptop.put(laptop.outputs["LandingBucket"], "by-hand/a.txt")
    for source in (uri, uri.removesuffix("a.txt")):
        row = laptop.by_hand(source)
        assert (row["status"], row["input_message"]) == ("SUCCEEDED", source), row
        assert uuid.UUID(row["job_name"].removeprefix("landrun-"))


def a_failure_and_a_stop_are_recorded(laptop):
    assert laptop.run("broken")["status"] == "FAILED"
    run = slow_run(laptop)
    laptop.client("stepfunctions").stop_execution(**laptop.execution(run))
    assert laptop.ended(run)["status"] == "ABORTED"
    eventually(lambda: laptop.job_statuses(run) == ["Stopped"])
    eventually(lambda: not any("unfinished" in row for row in laptop.rows()))  # notified


def slow_run(laptop):
    key = laptop.land("slow")
    run = eventually(lambda: laptop.row(key))["name"]
    eventually(lambda: laptop.job_statuses(run) == ["InProgress"])
    return run


def what_is_no_event_and_what_fails_for_good_is_kept(laptop):
    name = laptop.outputs["ReconcileFunction"]
    assert invoke(laptop.client("lambda"), "ReconcileFunction", name, {"GraceSeconds": 0})
    for queue in ("Landing", "Status"):
        laptop.client("sqs").send_message(
            QueueUrl=laptop.outputs[f"{queue}QueueUrl"], MessageBody="not an event"
        )
    for function in ("ScheduleFunction", "ReconcileFunction"):
        laptop.client("lambda").invoke(
            FunctionName=laptop.outputs[function],
            InvocationType="Event",
            Payload=json.dumps({"GraceSeconds": "never"}),
        )
    for queue, messages in (("Landing", 1), ("Status", 1), ("Schedule", 2)):
        url = f"{queue}DeadLetterQueueUrl"
        eventually(lambda url=url, messages=messages: laptop.messages(url) == messages)


@pytest.mark.parametrize(("role", "action", "resource", "says"), MISSING)
def test_a_run_fails_and_says_which_permission_is_missing(laptop, role, action, resource, says):
    with laptop.without(role, action, resource):
        row = laptop.run()
    assert row["status"] == "FAILED"
    assert says in row["cause"]


def test_a_run_waits_until_its_machines_role_may_request_a_slot(laptop):
    with laptop.without("StateMachineRole", "sqs:SendMessage"):
        key = laptop.land()
        wanted = f"{laptop.role('StateMachineRole')} may not sqs:SendMessage"
        eventually(lambda: any(wanted in line for line in laptop.refusals))
    assert laptop.ended(key)["status"] == "SUCCEEDED"  # it asks again by itself


def test_a_notebooks_uri_outside_of_the_roles_fails_and_show_names_both(
    laptop, capsys, monkeypatch
):
    for name, value in laptop.aws.environment().items():
        monkeypatch.setenv(name, value)
    laptop.client("s3").create_bucket(Bucket="elsewhere")
    elsewhere = laptop.put("elsewhere", "in/a.txt")
    uri = laptop.put(laptop.outputs["LandingBucket"], "by-hand/a.txt")

    for source, output, named in (
        (elsewhere, "processed/", elsewhere),
        (uri, "not-mine/", f"s3://{laptop.outputs['OutputBucket']}/not-mine/"),
    ):
        row = laptop.by_hand(source, output)
        assert row["status"] == "FAILED"
        capsys.readouterr()
        assert cli.run(["show", row["name"]]) == 1
        shown = " ".join(capsys.readouterr().out.split())
        assert "by hand, outside landrun" in shown
        assert laptop.role("ProcessingRole") in shown
        assert named in shown


@pytest.mark.parametrize(
    "changes",
    [
        SIZES | {"KmsKeyArn": KEYS[1], "PreviousKmsKeyArns": KEYS[0]},
        {"KmsKeyArn": "", "PreviousKmsKeyArns": ",".join(KEYS)},
        {"KmsKeyArn": KEYS[0], "PreviousKmsKeyArns": ""},
    ],
    ids=["other sizes and another key", "no key", "a key"],
)
def test_a_run_that_waits_and_a_redrive_outlive_a_deployment(laptop, changes):
    """An execution keeps its definition, its object the key of then; policies change at once."""
    failed = laptop.ended(laptop.land("broken"))["name"]
    before, refused = instance_types(laptop, failed), laptop.refusals
    holder, key = slow_run(laptop), laptop.land()
    eventually(lambda: laptop.row(key))
    laptop.deploy(**changes)
    laptop.client("stepfunctions").stop_execution(**laptop.execution(holder))
    waited = laptop.ended(key)
    assert waited["status"] == "SUCCEEDED"
    laptop.client("stepfunctions").redrive_execution(**laptop.execution(failed))
    eventually(lambda: len(laptop.logged(failed)) > 1)
    for run in (waited["name"], failed):
        assert instance_types(laptop, run) == before, "of the definition they started with"
    assert instance_types(laptop, laptop.run()["name"]) == {"ml.c5.xlarge"}
    assert laptop.refusals == refused


def instance_types(laptop, run):
    """The instance types of a run's jobs."""
    sagemaker = laptop.client("sagemaker")
    described = [
        sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
        for job in laptop.jobs(run)
    ]
    return {one["ProcessingResources"]["ClusterConfig"]["InstanceType"] for one in described}
