"""The real template on the laptop's AWS: functions in their own processes, and a job of no weight.

The process that holds it up, and how to steer it, are those of tests/local.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from landrun_ops.local import LocalAws

TESTS = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
START = "stepfunctions.StepFunctionResponse.start_execution"
PUT = "s3.S3Response.put_object"
Row = dict[str, Any]

JOB = """
import json, os, sys
from pathlib import Path

source, target = Path(sys.argv[1]), Path(sys.argv[2])
files = [path for path in source.rglob("*") if path.is_file()]
read = {str(path.relative_to(source)): path.read_text() for path in files}
(target / "read.json").write_text(json.dumps(read))
if "broken" in read.values() and not Path(sys.argv[3]).exists():
    message = Path(os.environ["LANDRUN_OPT_ML"], "output", "message")
    message.write_text("cannot read what is broken")
    sys.exit(4)
"""
"""Fails for an object that says ``broken`` until a file exists."""


def _steerable() -> Any:
    where = TESTS / "local" / "laptop.py"
    spec = importlib.util.spec_from_file_location("landrun_tests_local_laptop", where)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Laptop


def eventually(ask: Callable[[], Any], *, timeout: float = 40, every: float = 0.1) -> Any:
    """Ask until the answer is true; fail with the last one."""
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} seconds"
        time.sleep(every)
    return answer


class Stack:
    """The stack as its user sees it, and what can be done to the laptop that it runs on.

    An execution's waits before retries are a fiftieth of what they are on AWS.
    """

    def __init__(self, folder: Path, **parameters: str) -> None:
        job, self.mended = folder / "job.py", folder / "mended"
        job.write_text(JOB)
        arguments = ["/opt/ml/processing/input/messages", "/opt/ml/processing/output/processed"]
        given = {
            "JobEntrypoint": f"python3 {job}",
            "JobArguments": " ".join([*arguments, str(self.mended)]),
            **parameters,
        }
        self.laptop = _steerable()(TESTS.parent, folder / "state", given, pace=0.02)
        self.aws: LocalAws = self.laptop.aws
        self.outputs = self.aws.outputs
        self._clients: dict[str, Any] = {}
        self._triggers: dict[str, dict[str, Any]] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.aws.client(service)
        return self._clients[service]

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a user does whose shell has ``landrun local env``'s environment."""
        mine = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "-c", command],
            env=mine | self.aws.environment() | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    # What lands

    def land(self, key: str, body: str) -> str:
        """Put an object into the landing bucket; gives its version."""
        answer = self.client("s3").put_object(
            Bucket=self.outputs["LandingBucket"], Key=key, Body=body.encode()
        )
        return answer["VersionId"]

    def land_several(self, count: int) -> list[str]:
        """Land so many objects under keys of their own, each with its key as content."""
        keys = [f"incoming/{uuid.uuid4()}" for _ in range(count)]
        for key in keys:
            self.land(key, key)
        return keys

    @contextlib.contextmanager
    def one_batch(self) -> Iterator[None]:
        """Let what lands in the block, ten messages at most, come to the function as one batch."""
        worker = self.laptop.worker("object_created")
        eventually(self._nothing_lands)  # suspended at work, it would keep what it works on
        worker.suspend()
        try:
            self.land("incoming/a-folder/", "keeps the function busy, and is ignored")
            eventually(lambda: self.waiting("LandingQueueUrl", "NotVisible") == 1)
            yield
        finally:
            worker.resume()

    # Queues

    def _nothing_lands(self) -> bool:
        return all(self.waiting("LandingQueueUrl", how) == 0 for how in ("", "NotVisible"))

    def waiting(self, queue: str, how: str = "") -> int:
        """How many messages a queue (its output's name) has; ``NotVisible``: how many are out."""
        name = f"ApproximateNumberOfMessages{how}"
        asked = self.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[queue], AttributeNames=[name]
        )
        return int(asked["Attributes"][name])

    def take_dead_letters(self) -> list[dict[str, Any]]:
        """Take the landings that were refused or given up on; each with its body and reason."""
        sqs, url = self.client("sqs"), self.outputs["LandingDeadLetterQueueUrl"]
        taken = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        for message in taken:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    @contextlib.contextmanager
    def status_events_lost(self) -> Iterator[None]:
        """Let no status event reach its queue."""
        events = self.client("events")
        rules = events.list_rules()["Rules"]
        [rule] = [one["Name"] for one in rules if "aws.states" in one.get("EventPattern", "")]
        targets = events.list_targets_by_rule(Rule=rule)["Targets"]
        events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
        try:
            yield
        finally:
            events.put_targets(Rule=rule, Targets=targets)

    @cached_property
    def _told(self) -> tuple[str, list[str]]:
        sqs, sns = self.client("sqs"), self.client("sns")
        url = sqs.create_queue(QueueName=f"told-{uuid.uuid4().hex}")["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        topic = self.outputs["NotificationsTopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=asked["QueueArn"])
        return url, []

    def listen(self) -> None:
        """Keep every notification from now on."""
        assert self._told

    def told(self, name: str) -> list[str]:
        """The notifications about a run."""
        url, heard = self._told
        more = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in more.get("Messages", []):
            heard.append(json.loads(message["Body"])["Message"])
            self.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message for message in heard if name in message]

    # Runs

    def executions(self) -> list[dict[str, Any]]:
        """What Step Functions lists, each with its trigger."""
        states, machine = self.client("stepfunctions"), self.outputs["StateMachineArn"]
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        found = [execution for page in pages for execution in page["executions"]]
        return [{**one, "trigger": self._trigger(one["executionArn"])} for one in found]

    def _trigger(self, arn: str) -> dict[str, Any]:
        if arn not in self._triggers:
            described = self.client("stepfunctions").describe_execution(executionArn=arn)
            self._triggers[arn] = json.loads(described["input"])["Trigger"]
        return self._triggers[arn]

    def executions_of(self, *keys: str) -> list[str]:
        """The keys among these that started an execution, once for each that it started."""
        started = (execution["trigger"].get("Key") for execution in self.executions())
        return sorted(key for key in started if key in keys)

    def succeeded(self, *keys: str) -> bool:
        """Whether Step Functions says so of the runs of these keys."""
        found = [one for one in self.executions() if one["trigger"].get("Key") in keys]
        return [one["status"] for one in found] == ["SUCCEEDED"] * len(keys)

    def rows(self) -> list[Row]:
        """Every row of the ledger."""
        return self._items("RunsTable")

    def waiting_landings(self) -> list[Row]:
        """What waits for the next tick."""
        return [item for item in self._items("LandingsTable") if item.get("waiting")]

    def _items(self, table: str) -> list[Row]:
        pages = self.client("dynamodb").get_paginator("scan")
        items = pages.paginate(TableName=self.outputs[table]).search("Items[]")
        read = TypeDeserializer().deserialize
        return [{name: read(value) for name, value in item.items()} for item in items]

    def row(self, **trigger: str) -> Row | None:
        """The one row, if there is one, whose trigger has these values."""
        fitting = [r for r in self.rows() if trigger.items() <= r.get("trigger", {}).items()]
        assert len(fitting) <= 1
        return fitting[0] if fitting else None

    def ended(self, redrives: int = 0, **trigger: str) -> Row:
        """Wait until that row says how its run ended."""

        def end() -> Row | None:
            row = self.row(**trigger)
            over = row and row["status"] != "RUNNING" and row["redrive_count"] == redrives
            return row if over else None

        return eventually(end)

    def read(self, row: Row) -> list[str]:
        """The contents of the objects that the run's job has read."""
        bucket, _, folder = row["output_processed_message"].removeprefix("s3://").partition("/")
        answer = self.client("s3").get_object(Bucket=bucket, Key=f"{folder}read.json")
        return sorted(json.loads(answer["Body"].read()).values())

    def manifest(self, row: Row) -> list[Any]:
        bucket, _, key = row["input_message"].removeprefix("s3://").partition("/")
        return json.loads(self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def jobs(self, name: str) -> list[str]:
        """The names of a run's Processing jobs."""
        listed = self.client("sagemaker").list_processing_jobs(NameContains=name)
        return [job["ProcessingJobName"] for job in listed["ProcessingJobSummaries"]]

    def failures(self, row: Row) -> list[str]:
        """The errors of the tasks of a run so far."""
        history = self.client("stepfunctions").get_execution_history(
            executionArn=row["execution_arn"], maxResults=1000
        )
        tasks = (event.get("taskFailedEventDetails") for event in history["events"])
        return [task["error"] for task in tasks if task]

    def close(self) -> None:
        self.laptop.stop()
