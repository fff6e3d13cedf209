"""The real template on the laptop's AWS: functions in their own processes, and a job of no weight.

The process that holds it up, and how to steer it, are those of tests/local.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from functools import cached_property
from pathlib import Path

from laptop_stack import LaptopStack
from local.laptop import Laptop

TESTS = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

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


class Stack(LaptopStack):
    """An execution's waits before retries are a fiftieth of what they are on AWS."""

    def __init__(self, folder):
        job, self.repaired = folder / "job.py", folder / "repaired"
        job.write_text(JOB)
        given = {
            "JobEntrypoint": f"python3 {job}",
            "JobArguments": f"/opt/ml/processing/input/messages {self.repaired}",
        }
        self.laptop = Laptop(TESTS.parent, folder / "state", given, pace=0.02)
        super().__init__(self.laptop.aws)

    def shell(self, command):
        """Run a command as a user does whose shell has ``landrun local env``'s environment."""
        mine = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        environment = mine | self.aws.environment() | {"PATH": path}
        done = subprocess.run(
            ["sh", "-c", command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    @cached_property
    def _subscribed(self):
        sqs, sns = self.client("sqs"), self.client("sns")
        url = sqs.create_queue(QueueName=f"notified-{uuid.uuid4().hex}")["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        topic = self.outputs["NotificationsTopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked["QueueArn"])
        return url, []

    def notifications(self, name):
        """The notifications about a run, from the first call of this method on."""
        url, received = self._subscribed
        more = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in more.get("Messages", []):
            received.append(json.loads(message["Body"])["Message"])
            self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message for message in received if name in message]

    def failures(self, row):
        """The errors of the tasks of a run so far."""
        history = self.client("stepfunctions").get_execution_history(
            executionArn=row["execution_arn"], maxResults=1000
        )
        tasks = (event.get("taskFailedEventDetails") for event in history["events"])
        return [task["error"] for task in tasks if task]
