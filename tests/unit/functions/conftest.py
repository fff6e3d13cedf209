"""Fakes of what is ours: the doors, each remembering what went through it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import yaml
from botocore.loaders import Loader
from moto import mock_aws

from landrun.adapters.manifests import Collected, Manifest
from landrun.adapters.outputs import OutputSize
from landrun.adapters.s3_listing import ListedObject
from landrun.adapters.step_functions import Started
from landrun.errors import AlreadyStarted, ServiceError
from landrun.models.events import parse_object_created as parse_landing
from landrun.models.landing import Landing
from landrun.models.processing_job import ProcessingJob
from landrun.models.run import ExecutionInput, Trigger
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri

REGION = "us-east-1"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:landrun"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FOREVER_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    """A time that goes on when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


def one_by_one(act: Callable[[Any], Any], given: Any) -> list[Any]:
    return [act(one) for one in given]


@dataclass
class FakeManifests:
    stored: dict[str, Manifest] = field(default_factory=dict)
    lists: dict[str, Collected] = field(default_factory=dict)
    modified: dict[str, datetime] = field(default_factory=dict)
    objects: list[ListedObject] = field(default_factory=list)
    listed: list[S3Uri] = field(default_factory=list)
    failing: dict[str, ServiceError] = field(default_factory=dict)

    def uri(self, run: str) -> S3Uri:
        return S3Uri("outputs", f"manifests/{run}.json")

    def run_of(self, key: str) -> str | None:
        run = key.removeprefix("manifests/").removesuffix(".json")
        return run if run in self.stored else None

    def write_once(
        self,
        run: str,
        bucket: str,
        keys: list[str],
        trigger: Trigger | None = None,
        *,
        landings: str | None = None,
        prefix: S3Uri | None = None,
    ) -> Manifest:
        if run in self.stored:
            return replace(self.stored[run], written=False)
        stored = Manifest(self.uri(run), bucket, tuple(keys), True, trigger, landings, prefix)
        self.stored[run] = stored
        return self.stored[run]

    def write_collected(self, run: str, collected: Collected, trigger: Trigger) -> Manifest:
        key = f"manifests/{run}.{len(self.lists)}.landings.json"
        self.lists[key] = collected
        keys = list(dict.fromkeys(landing.key for landing in collected.landings))
        return self.write_once(run, collected.landings[0].bucket, keys, trigger, landings=key)

    def collected(self, manifest: Manifest) -> Collected:
        return self.lists[manifest.landings] if manifest.landings else Collected((), last=True)

    def find(self, run: str) -> Manifest | None:
        if run in self.failing:
            raise self.failing[run]
        found = self.stored.get(run)
        return found and replace(found, written=False)

    def list_objects(self, under: S3Uri) -> list[ListedObject]:
        self.listed.append(under)
        return [found for found in self.objects if found.key.startswith(under.key)]

    def listed_after(self, key: str) -> Iterator[ListedObject]:
        runs = {self.uri(run).key: run for run in self.stored}
        for name in sorted([*runs, *self.lists]):
            if name > key:
                yield ListedObject(name, 10, self.modified.get(runs.get(name, ""), FOREVER_AGO))


