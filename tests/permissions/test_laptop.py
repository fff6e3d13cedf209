"""The laptop's AWS with IAM enforced: machine and jobs under their roles, and Lambda for functions.

The tests share one laptop, where one run at a time has the only concurrency slot and a key encrypts
everything.
"""

import contextlib
import json
import os

import pytest

from landrun_ops.actions.invoke import FunctionError, invoke
from landrun_ops.local import LocalAws
from landrun_ops.local.moto_patches import tasks
from landrun_ops.local.moto_patches.iam import Decision, Iam
from landrun_ops.local.patches import Patches
from laptop_stack import LaptopStack, eventually
from template.resolved import deploy

if "LANDRUN_PERMISSIONS" not in os.environ:
    pytest.skip("takes a minute: make permissions runs it", allow_module_level=True)

JOB = """
import sys, time
from pathlib import Path

source, target = Path(sys.argv[1]), Path(sys.argv[2])
[read] = [path.read_text() for path in source.rglob("*") if path.is_file()]
print("read", read, flush=True)
time.sleep(60 if read == "slow" else 0)
(target / "read.txt").write_text(read)
"""
"""Logs what it reads, and takes its time over ``slow``."""

PACE = 0.0002
"""Of the waits before retries that an execution has on AWS."""

PARAMETERS = {
    "MaxConcurrentRuns": "1",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/11111111-12ab-34cd-56ef-1234567890ab",
}
UNSEEN = {
    "StateMachineRole": {"sagemaker:ListTags"},
    "ProcessingRole": {
        "s3:AbortMultipartUpload",  # large outputs, in parts, that break off
        *("kms:DescribeKey", "kms:Encrypt"),  # SageMaker may ask before it uses a key
        "logs:DescribeLogStreams",
        *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    },
}
"""Permissions that AWS's documentation asks for, and that no run here would miss.

tests/template/test_permissions.py judges those for every resource. See "IAM policies for Amazon
SageMaker", "Logging using CloudWatch Logs" and "AWS X-Ray and Step Functions" in Step Functions'
developer guide; "CreateProcessingJob API: execution role permissions" in SageMaker's.
"""

MISSING = [
    ("StateMachineRole", "iam:PassRole", "*", "iam:PassRole"),
    ("ProcessingRole", "s3:GetObject", "arn:aws:s3:::*landingbucket*", "AccessDenied"),
]
"""A role, an action that is denied to it, on which resources, and what the cause says."""


class Laptop(LaptopStack):
    """The stack while it is up, and what IAM has decided on so far."""

    def __init__(self, aws, decisions):
        super().__init__(aws)
        self.decisions = decisions

    def used(self, role):
        """The actions that IAM has allowed a role (its logical id) so far."""
        name = f"landrun-{role}-"
        return {
            one.action for one in list(self.decisions) if one.allowed and one.role.startswith(name)
        }

    def job_statuses(self):
        jobs = self.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]
        return {job["ProcessingJobStatus"] for job in jobs}

    @contextlib.contextmanager
    def without(self, role, action, resource):
        """Deny an action to a role for a while; only on resources that fit the pattern."""
        iam, roles = self.client("iam"), self.client("iam").list_roles()["Roles"]
        [name] = [one["RoleName"] for one in roles if f"-{role}-" in one["RoleName"]]
        statement = {"Effect": "Deny", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="Without", PolicyDocument=document)
        try:
            yield
        finally:
            iam.delete_role_policy(RoleName=name, PolicyName="Without")


@pytest.fixture(scope="module")
def laptop(tmp_path_factory, root):
    folder, decisions = tmp_path_factory.mktemp("laptop"), []
    (folder / "job.py").write_text(JOB)
    parameters = PARAMETERS | {
        "JobEntrypoint": f"python3 {folder / 'job.py'}",
        "JobArguments": "/opt/ml/processing/input/messages /opt/ml/processing/output/processed",
    }

    def decided(decide, iam, role, need):
        allowed = decide(iam, role, need)
        decisions.append(Decision(role, need.action, need.resource, allowed))
        return allowed

    with Patches() as patches:
        patches.wrap(Iam, "_decide", decided)
        patches.wrap(tasks, "wait", lambda wait, env, seconds: wait(env, seconds * PACE))
        state = folder / "state"
        with LocalAws.up(root, parameters=parameters, state_dir=state, enforce_iam=True) as aws:
            yield Laptop(aws, decisions)


def test_the_main_path_passes_with_iam_enforced_and_uses_each_permission(laptop):
    row = laptop.ended(laptop.land())
    assert (row["status"], "output_problem" in row) == ("SUCCEEDED", False)
    a_prefix_is_read_and_a_job_is_stopped(laptop)
    # What a schedule's function fails at for good is kept
    for function in ("ScheduleFunction", "ReconcileFunction"):
        laptop.client("lambda").invoke(
            FunctionName=laptop.outputs[function],
            InvocationType="Event",
            Payload=json.dumps({"GraceSeconds": "never"}),
        )
    eventually(lambda: laptop.messages("ScheduleDeadLetterQueueUrl") == 2)
    assert [str(one) for one in laptop.decisions if not one.allowed] == []
    for role, unseen in UNSEEN.items():
        granted, used = deploy(PARAMETERS).grants(role), laptop.used(role)
        assert {action for action, resource in granted if resource != "*"} == used | unseen
        assert not used & unseen


def a_prefix_is_read_and_a_job_is_stopped(laptop):
    """As a notebook starts a run: its job lists what it reads, as no job with a manifest does."""
    uri = laptop.put(laptop.outputs["LandingBucket"], "by-hand/a.txt", "slow")
    given = {
        "PreprocessingJobName": "by-hand",
        "InputMessage": uri.removesuffix("a.txt"),
        "OutputProcessedMessage": f"s3://{laptop.outputs['OutputBucket']}/processed/by-hand/",
    }
    laptop.client("stepfunctions").start_execution(
        stateMachineArn=laptop.outputs["StateMachineArn"], name="by-hand", input=json.dumps(given)
    )
    eventually(lambda: "s3:ListBucket" in laptop.used("ProcessingRole"))
    machine = laptop.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    laptop.client("stepfunctions").stop_execution(executionArn=f"{machine}:by-hand")
    assert laptop.ended("by-hand")["status"] == "ABORTED"
    eventually(lambda: laptop.job_statuses() == {"Completed", "Stopped"})
    eventually(lambda: not any("unfinished" in row for row in laptop.rows()))  # notified


@pytest.mark.parametrize(("role", "action", "resource", "says"), MISSING)
def test_a_run_fails_and_says_which_permission_is_missing(laptop, role, action, resource, says):
    with laptop.without(role, action, resource):
        row = laptop.ended(laptop.land())
    assert row["status"] == "FAILED"
    assert says in row["cause"]


def test_a_function_is_refused_what_its_role_does_not_allow(laptop):
    function, given = "ReconcileFunction", {"GraceSeconds": 0}
    refused = pytest.raises(FunctionError, match="AccessDenied")
    with laptop.without(f"{function}Role", "dynamodb:Query", "*"), refused:
        invoke(laptop.client("lambda"), function, laptop.outputs[function], given)
