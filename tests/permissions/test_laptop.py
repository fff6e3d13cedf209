"""The laptop's AWS with IAM enforced: machine and jobs under their roles, and Lambda for functions.

The tests share one laptop, where one run at a time has the only concurrency slot and a key encrypts
everything.
"""

import contextlib
import json
import os
import uuid

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
if read == "broken":
    sys.exit(4)
(target / "read.txt").write_text(read)
"""
"""Logs what it reads, takes its time over ``slow``, and fails for ``broken``."""

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

So are those for every resource, which tests/template/test_permissions.py lists. See "IAM policies
for Amazon SageMaker", "Logging using CloudWatch Logs" and "AWS X-Ray and Step Functions" in Step
Functions' developer guide; "CreateProcessingJob API: execution role permissions" in SageMaker's.
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
    ("StateMachineRole", "iam:PassRole", "*", "iam:PassRole"),
    ("ProcessingRole", "s3:GetObject", "arn:aws:s3:::*landingbucket*", "AccessDenied"),
    ("ProcessingRole", "kms:Decrypt", "*", "AccessDenied"),
]
"""A role, an action that is denied to it, on which resources, and what the cause says."""


class Laptop(LaptopStack):
    """The stack while it is up, and what IAM has decided on so far."""

    def __init__(self, aws, decisions):
        super().__init__(aws)
        self.decisions = decisions

    def used(self, role):
        """The actions that IAM has allowed a role (its logical id) so far."""
        name = self.role(role)
        return {one.action for one in list(self.decisions) if one.allowed and one.role == name}

    def role(self, logical_id):
        names = [role["RoleName"] for role in self.client("iam").list_roles()["Roles"]]
        [name] = [name for name in names if name.startswith(f"landrun-{logical_id}-")]
        return name

    def by_hand(self, uri):
        """Run the stack's machine as a notebook does, with a name of its 62 characters."""
        name = f"bsm-batch-preprocessing-daily-{uuid.uuid4().hex}"
        given = {
            "PreprocessingJobName": name,
            "InputMessage": uri,
            "OutputProcessedMessage": f"s3://{self.outputs['OutputBucket']}/processed/{name}/",
        }
        self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=name, input=json.dumps(given)
        )
        return self.ended(name)

    @contextlib.contextmanager
    def without(self, role, action, resource):
        """Deny an action to a role for a while; only on resources that fit the pattern."""
        policy = {"RoleName": self.role(role), "PolicyName": "Without"}
        statement = {"Effect": "Deny", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_role_policy(**policy, PolicyDocument=document)
        try:
            yield
        finally:
            self.client("iam").delete_role_policy(**policy)


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
    a_notebooks_object_and_prefix_are_read(laptop)
    a_failure_and_a_stop_are_recorded(laptop)
    what_is_no_event_and_what_fails_for_good_is_kept(laptop)
    assert [str(one) for one in laptop.decisions if not one.allowed] == []
    for role, unseen in UNSEEN.items():
        granted, used = deploy(PARAMETERS).grants(role), laptop.used(role)
        assert {action for action, resource in granted if resource != "*"} == used | unseen
        assert not used & unseen
    for role, actions in LAMBDAS_OWN.items():
        assert laptop.used(role) >= actions


def a_notebooks_object_and_prefix_are_read(laptop):
    uri = laptop.put(laptop.outputs["LandingBucket"], "by-hand/a.txt")
    for source in (uri, uri.removesuffix("a.txt")):
        row = laptop.by_hand(source)
        assert (row["status"], row["input_message"]) == ("SUCCEEDED", source), row
        assert uuid.UUID(row["job_name"].removeprefix("landrun-"))


def a_failure_and_a_stop_are_recorded(laptop):
    assert laptop.ended(laptop.land("broken"))["status"] == "FAILED"
    key = laptop.land("slow")
    run = eventually(lambda: laptop.row(key))["name"]
    eventually(lambda: [job["ProcessingJobStatus"] for job in laptop.jobs(run)] == ["InProgress"])
    machine = laptop.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    laptop.client("stepfunctions").stop_execution(executionArn=f"{machine}:{run}")
    assert laptop.ended(run)["status"] == "ABORTED"
    eventually(lambda: [job["ProcessingJobStatus"] for job in laptop.jobs(run)] == ["Stopped"])
    eventually(lambda: not any("unfinished" in row for row in laptop.rows()))  # notified


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
        row = laptop.ended(laptop.land())
    assert row["status"] == "FAILED"
    assert says in row["cause"]


def test_a_function_is_refused_what_its_role_does_not_allow(laptop):
    function, name = "ReconcileFunction", laptop.outputs["ReconcileFunction"]
    with (
        laptop.without("ReconcileFunctionRole", "dynamodb:Query", "*"),
        pytest.raises(FunctionError, match="AccessDenied"),
    ):
        invoke(laptop.client("lambda"), function, name, {"GraceSeconds": 0})
