"""The laptop's AWS with IAM enforced: what lands, what came of it, and roles with less in them."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from landrun_ops.local import LocalAws

ROOT = Path(__file__).resolve().parents[2]
UP = Path(__file__).with_name("up.py")
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
"""Takes its time over an object that says ``slow``, and fails for one that says ``broken``."""

LOGS = "/aws/sagemaker/ProcessingJobs"
DECISION = re.compile(r"^IAM: landrun-(\w+)-\w+ (may|may not) (\S+)", re.MULTILINE)

Row = dict[str, Any]


def eventually(ask, timeout=60):
    """Ask until the answer is true; fail with the last one."""
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} seconds"
        time.sleep(0.5)
    return answer


class Laptop:
    """The stack, up until `stop`; ``said`` is what it wrote to stderr, IAM's decisions included."""

    def __init__(self, folder, **parameters):
        job = folder / "job.py"
        job.write_text(JOB)
        given = {
            "JobEntrypoint": f"python3 {job}",
            "JobArguments": "/opt/ml/processing/input/messages /opt/ml/processing/output/processed",
            **parameters,
        }
        arguments = json.dumps([str(ROOT), str(folder / "state"), given])
        self._errors = folder / "stderr"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(UP), arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._given = given
        self._await_ready()
        self.aws = LocalAws.attach(folder / "state")
        self.outputs = self.aws.outputs
        self.client = lru_cache(self.aws.client)
        """``client(service)`` is the root's: it may do everything."""

    def stop(self):
        self._process.communicate(timeout=40)

    def deploy(self, **parameters):
        self._given |= parameters
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(self._given)}\n")
        self._process.stdin.flush()
        self._await_ready()

    def _await_ready(self):
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", self.said

    @property
    def said(self):
        return self._errors.read_text(encoding="utf-8")

    @property
    def refusals(self):
        return [line for line in self.said.splitlines() if " may not " in line]

    def used(self, role):
        found = DECISION.findall(self.said)
        return {action for who, answer, action in found if (who, answer) == (role, "may")}

    # What happens

    def put(self, bucket, key, body="hello"):
        """Put an object; give its URI."""
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())
        return f"s3://{bucket}/{key}"

    def land(self, body="hello"):
        key = f"incoming/{uuid.uuid4()}"
        self.put(self.outputs["LandingBucket"], key, body)
        return key

    def run(self, body="hello"):
        return self.ended(self.land(body))

    def by_hand(self, uri, output="processed/"):
        """Run the stack's machine as a notebook does, with a name of its 62 characters."""
        name = f"bsm-batch-preprocessing-daily-{uuid.uuid4().hex}"
        given = {
            "PreprocessingJobName": name,
            "InputMessage": uri,
            "OutputProcessedMessage": f"s3://{self.outputs['OutputBucket']}/{output}{name}/",
        }
        self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=name, input=json.dumps(given)
        )
        return self.ended(name)

    def execution(self, name):
        machine = self.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
        return {"executionArn": f"{machine}:{name}"}

    # What came of it

    def rows(self):
        items = self.client("dynamodb").scan(TableName=self.outputs["RunsTable"])["Items"]
        value = TypeDeserializer().deserialize
        return [{name: value(one) for name, one in item.items()} for item in items]

    def row(self, run):
        return next(
            (row for row in self.rows() if run in (row["name"], row["trigger"].get("Key"))), None
        )

    def ended(self, run):

        def ended():
            row = self.row(run)
            return row if row and row["status"] != "RUNNING" else None

        row: Row = eventually(ended)
        return row

    def logged(self, run):
        logs = self.client("logs")
        streams = logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=run)
        names = [stream["logStreamName"] for stream in streams["logStreams"]]
        pages = [logs.get_log_events(logGroupName=LOGS, logStreamName=name) for name in names]
        return [event["message"] for page in pages for event in page["events"]]

    def job_statuses(self, run):
        jobs = self.client("sagemaker").list_processing_jobs(NameContains=run)
        return [job["ProcessingJobStatus"] for job in jobs["ProcessingJobSummaries"]]

    def messages(self, queue):
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[queue], AttributeNames=kinds
        )["Attributes"]
        return sum(int(attributes[kind]) for kind in kinds)

    # Roles

    def role(self, logical_id):
        names = [role["RoleName"] for role in self.client("iam").list_roles()["Roles"]]
        [name] = [name for name in names if name.startswith(f"landrun-{logical_id}-")]
        return str(name)

    @contextlib.contextmanager
    def without(self, role, action, resource="*"):
        """Deny an action to a role for a while; only on resources that fit the pattern."""
        policy = {"RoleName": self.role(role), "PolicyName": "Without"}
        statement = {"Effect": "Deny", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_role_policy(**policy, PolicyDocument=document)
        try:
            yield
        finally:
            iam = self.client("iam")
            with contextlib.suppress(iam.exceptions.NoSuchEntityException):  # deployed since
                iam.delete_role_policy(**policy)
