"""The laptop's AWS with IAM enforced: what IAM decided, and roles with less in them."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import uuid
from pathlib import Path

from landrun_ops.local import LocalAws
from laptop_stack import LaptopStack

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


class Laptop(LaptopStack):
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
        super().__init__(LocalAws.attach(folder / "state"))

    def stop(self):
        self._process.communicate(timeout=40)

    def deploy(self, **parameters):
        """Deploy the stack again, with these parameters beside those of before."""
        self._given |= parameters
        self._process.stdin.write(f"{json.dumps(self._given)}\n")
        self._process.stdin.flush()
        self._await_ready()

    def _await_ready(self):
        assert self._process.stdout.readline() == "ready\n", self.said

    @property
    def said(self):
        return self._errors.read_text(encoding="utf-8")

    @property
    def refusals(self):
        return [line for line in self.said.splitlines() if " may not " in line]

    def used(self, role):
        """The actions that IAM has allowed a role (its logical id) so far."""
        found = DECISION.findall(self.said)
        return {action for who, answer, action in found if (who, answer) == (role, "may")}

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
        """An execution as Step Functions' calls name it."""
        machine = self.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
        return {"executionArn": f"{machine}:{name}"}

    def job_statuses(self, run):
        return [job["ProcessingJobStatus"] for job in self.jobs(run)]

    def logged(self, run):
        """What CloudWatch has of the output of a run's jobs."""
        logs = self.client("logs")
        streams = logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=run)
        names = [stream["logStreamName"] for stream in streams["logStreams"]]
        pages = [logs.get_log_events(logGroupName=LOGS, logStreamName=name) for name in names]
        return [event["message"] for page in pages for event in page["events"]]

    def role(self, logical_id):
        names = [role["RoleName"] for role in self.client("iam").list_roles()["Roles"]]
        [name] = [name for name in names if name.startswith(f"landrun-{logical_id}-")]
        return name

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