@dataclass
class FakeExecutions:
    """StartExecution's rules: same name and input while running is found, anything else refused."""

    state_machine_arn: str = MACHINE
    started: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    failing: dict[str, ServiceError] = field(default_factory=dict)
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    page_size: int = 1000
    expired: set[str] = field(default_factory=set)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    calls: int = 0

    def start(self, run: ExecutionInput) -> Started:
        self.calls += 1
        name, text = run.PreprocessingJobName, run.to_json()
        unlucky = {name, getattr(run.Trigger, "Key", name)} & self.failing.keys()
        if unlucky:
            raise self.failing[unlucky.pop()]
        stands = self.started.setdefault(name, text)
        if name in self.closed or stands != text:
            raise AlreadyStarted(name)
        first = self.calls == 1 or stands is text
        return Started(self.arn(name), NOW if first else NOW - timedelta(minutes=1))

    def arn(self, name: str) -> str:
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def describe(self, arn: str) -> dict[str, Any]:
        if arn in self.failing:
            raise self.failing[arn]
        name = arn.rpartition(":")[2]
        if arn not in self.described and name not in self.started:
            raise ServiceError("states:DescribeExecution", "ExecutionDoesNotExist", arn)
        return self.described.get(arn) or {"input": self.started[name]}

    def find(self, arn: str) -> dict[str, Any] | None:
        try:
            return self.describe(arn)
        except ServiceError as error:
            if error.code == "ExecutionDoesNotExist":
                return None
            raise

    def page(self, token: str = "", **only: str) -> tuple[list[dict[str, Any]], str]:
        self.asked.append((token, only))
        if token in self.expired:
            raise ServiceError("states:ListExecutions", "InvalidToken", "a day old")
        wanted = only.get("statusFilter")
        listed = [one for one in self.described.values() if wanted in (None, one["status"])]
        listed.sort(key=_changed_at, reverse=True)
        end = int(token or 0) + self.page_size
        return listed[end - self.page_size : end], str(end) if end < len(listed) else ""

    def last_tasks(self, arn: str) -> list[dict[str, Any]]:
        return self.history.get(arn, [])


def _changed_at(listed: dict[str, Any]) -> datetime:
    """ListExecutions' order: by start or redrive while it runs, by its end then."""
    running = listed["status"] == "RUNNING"
    return listed.get("redriveDate" if running else "stopDate") or listed["startDate"]


@dataclass
class FakeDeadLetters:
    put_there: list[tuple[str, str]] = field(default_factory=list)

    def put(self, body: str, reason: str) -> None:
        self.put_there.append((body, reason))


@dataclass
class FakeRunsTable:
    """The table's conditions: only a newer record is written, never over a pending notification."""

    records: dict[str, RunRecord] = field(default_factory=dict)
    failing: dict[str, ServiceError] = field(default_factory=dict)
    answer_lost: bool = False

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {name: record.attributes() for name, record in self.records.items()}

    def write(self, record: RunRecord) -> RunRecord | None:
        if record.name in self.failing:
            raise self.failing[record.name]
        stored = self.records.get(record.name)
        if stored and (stored.progress >= record.progress or stored.notification_is_pending):
            return stored
        self.records[record.name] = record
        return record if self.answer_lost else None

    def find_unfinished(self, what: str) -> list[RunRecord]:
        found = (record for record in self.records.values() if record.unfinished == what)
        return sorted(found, key=lambda record: record.started_at)

    def find_progress(self, names: list[str]) -> dict[str, tuple[int, int]]:
        return {name: self.records[name].progress for name in names if name in self.records}

    def claim_notification(self, record: RunRecord, due_at: str) -> bool:
        stored = self.records.get(record.name)
        seen = stored and stored.notification_due_at == record.notification_due_at
        return bool(seen) and self._change(record, notification_due_at=due_at)

    def mark_notified(self, record: RunRecord) -> bool:
        return self._change(record, unfinished=None, notification_due_at=None)

    def _change(self, record: RunRecord, **changes: str | None) -> bool:
        stored = self.records.get(record.name)
        if not stored or not stored.notification_is_pending:
            return False
        if stored.redrive_count != record.redrive_count:
            return False
        self.records[record.name] = stored.model_copy(update=changes)
        return True


@dataclass
class FakeNotifications:
    published: list[tuple[str, str]] = field(default_factory=list)
    failing: ServiceError | None = None

    def publish(self, subject: str, message: str) -> None:
        if self.failing:
            raise self.failing
        self.published.append((subject, message))


@dataclass
class FakeOutputs:
    size: OutputSize = field(default_factory=lambda: OutputSize(0, 0))
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    longer_keys: tuple[str, ...] = ()
    asked: list[S3Uri] = field(default_factory=list)
    failing: ServiceError | None = None

    def measure(self, under: S3Uri) -> OutputSize:
        if self.failing:
            raise self.failing
        return self.size

    def summary(self, under: S3Uri) -> dict[str, Any] | None:
        return self.summaries.get(str(under))

    def keys_that_begin_with(self, uri: S3Uri) -> tuple[str, ...]:
        self.asked.append(uri)
        if self.failing:
            raise self.failing
        return self.longer_keys


