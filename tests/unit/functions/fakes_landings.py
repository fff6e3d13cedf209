"""Fakes of where landings wait, and of what reconcile works with beside them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from landrun.adapters.landings_table import Claim, PendingLanding, Recorded, landing_id, ordered
from landrun.models.landing import Landing
from landrun.models.run import InputFormat, Trigger
from landrun.models.s3_uri import S3Uri
from landrun.services.collect_landings import LandingCollector
from landrun.services.start_run import RunStarter

from .conftest import Clock, FakeExecutions, FakeManifests, Fate


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
    def sequencer(self) -> str:
        return ordered(self.landing.sequencer)

    @property
    def claimed_by(self) -> str | None:
        return self.claim.run if self.claim else None


@dataclass
class FakeLandingsTable:
    """The table's conditions; after `freeze_index` the index shows nothing newer."""

    clock: Clock = field(default_factory=Clock)
    items: dict[str, StoredLanding] = field(default_factory=dict)
    index: dict[str, StoredLanding] | None = None

    def freeze_index(self) -> None:
        self.index = copy.deepcopy(self.items)

    def record(self, landing: Landing) -> Recorded:
        item = landing_id(landing)
        stored = self.items.get(item)
        if stored is None:
            self.items[item] = StoredLanding(landing, self.clock())
            return Recorded.WAITS
        same = landing.version_id and landing.version_id == stored.landing.version_id
        if same or ordered(landing.sequencer) == stored.sequencer:
            return Recorded.DUPLICATE
        if ordered(landing.sequencer) < stored.sequencer:
            return Recorded.OLDER
        self.items[item] = replace(stored, landing=landing, recorded_at=self.clock(), waiting=True)
        return Recorded.REPLACES if stored.waiting else Recorded.WAITS

    def pending(self) -> Iterator[PendingLanding]:
        shown = self.items if self.index is None else self.index
        for item in sorted(name for name, found in shown.items() if found.waiting):
            found = shown[item]
            yield PendingLanding(item, found.landing.bucket, found.recorded_at, found.claim)

    def claim(self, item: str, run: str, trigger: Trigger) -> Landing | None:
        stored = self.items.get(item)
        if not stored or not stored.waiting or (stored.claim and stored.claim.run != run):
            return None
        stored.claim = Claim(run, self.clock(), trigger)
        return stored.landing

    def mark_processed(self, run: str, landing: Landing) -> None:
        stored = self._claimed(run, landing_id(landing))
        sequencer = ordered(landing.sequencer)
        if stored is None:
            return
        if stored.done_sequencer < sequencer <= stored.sequencer:
            stored.done_sequencer, stored.done_run = sequencer, run
            stored.waiting = sequencer < stored.sequencer
        stored.claim = None

    def release(self, run: str, item: str) -> None:
        stored = self._claimed(run, item)
        if stored:
            stored.claim = None

    def _claimed(self, run: str, item: str) -> StoredLanding | None:
        stored = self.items.get(item)
        return stored if stored and stored.claim and stored.claim.run == run else None

    def waiting_keys(self) -> set[str]:
        return {stored.landing.key for stored in self.items.values() if stored.waiting}

    def claims(self) -> dict[str, str]:
        """The run that has claimed a key, by key."""
        stored = self.items.values()
        return {each.landing.key: each.claim.run for each in stored if each.claim}


@dataclass
class FakeCheckpoints:
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(self, name: str) -> dict[str, Any]:
        return dict(self.saved.get(name, {}))

    def save(self, name: str, checkpoint: dict[str, Any]) -> None:
        self.saved[name] = json.loads(json.dumps(checkpoint))


class LandingsWorld:
    """Pending landings, manifests and executions, and what makes runs of them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.table = FakeLandingsTable(self.clock)
        self.manifests = FakeManifests()
        self.executions = FakeExecutions()
        self.input_format: InputFormat = "manifest"

    def land(self, *keys: str, sequencer: str = "0A", bucket: str = "landings") -> list[Landing]:
        version = f"v-{sequencer}"
        landings = [Landing(bucket, key, version, sequencer, 9, "2026-11-22") for key in keys]
        for landing in landings:
            self.table.record(landing)
        return landings

    def claim(self, run: str, trigger: Trigger, *landings: Landing) -> None:
        """Claim landings as an attempt that gets no further."""
        for landing in landings:
            assert self.table.claim(landing_id(landing), run, trigger)

    def collector(self, most: int, fate: Fate | None = None) -> LandingCollector:
        over = (fate or Fate(at=0)).over
        table, manifests, executions = map(over, (self.table, self.manifests, self.executions))
        output = S3Uri("outputs", "processed/")
        starter = RunStarter(manifests, executions, output, self.input_format, self.clock)
        return LandingCollector(table, manifests, starter, "landrun", most)
