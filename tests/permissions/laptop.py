"""The laptop's AWS with IAM enforced: what lands, what came of it, and roles with less in them."""

from __future__ import annotations

import ast
import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from landrun_ops.local import LocalAws

from .world import listed

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


def eventually(ask: Callable[[], Any], timeout: float = 30) -> Any:
    """Ask until the answer is true; fail with the last one."""
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} seconds"
        time.sleep(0.1)
    return answer


class Laptop:
    """The stack, up until `stop`; ``said`` is what it wrote to stderr, refusals among it."""

    def __init__(self, folder: Path, **parameters: str) -> None:
        job = folder / "job.py"
        job.write_text(JOB)
        given = {
            "JobEntrypoint": f"python3 {job}",
            "JobArguments": "/opt/ml/processing/input/messages /opt/ml/processing/output/processed",
            **parameters,
        }
        self.errors = folder / "stderr"
        with self.errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(UP), json.dumps([str(ROOT), str(folder / "state"), given])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._given = given
        self._await_ready()
        self.aws = LocalAws.attach(folder / "state")
        self.outputs = self.aws.outputs
        self._clients: dict[str, Any] = {}

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(40)
        self._process.stdout.close()

    def deploy(self, **parameters: str) -> None:
        """Deploy the stack again, with these parameters beside those of before."""
        self._given |= parameters
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(self._given)}\n".encode())
        self._process.stdin.flush()
        self._await_ready()

    def _await_ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", self.said

    @property
    def said(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    @property
    def refusals(self) -> list[str]:
        """What IAM has refused so far, one line each."""
        return [line for line in self.said.splitlines() if line.startswith("IAM: ")]

    def client(self, service: str) -> Any:
        """The root's."""
        if service not in self._clients:
            self._clients[service] = self.aws.client(service)
        return self._clients[service]

    # What happens

    def land(self, body: str = "hello") -> str:
        key = f"incoming/{uuid.uuid4()}"
        self.client("s3").put_object(
            Bucket=self.outputs["LandingBucket"], Key=key, Body=body.encode()
        )
        return key

    def rows(self) -> list[dict[str, Any]]:
        """The ledger, as DynamoDB spells it."""
        items: list[dict[str, Any]] = self.client("dynamodb").scan(
            TableName=self.outputs["RunsTable"]
        )["Items"]
        return items

    def row(self, key: str) -> dict[str, Any] | None:
        """The ledger's row of the run of an object."""
        triggers = ((row, row.get("trigger", {}).get("M", {})) for row in self.rows())
        return next((row for row, trigger in triggers if trigger.get("Key") == {"S": key}), None)

    def ended(self, key: str) -> dict[str, str]:
        """Wait for the end of the run of an object; give what the row has of text."""
        return self._ended(lambda: self.row(key))

    def ended_as(self, name: str) -> dict[str, str]:
        """Wait for the end of the run of a name; give what the row has of text."""

        def row() -> dict[str, Any] | None:
            return next((row for row in self.rows() if row["name"] == {"S": name}), None)

        return self._ended(row)

    def _ended(self, find: Callable[[], dict[str, Any] | None]) -> dict[str, str]:
        def end() -> dict[str, str] | None:
            row = find()
            texts = {name: one["S"] for name, one in (row or {}).items() if "S" in one}
            return texts if texts and texts["status"] != "RUNNING" else None

        return eventually(end)

    def run(self) -> dict[str, str]:
        """Land an object, and wait for its run to end."""
        return self.ended(self.land())

    def outcome(self) -> str:
        return self.run()["status"]

    def logged(self, run: str) -> list[str]:
        """What CloudWatch has of the output of a run's jobs."""
        logs = self.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=LOGS)["logGroups"]
        if not groups:
            return []
        streams = logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=run)
        return [
            event["message"]
            for stream in streams["logStreams"]
            for event in logs.get_log_events(
                logGroupName=LOGS, logStreamName=stream["logStreamName"]
            )["events"]
        ]

    def dead(self, queue: str) -> list[str]:
        """Take what lies in a dead-letter queue (its output's name): the reasons."""
        taken = self.client("sqs").receive_message(
            QueueUrl=self.outputs[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            message["MessageAttributes"]["Reason"]["StringValue"]
            for message in taken.get("Messages", [])
        ]

    def waiting(self, queue: str) -> int:
        """How many messages a queue (its output's name) has, those in flight too."""
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        asked = self.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[queue], AttributeNames=kinds
        )
        return sum(int(asked["Attributes"][kind]) for kind in kinds)

    def job(self, run: str) -> str:
        """Say how the newest job of a run is, or that there is none."""
        found = self.client("sagemaker").list_processing_jobs(NameContains=run)
        jobs = found["ProcessingJobSummaries"]
        return jobs[0]["ProcessingJobStatus"] if jobs else "none"

    # Roles

    def role(self, logical_id: str) -> str:
        names = [role["RoleName"] for role in self.client("iam").list_roles()["Roles"]]
        [name] = [name for name in names if name.startswith(f"landrun-{logical_id}-")]
        return str(name)

    @contextlib.contextmanager
    def without(self, role: str, action: str, resource: str = "") -> Iterator[None]:
        """Take an action from a role's own policies; only from resources with that in them."""
        iam, name = self.client("iam"), self.role(role)
        before = {}
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            said = iam.get_role_policy(RoleName=name, PolicyName=policy)
            document = said["PolicyDocument"]  # of CloudFormation's, moto gives Python's spelling
            before[policy] = ast.literal_eval(document) if isinstance(document, str) else document
        after = {policy: taken(before[policy], action, resource) for policy in before}
        assert after != before, f"{role} has no {action}"
        try:
            self._put(name, after)
            yield
        finally:
            self._put(name, before)

    def _put(self, role: str, policies: dict[str, Any]) -> None:
        for policy, document in policies.items():
            texts = json.loads(json.dumps(document), parse_int=str)  # moto takes no numbers
            self.client("iam").put_role_policy(
                RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(texts)
            )


def taken(document: dict[str, Any], action: str, resource: str) -> dict[str, Any]:
    """Give a policy without an action, on resources whose ARNs contain something."""
    left = []
    for statement in document["Statement"]:
        actions, resources = listed(statement["Action"]), listed(statement["Resource"])
        elsewhere = [one for one in resources if resource not in one]
        if action not in actions or elsewhere == resources:
            left.append(statement)
            continue
        others = [one for one in actions if one != action]
        left += [{**statement, "Action": others}] if others else []
        left += [{**statement, "Action": action, "Resource": elsewhere}] if elsewhere else []
    nothing = {"Effect": "Deny", "Action": "none:None", "Resource": "*"}
    return {**document, "Statement": left or [nothing]}
