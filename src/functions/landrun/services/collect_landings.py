"""Collect pending landings into runs: each landing in exactly one manifest.

An attempt claims landings, commits a manifest, starts the run and marks the landings processed.
The manifest, written once, is the commit: before it exists nothing is decided, afterwards its list
of landings decides everything, for each repeated or overlapping attempt alike. The protocol is in
docs/decisions/0004-collecting-landings.md.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from typing import TypeVar

from landrun.adapters.clients import CONNECTIONS
from landrun.adapters.landings_table import LandingsTable, PendingLanding, landing_id
from landrun.adapters.manifests import Collected, Manifests
from landrun.models.landing import Landing
from landrun.models.run import ScheduleTrigger, Trigger, tick_run_name
from landrun.models.tick import Tick
from landrun.services.start_run import RunStarter, StartedRun

_CHUNK = 500
"""Landings that are claimed before the next ones are read from the index."""

Given = TypeVar("Given")
Answer = TypeVar("Answer")


def at_once(act: Callable[[Given], Answer], given: Iterable[Given]) -> list[Answer]:
    """Map with as many calls at the same time as a client has connections, in order.

    The first error is raised.
    """
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(act, given))


@dataclass(frozen=True)
class LandingCollector:
    """Makes runs of pending landings.

    Every method raises `ServiceError` when AWS refuses a call; a retry, or reconcile, finishes it.
    One run has ``max_objects`` at most, and a name that begins with ``run_name_prefix``.
    """

    landings_table: LandingsTable
    manifests: Manifests
    run_starter: RunStarter
    run_name_prefix: str
    max_objects: int

    def collect(self, tick: Tick) -> Iterator[StartedRun]:
        """Start a tick's runs over all pending landings; a retry continues where one stopped."""
        arn, time = tick.schedule_arn, tick.scheduled_time
        for part in count():
            name = tick_run_name(self.run_name_prefix, arn, time, part)
            trigger = ScheduleTrigger(ScheduleArn=arn, ScheduledTime=time, Part=part or None)
            started = self._start(name, trigger, self.landings_table.pending(), set())
            if started is None:
                return
            run, last = started
            yield run
            if last:
                return

    def collect_rest(
        self, name: str, trigger: Trigger, claimed: Sequence[PendingLanding] = ()
    ) -> StartedRun | None:
        """Start one run over pending landings outside of a tick; None when nothing is pending.

        A run whose attempts have died is finished with what it has claimed, as the index shows it,
        and nothing else. Without a manifest its claims are never undone: a slow attempt might still
        write it.
        """
        pending = claimed or self.landings_table.pending()
        started = self._start(name, trigger, pending, {landing.id for landing in claimed})
        return started[0] if started else None

    def _start(
        self, name: str, trigger: Trigger, pending: Iterable[PendingLanding], claimed: set[str]
    ) -> tuple[StartedRun, bool] | None:
        """Start the run of the manifest that exists, or commit one; None when nothing is pending.

        The second value is True when the run read the last pending landings.
        """
        manifest = self.manifests.find(name)
        if manifest is None:
            landings, more = self._claim_up_to_limit(name, trigger, pending)
            if not landings:
                return None
            claimed = claimed.union(map(landing_id, landings))
            collected = Collected(tuple(landings), last=not more)
            manifest = self.manifests.write_collected(name, collected, trigger)
        run = self.run_starter.start_from(manifest, name, trigger)
        collected = self.manifests.collected(manifest)
        table = self.landings_table
        at_once(lambda landing: table.mark_processed(name, landing), collected.landings)
        not_in_manifest = claimed.difference(map(landing_id, collected.landings))
        at_once(lambda item: table.release(name, item), not_in_manifest)
        return run, collected.last

    def _claim_up_to_limit(
        self, name: str, trigger: Trigger, pending: Iterable[PendingLanding]
    ) -> tuple[list[Landing], bool]:
        """Claim up to ``max_objects`` of one bucket, including what the run claimed before.

        The second value is True when more is pending.
        """
        free = (one for one in pending if one.claim is None or one.claim.run == name)
        landings: list[Landing] = []
        bucket, more = "", False
        while room := self.max_objects - len(landings):
            found = list(islice(free, min(room, _CHUNK)))
            if not found:
                return landings, more
            bucket = bucket or found[0].bucket
            ids = [one.id for one in found if one.bucket == bucket]
            more = more or len(ids) < len(found)
            claimed = at_once(lambda item: self.landings_table.claim(item, name, trigger), ids)
            landings += filter(None, claimed)
        return landings, more or next(free, None) is not None
