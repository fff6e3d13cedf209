"""Fakes of adapters that have rules of their own; each keeps what its adapter would store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from landrun.adapters.landings_table import Claim, PendingLanding, Recorded, landing_id, ordered
from landrun.adapters.manifests import Collected, Manifest
from landrun.adapters.s3_listing import ListedObject
from landrun.adapters.step_functions import Started
from landrun.errors import AlreadyStarted, ServiceError
from landrun.models.landing import Landing
from landrun.models.run import ExecutionInput, Trigger
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:landrun"
SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"


@dataclass
class Clock:
    """A clock that stands still until a test advances it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class FakeManifests:
    """Manifests are written once; ``objects`` is what a listing of the landing bucket returns."""

    stored: dict[str, Manifest] = field(default_factory=dict)
    lists: dict[str, Collected] = field(default_factory=dict)
    modified: dict[str, datetime] = field(default_factory=dict)
    objects: list[ListedObject] = field(default_factory=list)

    def uri(self, run: str) -> S3Uri:
        return S3Uri("outputs", f"manifests/{run}.json")

    def run_of(self, key: str) -> str:
        return key.removeprefix("manifests/").removesuffix(".json")

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
        if found := self.find(run):
            return found
        written = Manifest(self.uri(run), bucket, tuple(keys), True, trigger, landings, prefix)
        self.stored[run] = written
        return written

    def write_collected(self, run: str, collected: Collected, trigger: Trigger) -> Manifest:
        self.lists.setdefault(run, collected)
        keys = list(dict.fromkeys(landing.key for landing in collected.landings))
        return self.write_once(run, collected.landings[0].bucket, keys, trigger, landings=run)

    def collected(self, manifest: Manifest) -> Collected:
        return self.lists[manifest.landings] if manifest.landings else Collected((), last=True)

    def find(self, run: str) -> Manifest | None:
        found = self.stored.get(run)
        return found and replace(found, written=False)

    def list_objects(self, under: S3Uri) -> list[ListedObject]:
        return [found for found in self.objects if found.key.startswith(under.key)]

    def listed_after(self, key: str) -> Iterator[ListedObject]:
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

    def arn(self, name: str) -> str:
        return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"

    def start(self, run: ExecutionInput) -> Started:
        name, text = run.PreprocessingJobName, run.to_json()
        for failing in {name, getattr(run.Trigger, "Key", name)} & self.failing.keys():
            raise self.failing[failing]
        is_new = name not in self.started
        if name in self.closed or self.started.setdefault(name, text) != text:
            raise AlreadyStarted(name)
        return Started(self.arn(name), NOW if is_new else NOW - timedelta(minutes=1))

    def find(self, arn: str) -> dict[str, Any] | None:
        if arn in self.failing:
            raise self.failing[arn]
        name = arn.rpartition(":")[2]
        started = {"input": self.started[name]} if name in self.started else None
        return self.described.get(arn, started)

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
    """Return what ListExecutions sorts by: the start or redrive of a running one, or the end."""
    running = listed["status"] == "RUNNING"
    return listed.get("redriveDate" if running else "stopDate") or listed["startDate"]


@dataclass
class FakeRunsTable:
    """Only a newer record is written, and never over a pending notification."""

    records: dict[str, RunRecord] = field(default_factory=dict)
    answer_lost: bool = False

    def write(self, record: RunRecord) -> RunRecord | None:
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
class StoredLanding:
    """What the landings table keeps of one object."""

    landing: Landing
    recorded_at: datetime
    waiting: bool = True
    claim: Claim | None = None
    done_run: str | None = None
    done_sequencer: str = ""

    @property
    def claimed_by(self) -> str | None:
        return self.claim.run if self.claim else None


@dataclass
class FakeLandingsTable:
    """The newest landing of each object waits until the run that has claimed it is done."""

    clock: Clock = field(default_factory=Clock)
    items: dict[str, StoredLanding] = field(default_factory=dict)

    def record(self, landing: Landing) -> Recorded:
        item, sequencer = landing_id(landing), ordered(landing.sequencer)
        stored = self.items.get(item)
        if stored is None:
            self.items[item] = StoredLanding(landing, self.clock())
            return Recorded.WAITS
        before = ordered(stored.landing.sequencer)
        same = landing.version_id and landing.version_id == stored.landing.version_id
        if same or sequencer == before:
            return Recorded.DUPLICATE
        if sequencer < before:
            return Recorded.OLDER
        self.items[item] = replace(stored, landing=landing, recorded_at=self.clock(), waiting=True)
        return Recorded.REPLACES if stored.waiting else Recorded.WAITS

    def pending(self) -> Iterator[PendingLanding]:
        for item, found in sorted(self.items.items()):
            if found.waiting:
                yield PendingLanding(item, found.landing.bucket, found.recorded_at, found.claim)

    def claim(self, item: str, run: str, trigger: Trigger) -> Landing | None:
        stored = self.items.get(item)
        if not stored or not stored.waiting or stored.claimed_by not in (None, run):
            return None
        stored.claim = Claim(run, self.clock(), trigger)
        return stored.landing

    def mark_processed(self, run: str, landing: Landing) -> None:
        stored = self.items.get(landing_id(landing))
        if not stored or stored.claimed_by != run:
            return
        sequencer, newest = ordered(landing.sequencer), ordered(stored.landing.sequencer)
        if stored.done_sequencer < sequencer <= newest:
            stored.done_sequencer, stored.done_run = sequencer, run
            stored.waiting = sequencer < newest
        stored.claim = None

    def release(self, run: str, item: str) -> None:
        stored = self.items.get(item)
        if stored and stored.claimed_by == run:
            stored.claim = None

    def waiting_keys(self) -> set[str]:
        return {stored.landing.key for stored in self.items.values() if stored.waiting}

    def claims(self) -> dict[str, str]:
        """Return the run that has claimed a key, by key."""
        stored = self.items.values()
        return {one.landing.key: one.claim.run for one in stored if one.claim}
