"""Fakes of what is ours: the doors, each remembering what went through it."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun.contract import ExecutionInput, S3Uri
from landrun.errors import AlreadyStarted, ServiceError
from landrun.executions import Started
from landrun.listing import ListedObject
from landrun.manifests import Manifest
from landrun.outputs import OutputSize
from landrun.telemetry import Telemetry

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:landrun"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass
class FakeManifests:
    stored: dict[str, Manifest] = field(default_factory=dict)
    objects: list[ListedObject] = field(default_factory=list)
    listed: list[S3Uri] = field(default_factory=list)

    def write_once(self, run: str, bucket: str, keys: list[str]) -> Manifest:
        uri = S3Uri("outputs", f"manifests/{run}.json")
        manifest = Manifest(uri, bucket, tuple(keys), written=run not in self.stored)
        return self.stored.setdefault(run, manifest) if manifest.written else self.find(run)

    def find(self, run: str) -> Manifest | None:
        found = self.stored.get(run)
        return found and Manifest(found.uri, found.bucket, found.keys, written=False)

    def list_objects(self, under: S3Uri) -> list[ListedObject]:
        self.listed.append(under)
        return [found for found in self.objects if found.key.startswith(under.key)]


@dataclass
class FakeExecutions:
    """StartExecution's rules: same name and input while running is found, anything else refused."""

    started: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    failing: dict[str, ServiceError] = field(default_factory=dict)
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: int = 0

    def start(self, run: ExecutionInput) -> Started:
        self.calls += 1
        name, text = run.PreprocessingJobName, run.to_json()
        trigger = getattr(run.Trigger, "Key", "")
        if trigger in self.failing:
            raise self.failing[trigger]
        stands = self.started.setdefault(name, text)
        if name in self.closed or stands != text:
            raise AlreadyStarted(name)
        first = self.calls == 1 or stands is text
        return Started(self.arn(name), NOW if first else NOW - timedelta(minutes=1))

    def arn(self, name: str) -> str:
        return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"

    def describe(self, arn: str) -> dict[str, Any]:
        return self.described[arn]

    def last_tasks(self, arn: str) -> list[dict[str, Any]]:
        return self.history.get(arn, [])


@dataclass
class FakeDeadLetters:
    put_there: list[tuple[str, str]] = field(default_factory=list)

    def put(self, body: str, reason: str) -> None:
        self.put_there.append((body, reason))


@dataclass
class FakeLedger:
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def record(self, row: dict[str, Any]) -> bool:
        stands = self.rows.get(row["name"])
        rank = (row["redrive_count"], row["status_rank"])
        if stands and (stands["redrive_count"], stands["status_rank"]) >= rank:
            return False
        self.rows[row["name"]] = row
        return True


@dataclass
class FakeNotifications:
    published: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, subject: str, message: str) -> None:
        self.published.append((subject, message))


@dataclass
class FakeOutputs:
    size: OutputSize = field(default_factory=lambda: OutputSize(0, 0))
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: ServiceError | None = None

    def measure(self, under: S3Uri) -> OutputSize:
        if self.failing:
            raise self.failing
        return self.size

    def summary(self, under: S3Uri) -> dict[str, Any] | None:
        return self.summaries.get(str(under))


@dataclass
class FakeJobs:
    described: dict[str, dict[str, Any]] = field(default_factory=dict)

    def describe(self, name: str) -> dict[str, Any]:
        if name not in self.described:
            raise ServiceError("sagemaker:DescribeProcessingJob", "ValidationException", "no job")
        return self.described[name]


class _CurrentStdout:
    """Standard output as it is at each write: pytest has another one for each phase of a test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    """A logger of the test's own: Powertools keeps one, and its stream, for each service."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "landrun")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"landrun-{uuid.uuid4()}")
    return Telemetry(_CurrentStdout())


@pytest.fixture
def context() -> Any:
    @dataclass(frozen=True)
    class Context:
        aws_request_id: str = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    return Context()


class Told:
    """What a function told on standard output: its log lines and its metrics."""

    def __init__(self, text: str) -> None:
        self.lines = [json.loads(line) for line in text.splitlines()]
        self.logs = [line for line in self.lines if "_aws" not in line]
        self.metrics = [line for line in self.lines if "_aws" in line]

    def count(self, metric: str, **dimensions: str) -> float:
        fitting = (m for m in self.metrics if dimensions.items() <= m.items())
        return sum(sum(m.get(metric, [])) for m in fitting)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda: Told(capsys.readouterr().out)


def messages(batch: dict[str, Any]) -> list[dict[str, Any]]:
    """The events inside a batch of messages."""
    return [json.loads(record["body"]) for record in batch["Records"]]
