"""Collect what waits into runs: each landing in one manifest, whatever dies, repeats or overlaps.

Claim, commit, start, settle. The manifest, written once, is the commit: before it stands nothing
is decided, afterwards its list of landings decides all, for every attempt alike. See
docs/decisions/0004-collecting-landings.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, count, islice
from typing import Any, TypeVar

from landrun.adapters.clients import CALLS_AT_ONCE
from landrun.adapters.landings_table import LandingsTable, PendingLanding, landing_id
from landrun.adapters.manifests import Collected, Manifest, Manifests
from landrun.models.landing import Landing
from landrun.models.run import ScheduleTrigger, Trigger, tick_run_name
from landrun.models.tick import Tick
from landrun.services.start_run import RunStarter, StartedRun

_CHUNK = 500

Given = TypeVar("Given")
Answer = TypeVar("Answer")
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def at_once(act: Callable[[Given], Answer], given: Iterable[Given]) -> list[Answer]:
    """Map with as many calls at the same time as a client has connections, in order.

    The first error is raised.
    """
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        return list(pool.map(act, given))


@dataclass
class _Taken:
    """What an attempt has claimed: ids and landings, and whether more was there."""

    landings: list[Landing] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    more: bool = False


@dataclass(frozen=True)
class LandingCollector:
    """Makes runs of landings that wait.

    Parameters
    ----------
    waiting, manifests, runs
        Where landings wait, the door to manifests, and what starts runs.
    run_name_prefix : str
        See `landrun.models.run.check_prefix`.
    max_objects : int
        The most objects of one run.
    mapper : callable
        Maps calls over landings; several at a time by default.
    """

    waiting: LandingsTable
    manifests: Manifests
    runs: RunStarter
    run_name_prefix: str
    max_objects: int
    mapper: Mapper = at_once

    def tick(self, tick: Tick) -> Iterator[StartedRun]:
        """Start runs over all that waits; every attempt of a tick goes on where one has stopped.

        Raises
        ------
        ServiceError
            When AWS refuses a call; the tick may be tried again, or is finished by reconcile.
        """
        arn, time = tick.schedule_arn, tick.scheduled_time
        for part in count():
            name = tick_run_name(self.run_name_prefix, arn, time, part)
            trigger = ScheduleTrigger(ScheduleArn=arn, ScheduledTime=time, Part=part or None)
            going = self._go_on(name, trigger, self.waiting.candidates())
            if going is None:
                return
            run, collected = going
            yield run
            if collected.last:
                return

    def gather(self, name: str, trigger: Trigger) -> StartedRun | None:
        """Start one run over what waits, outside of any tick; None when nothing does.

        Raises
        ------
        ServiceError
            When AWS refuses a call.
        """
        going = self._go_on(name, trigger, self.waiting.candidates())
        return going[0] if going else None

    def finish(
        self, name: str, trigger: Trigger, claimed: list[PendingLanding]
    ) -> StartedRun | None:
        """Finish a run whose attempts have died: with what it has claimed, and nothing else.

        It is never undone without a manifest: an attempt that is only slow might still write it.

        Parameters
        ----------
        name, trigger
            The run's, as its claims say.
        claimed : list of Candidate
            What it has claimed, as far as the index shows.

        Raises
        ------
        ServiceError
            When AWS refuses a call.
        """
        going = self._go_on(name, trigger, claimed, {candidate.id for candidate in claimed})
        return going[0] if going else None

    def _go_on(
        self,
        name: str,
        trigger: Trigger,
        candidates: Iterable[PendingLanding],
        claimed: Set[str] = frozenset(),
    ) -> tuple[StartedRun, Collected] | None:
        """Carry out the manifest that stands, or commit one; None when there is nothing to."""
        taken = _Taken(ids=set(claimed))
        manifest = self.manifests.find(name)
        if manifest is None:
            self._take(name, trigger, candidates, taken)
            manifest = self._commit(name, trigger, taken)
        return self._carry_out(name, trigger, manifest, taken) if manifest else None

    def _take(
        self, name: str, trigger: Trigger, candidates: Iterable[PendingLanding], taken: _Taken
    ) -> None:
        """Claim up to ``max_objects`` of one bucket, those that the run has claimed before too."""
        free: Iterator[PendingLanding] = (
            c for c in candidates if c.claim is None or c.claim.run == name
        )
        first = next(free, None)
        if first is None:
            return
        free = chain([first], free)
        while room := self.max_objects - len(taken.landings):
            found = list(islice(free, min(room, _CHUNK)))
            if not found:
                return
            ours = [candidate.id for candidate in found if candidate.bucket == first.bucket]
            taken.more |= len(ours) < len(found)
            self._claim(name, trigger, ours, taken)
        taken.more |= next(free, None) is not None

    def _claim(self, name: str, trigger: Trigger, ids: list[str], taken: _Taken) -> None:
        landings = self.mapper(lambda item: self.waiting.claim(item, name, trigger), ids)
        for item, landing in zip(ids, landings, strict=True):
            if landing is not None:
                taken.ids.add(item)
                taken.landings.append(landing)

    def _commit(self, name: str, trigger: Trigger, taken: _Taken) -> Manifest | None:
        if not taken.landings:
            return None
        collected = Collected(tuple(taken.landings), last=not taken.more)
        return self.manifests.write_collected(name, collected, trigger)

    def _carry_out(
        self, name: str, trigger: Trigger, manifest: Manifest, taken: _Taken
    ) -> tuple[StartedRun, Collected]:
        """Start the run, then let go of its claims: settled when it has them, else released."""
        run = self.runs.start_over(manifest, name, trigger)
        collected = self.manifests.collected(manifest)
        settled = self.mapper(lambda landing: self._settle(name, landing), collected.landings)
        lost = taken.ids - set(settled)
        list(self.mapper(lambda item: self.waiting.release(name, item), lost))
        return run, collected

    def _settle(self, name: str, landing: Landing) -> str:
        self.waiting.settle(name, landing)
        return landing_id(landing)
