"""`landrun local up --listen HOST`, `landrun local env` as users type them; and what is there.

Everything that is checked is asked for over the network, as anybody could.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from .steps import Failure
from .tools import ROOT, WORK, bare_environment, run

LANDRUN = ROOT / ".venv" / "bin" / "landrun"
SAMPLE = ROOT / "samples" / "orders.jsonl"
LANDED_BUCKET = "landrun-landingbucket-1a2b3c4d5e6f"
LANDED_KEY = "incoming/2026/11/22/messages.jsonl"
"""What the payloads of events/ tell of: it is put there, so that its runs succeed."""

PREFIX = "sam"
"""Of the names of runs: those of the payloads about executions begin with `landrun`."""

CONTAINERS_HOST = "host.docker.internal"
PATIENCE = 90  # seconds


class Laptop:
    """One stack on the laptop's AWS; ends with :meth:`stop`."""

    def __init__(self, name: str, parameters: Mapping[str, str]) -> None:
        self.name = name
        self._folder = WORK / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = f"--state-dir={self._folder / 'state'}"
        given = {"JobNamePrefix": PREFIX, "ScheduleExpression": "rate(365 days)", **parameters}
        options = [f"--parameter={key}={value}" for key, value in given.items()]
        self._process = subprocess.Popen(
            [LANDRUN, "local", "up", "--listen", CONTAINERS_HOST, self._state, *options],
            stdout=(self._folder / "up.out").open("wb"),
            stderr=(self._folder / "up.err").open("wb"),
            cwd=ROOT,
            env=bare_environment(),
        )
        self._environment: dict[str, str] = {}

    def wait(self) -> None:
        """Wait until it is up, prepare what the checks need.

        Raises
        ------
        Failure
            When it does not come up, or does not warn that others can run commands.
        """
        eventually(self._is_ready, f"landrun local up --listen ({self.name})")
        if "can run commands as you" not in self._said():
            raise Failure("landrun local up --listen does not warn what others can do")
        told = run([LANDRUN, "local", "env", "--json", self._state], cwd=ROOT)
        self._environment = json.loads(told)
        self.client("s3").create_bucket(Bucket=LANDED_BUCKET)
        self.land(LANDED_BUCKET, LANDED_KEY)
        self._subscribe()

    def sam_variables(self) -> dict[str, dict[str, str]]:
        """`landrun local env --sam`, parsed."""
        told = json.loads(run([LANDRUN, "local", "env", "--sam", self._state], cwd=ROOT))
        if not all(isinstance(value, str) for one in told.values() for value in one.values()):
            raise Failure("landrun local env --sam has values that are no text")
        return dict(told)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def __getitem__(self, output: str) -> str:
        """The stack's output, by its name in the environment without LANDRUN_."""
        return self._environment[f"LANDRUN_{output}"]

    @property
    def environment(self) -> dict[str, str]:
        """What `eval "$(landrun local env)"` adds to a shell."""
        return dict(self._environment)

    @property
    def endpoint_url(self) -> str:
        return self._environment["AWS_ENDPOINT_URL"]

    @cache  # noqa: B019  (there are two laptops, which live as long as the process)
    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]

    def land(self, bucket: str, key: str) -> None:
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=SAMPLE.read_bytes())

    def executions(self) -> set[str]:
        """The names of all executions there are."""
        pages = self.client("stepfunctions").get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self["STATE_MACHINE_ARN"])
        return {one["name"] for page in found for one in page["executions"]}

    def row(self, name: str) -> dict[str, Any]:
        """A run's row, empty when there is none."""
        table, key = self["RUNS_TABLE"], {"name": {"S": name}}
        found = self.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
        return _plain(found.get("Item", {}))

    def forget(self, name: str) -> None:
        table, key = self["RUNS_TABLE"], {"name": {"S": name}}
        self.client("dynamodb").delete_item(TableName=table, Key=key)

    def dead_letters(self, queue: str) -> int:
        """How many messages are in the dead-letter queue: LANDING or STATUS."""
        url = self[f"{queue}_DEAD_LETTER_QUEUE_URL"]
        asked = ["ApproximateNumberOfMessages"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=asked)
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def waiting(self) -> set[tuple[str, str]]:
        """Bucket and key of whatever waits for a tick."""
        items = self.client("dynamodb").scan(TableName=self["LANDINGS_TABLE"])["Items"]
        return {(item["bucket"]["S"], item["key"]["S"]) for item in items if "waiting" in item}

    def told(self, name: str) -> int:
        """How many notifications about a run there were since the last call."""
        sqs, url = self.client("sqs"), self._told_url
        count = 0
        while True:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            if not found.get("Messages"):
                return count
            for message in found["Messages"]:
                count += name in json.loads(message["Body"])["Subject"]
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _subscribe(self) -> None:
        sqs = self.client("sqs")
        self._told_url = sqs.create_queue(QueueName="told")["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=self._told_url, AttributeNames=["QueueArn"])
        self.client("sns").subscribe(
            TopicArn=self["NOTIFICATIONS_TOPIC_ARN"],
            Protocol="sqs",
            Endpoint=asked["Attributes"]["QueueArn"],
        )

    @cached_property
    def _session(self) -> boto3.Session:
        given = self._environment
        return boto3.Session(
            given["AWS_ACCESS_KEY_ID"],
            given["AWS_SECRET_ACCESS_KEY"],
            region_name=given["AWS_DEFAULT_REGION"],
        )

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise Failure(f"landrun local up --listen ended: {self._said()}")
        return "ready at" in (self._folder / "up.out").read_text()

    def _said(self) -> str:
        return (self._folder / "up.err").read_text()


def eventually(holds: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
    """Wait until it holds.

    Raises
    ------
    Failure
        When it does not in ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {patience:.0f} s")
        time.sleep(0.2)


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()}