@dataclass
class FakeJobs:
    described: dict[str, dict[str, Any]] = field(default_factory=dict)

    def find(self, name: str) -> ProcessingJob | None:
        found = self.described.get(name)
        return ProcessingJob.model_validate(found) if found else None


class Killed(BaseException):
    """The process died here."""


def die() -> None:
    raise Killed


@dataclass
class Fate:
    """Lets something happen at one of a process's calls of doors: just before it, or just after.

    The process dies there, unless ``strikes`` is something else.
    """

    at: int
    after: bool = False
    strikes: Callable[[], None] = die
    calls: int = 0

    def over(self, door: Any) -> Any:
        return _Mortal(door, self)

    def one(self, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        self.calls += 1
        now = self.calls == self.at
        if now and not self.after:
            self.strikes()
        answer = call(*given, **named)
        if now and self.after:
            self.strikes()
        return answer


class _Mortal:
    def __init__(self, door: Any, fate: Fate) -> None:
        self._door, self._fate = door, fate

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._door, name)
        if not callable(call):
            return call
        return lambda *given, **named: self._fate.one(call, *given, **named)


def messages(batch: dict[str, Any]) -> list[dict[str, Any]]:
    """The events inside a batch of messages."""
    return [json.loads(record["body"]) for record in batch["Records"]]


@pytest.fixture(scope="session")
def loader() -> Loader:
    """botocore's models of services, read once: a client of a fresh session reads them anew."""
    return Loader()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, loader: Loader) -> Iterator[Callable[[str], Any]]:
    """moto's services in this process: ``aws("s3")`` is boto3's client."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        core = botocore.session.Session()
        core.register_component("data_loader", loader)
        yield boto3.Session(botocore_session=core).client


@pytest.fixture(scope="module")
def shared_aws(loader: Loader) -> Iterator[Callable[[str], Any]]:
    """moto's services for all tests of a module, with one client each: making them takes long."""
    core = botocore.session.Session()
    core.register_component("data_loader", loader)
    session = boto3.Session("testing", "testing", region_name=REGION, botocore_session=core)
    with mock_aws():
        yield lru_cache(session.client)


@pytest.fixture
def s3(aws: Any) -> Any:
    client = aws("s3")
    client.create_bucket(Bucket="outputs")
    return client


class _Template(yaml.CSafeLoader):
    """Reads a template; of CloudFormation's own tags only what they stand before."""


_Template.add_multi_constructor("!", lambda _loader, _tag, node: node.value)


def create_table(dynamodb: Any, root: Path, name: str) -> str:
    """Create the template's table, indexes included; its name is that in the template."""
    path = root / "src/stacks/storage.yaml"
    template = yaml.load(path.read_text(encoding="utf-8"), _Template)
    described = template["Resources"][name]["Properties"]
    given = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb.create_table(TableName=name, **{part: described[part] for part in given})
    return name


@pytest.fixture
def table(aws: Any, root: Path) -> Callable[[str], str]:
    """``table("RunsTable")`` creates the template's table, indexes included, and gives its name."""
    return lambda name: create_table(aws("dynamodb"), root, name)


@pytest.fixture
def landed(load_event: Any) -> Callable[..., Landing]:
    """``landed("incoming/a.jsonl", sequencer="0A")`` is the landing of S3's event, so changed.

    With another sequencer it is another version, unless told which.
    """

    def landing(key: str, bucket: str = "landings", **changes: object) -> Landing:
        [event] = messages(load_event("object-created"))
        event["detail"]["bucket"]["name"] = bucket
        version = {"version-id": f"v-{changes['sequencer']}"} if changes.get("sequencer") else {}
        event["detail"]["object"] |= {"key": key, **version, **changes}
        return parse_landing(json.dumps(event))

    return landing
