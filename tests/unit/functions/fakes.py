"""Fakes of adapters that have rules of their own, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from landrun.adapters.landings_table import Claim, PendingLanding, Recorded, landing_id
from landrun.adapters.manifests import Collected, Manifest
from landrun.adapters.s3_listing import ListedObject
from landrun.adapters.step_functions import Started
from landrun.errors import AlreadyStarted, ServiceError
from landrun.models.landing import Landing
from landrun.models.run_record import EXECUTION_RUNNING, RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import RANKS

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:landrun"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"


def run_record(status="FAILED", redrive_count=0, **more):
    usual = {
        "name": "run-1",
        "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:landrun:run-1",
        "state_machine_arn": MACHINE,
        "status": status,
        "redrive_count": redrive_count,
        "status_rank": RANKS[status],
        "month": "2026-11",
        "started_at": "2026-11-22T03:00:00.000Z",
        "unfinished": EXECUTION_RUNNING if status == "RUNNING" else None,
    }
    return RunRecord.model_validate(usual | more)


@dataclass
class Clock:
    """A clock that stands still until a test advances it."""

    now: datetime = NOW

    def __call__(self):
        return self.now

    def advance(self, **by):
        self.now += timedelta(**by)


@dataclass
class FakeManifests:
    """Manifests are written once; ``objects`` is what a listing of the landing bucket returns."""

    stored: dict[str, Manifest] = field(default_factory=dict)
    lists: dict[str, Collected] = field(default_factory=dict)
    modified: dict[str, datetime] = field(default_factory=dict)
    objects: list[ListedObject] = field(default_factory=list)

    def uri(self, run):
        return S3Uri("outputs", f"manifests/{run}.json")

    def run_of(self, key):
        return key.removeprefix("manifests/").removesuffix(".json")

    def write_once(self, run, bucket, keys, trigger=None, *, landings=None, prefix=None):
        if found := self.find(run):
            return found
        written = Manifest(self.uri(run), bucket, tuple(keys), True, trigger, landings, prefix)
        self.stored[run] = written
        return written

    def write_collected(self, run, collected, trigger):
        self.lists.setdefault(run, collected)
        keys = list(dict.fromkeys(landing.key for landing in collected.landings))
        return self.write_once(run, collected.landings[0].bucket, keys, trigger, landings=run)

    def collected(self, manifest):
        return self.lists[manifest.landings] if manifest.landings else Collected((), last=True)

    def find(self, run):
        found = self.stored.get(run)
        return found and replace(found, written=False)

    def list_objects(self, under):
        return [found for found in self.objects if found.key.startswith(under.key)]

    def listed_after(self, key):
        for run in sorted(self.stored):
            if self.uri(run).key > key:
                yield ListedObject(self.uri(run).key, 10, self.modified.get(run, NOW))


@dataclass
class FakeExecutions:
    """Step Functions: a name and input that run are found, any other use of a name is refused.

    A look-up of a name or ARN in ``failing`` raises its error, and so does a start for a key in it.
    """

    started: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    failing: dict[str, Exception] = field(default_factory=dict)
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    page_size: int = 1000
    expired: set[str] = field(default_factory=set)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    state_machine_arn = MACHINE

    def arn(self, name):
        return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"

    def start(self, run):
        name, text = run.PreprocessingJobName, run.to_json()
        for failing in {name, getattr(run.Trigger, "Key", name)} & self.failing.keys():
            raise self.failing[failing]
        is_new = name not in self.started
        if name in self.closed or self.started.setdefault(name, text) != text:
            raise AlreadyStarted(name)
        return Started(self.arn(name), NOW if is_new else NOW - timedelta(minutes=1))

    def find(self, arn):
        if arn in self.failing:
            raise self.failing[arn]
        name = arn.rpartition(":")[2]
        started = {"input": self.started[name]} if name in self.started else None
        return self.described.get(arn, started)

    def page(self, token="", **only):
        self.asked.append((token, only))
        if token in self.expired:
            raise ServiceError("states:ListExecutions", "InvalidToken", "a day old")
        wanted = only.get("statusFilter")
        listed = [one for one in self.described.values() if wanted in (None, one["status"])]
        listed.sort(key=_changed_at, reverse=True)
        end = int(token or 0) + self.page_size
        return listed[end - self.page_size : end], str(end) if end < len(listed) else ""

    def last_tasks(self, arn):
        return self.history.get(arn, [])


def _changed_at(listed):
    """Return what ListExecutions sorts by: the start or redrive of a running one, or the end."""
    running = listed["status"] == "RUNNING"
    return listed.get("redriveDate" if running else "stopDate") or listed["startDate"]


@dataclass
class FakeRunsTable:
    """Only a newer record is written. Claims and notes of notifications are a mock's business."""

    records: dict[str, RunRecord] = field(default_factory=dict)

    def write(self, record):
        stored = self.records.get(record.name)
        if stored and not stored.is_older_than(record):
            return stored
        self.records[record.name] = record
        return None

    def find_unfinished(self, what):
        return [record for record in self.records.values() if record.unfinished == what]

    def find_progress(self, names):
        return {name: self.records[name].progress for name in names if name in self.records}


@dataclass
class FakeLandingsTable:
    """Landings wait until the run that has claimed them is done; none is overwritten."""

    clock: Clock = field(default_factory=Clock)
    waiting: dict[str, Landing] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)

    def record(self, landing):
        self.waiting[landing_id(landing)] = landing
        return Recorded.WAITS

    def pending(self):
        for item, landing in sorted(self.waiting.items()):
            since = datetime.fromisoformat(landing.event_time)
            yield PendingLanding(item, landing.bucket, since, self.claims.get(item))

    def claim(self, item, run, trigger):
        if item in self.claims and self.claims[item].run != run:
            return None
        if item in self.waiting:
            self.claims[item] = Claim(run, self.clock(), trigger)
        return self.waiting.get(item)

    def mark_processed(self, run, landing):
        item = landing_id(landing)
        if item in self.claims and self.claims[item].run == run:
            del self.waiting[item], self.claims[item]

    def release(self, run, item):
        if item in self.claims and self.claims[item].run == run:
            del self.claims[item]

    def left(self):
        runs = {item: claim.run for item, claim in self.claims.items()}
        return {landing.key: runs.get(item) for item, landing in self.waiting.items()}
