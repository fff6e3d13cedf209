"""The real template on the laptop's AWS: functions in their own processes, and a job of no weight.

The process that holds it up, and how to steer it, are those of tests/local.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from landrun_ops.local import LocalAws
from local.laptop import Laptop

TESTS = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
START = "stepfunctions.StepFunctionResponse.start_execution"
Row = dict[str, Any]

JOB = """
import os, sys
from pathlib import Path

source, repaired = Path(sys.argv[1]), Path(sys.argv[2])
read = [path.read_text() for path in source.rglob("*") if path.is_file()]
if "broken" in read and not repaired.exists():
    message = Path(os.environ["LANDRUN_OPT_ML"], "output", "message")
    message.write_text("cannot read what is broken")
    sys.exit(4)
"""
"""Fails for an object that says ``broken`` until a file exists."""


def eventually(ask: Callable[[], Any], *, timeout: float = 40) -> Any:
    """Ask until the answer is true; fail with the last one."""
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} seconds"
        time.sleep(0.1)
    return answer


class Stack:
    """The stack as its user sees it, and what can be done to the laptop that it runs on.

    An execution's waits before retries are a fiftieth of what they are on AWS.
    """

    def __init__(self, folder: Path) -> None:
        job, self.repaired = folder / "job.py", folder / "repaired"
        job.write_text(JOB)
        given = {
            "JobEntrypoint": f"python3 {job}",
            "JobArguments": f"/opt/ml/processing/input/messages {self.repaired}",
        }
        self.laptop = Laptop(TESTS.parent, folder / "state", given, pace=0.02)
        self.aws: LocalAws = self.laptop.aws
        self.outputs = self.aws.outputs
        self.client = lru_cache(self.aws.client)

    def shell(self, command: str) -> None:
        """Run a command as a user does whose shell has ``landrun local env``'s environment."""
        mine = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        environment = mine | self.aws.environment() | {"PATH": path}
        done = subprocess.run(
            ["sh", "-c", command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def land(self, key: str, body: str) -> None:
        self.client("s3").put_object(
            Bucket=self.outputs["LandingBucket"], Key=key, Body=body.encode()
        )

    def land_several(self, count: int) -> list[str]:
        keys = [f"incoming/{uuid.uuid4()}" for _ in range(count)]
        for key in keys:
            self.land(key, key)
        return keys

    def dead_letters(self) -> int:
        name = "ApproximateNumberOfMessages"
        url = self.outputs["LandingDeadLetterQueueUrl"]
        asked = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(asked["Attributes"][name])

    @cached_property
    def _subscribed(self) -> tuple[str, list[str]]:
        sqs, sns = self.client("sqs"), self.client("sns")
        url = sqs.create_queue(QueueName=f"notified-{uuid.uuid4().hex}")["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        topic = self.outputs["NotificationsTopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked["QueueArn"])
        return url, []

    def notifications(self, name: str) -> list[str]:
        url, received = self._subscribed
        more = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in more.get("Messages", []):
            received.append(json.loads(message["Body"])["Message"])
            self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message for message in received if name in message]

    def executions_of(self, *keys: str) -> list[str]:
        """The keys among these that started an execution, once for each that it started."""
        states, machine = self.client("stepfunctions"), self.outputs["StateMachineArn"]
        listed = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        arns = listed.search("executions[].executionArn")
        inputs = [states.describe_execution(executionArn=arn)["input"] for arn in arns]
        started = [json.loads(text)["Trigger"].get("Key") for text in inputs]
        return sorted(key for key in started if key in keys)

    def row(self, key: str) -> Row | None:
        scan = self.client("dynamodb").get_paginator("scan")
        items = scan.paginate(TableName=self.outputs["RunsTable"]).search("Items[]")
        read = TypeDeserializer().deserialize
        rows = [{name: read(value) for name, value in item.items()} for item in items]
        found = [row for row in rows if row.get("trigger", {}).get("Key") == key]
        assert len(found) <= 1
        return found[0] if found else None

    def ended(self, key: str, redrives: int = 0) -> Row:

        def end() -> Row | None:
            row = self.row(key)
            over = row and row["status"] != "RUNNING" and row["redrive_count"] == redrives
            return row if over else None

        return eventually(end)

    def jobs(self, name: str) -> list[str]:
        listed = self.client("sagemaker").list_processing_jobs(NameContains=name)
        return [job["ProcessingJobName"] for job in listed["ProcessingJobSummaries"]]

    def failures(self, row: Row) -> list[str]:
        history = self.client("stepfunctions").get_execution_history(
            executionArn=row["execution_arn"], maxResults=1000
        )
        tasks = (event.get("taskFailedEventDetails") for event in history["events"])
        return [task["error"] for task in tasks if task]
