"""Make good what events lost: the ledger follows the executions, every manifest has its run.

Each step is bounded, and may be repeated or run beside itself: it writes by the same conditional
writes as the events do. What is younger than the grace is left to its event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, cast

from landrun.adapters.checkpoints import Checkpoints
from landrun.adapters.landings_table import LandingsTable, PendingLanding
from landrun.adapters.manifests import Manifests
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.step_functions import Executions
from landrun.errors import ReconcileFailed, ServiceError
from landrun.models.run import ManualTrigger, manual_run_name
from landrun.models.run_record import EXECUTION_RUNNING, NOTIFICATION_PENDING, RunRecord
from landrun.models.status_change import RANKS, described_change, timestamp
from landrun.observability import Telemetry
from landrun.sanitize import one_line
from landrun.services.collect_landings import LandingCollector
from landrun.services.limit_concurrency import LEASE, ConcurrencyLimiter
from landrun.services.record_outcome import OutcomeRecorder
from landrun.services.start_run import RunStarter

GRACE = timedelta(minutes=10)
"""Events of the last minutes may still be on their way."""

CLAIM_GRACE = timedelta(minutes=20)
"""A tick's function may live for 15 minutes, Lambda's longest."""

PAGES = 20
"""Pages of 1,000 executions per sweep: a fifth of ListExecutions' smallest bucket (100 calls)."""

LONGEST_RUN = timedelta(days=110)
"""The time limit of the state machine, at least."""

LOOK_UPS = 500
"""Runs that are described one by one, at most, in a step."""

MANIFESTS = 5000
"""Manifests that one sweep looks at; the next goes on after them, and begins again at the end."""

TURNS = 5000
"""Turns that one sweep gives at most, as after the bound was raised: some minutes."""

REMEMBERED = timedelta(days=90)
"""Step Functions forgets an execution, and frees its name, after 90 days."""

LONG_AGO = "2000-01-01T00:00:00+00:00"

KINDS = {
    "Statuses": "status",
    "Claims": "claim",
    "Manifests": "manifest",
    "Executions": "execution",
    "Notifications": "notification",
    "SlotsNotCounted": "slots-not-counted",
    "ExecutionsNotResumed": "executions-not-resumed",
    "SlotsNotReleased": "slots-not-released",
}
"""The dimension of the metric ``MissedEventsRecovered`` for each step."""

Piece = tuple[str, Callable[[], object]]
"""A run's name, and what mends it: true when there was something to mend."""

Step = Callable[[list[str]], Iterator[Piece]]
"""Gives its pieces; is handed the list of what has failed of them so far."""


@dataclass(frozen=True)
class Reconciler:
    """Finds what was lost and mends it."""

    executions: Executions
    ledger: RunsTable
    manifests: Manifests
    waiting: LandingsTable
    cursors: Checkpoints
    collector: LandingCollector
    recorder: OutcomeRecorder
    runs: RunStarter
    admission: ConcurrencyLimiter
    telemetry: Telemetry
    collects: bool
    clock: Callable[[], datetime]

    def reconcile(self, grace: timedelta | None = None) -> dict[str, int]:
        """Mend all kinds of losses; a step that fails does not keep the others from theirs.

        Parameters
        ----------
        grace : timedelta, optional
            What is younger is left alone; `GRACE`, and `CLAIM_GRACE` for claims, when left out.

        Returns
        -------
        dict
            Losses mended by kind: Statuses, Executions, Claims, Manifests, Notifications,
            SlotsNotCounted, ExecutionsNotResumed, SlotsNotReleased.

        Raises
        ------
        NotReconciled
            When a step failed, after the others were done.
        """
        now = self.clock()
        before = now - (GRACE if grace is None else grace)
        lease_before = now - (LEASE if grace is None else grace)
        claimed_before = now - (CLAIM_GRACE if grace is None else grace)
        steps: dict[str, Step] = {
            "Statuses": lambda _: self._statuses(before),
            "Claims": lambda _: self._claims(claimed_before),
            "Manifests": lambda _: self._manifests(before, now - REMEMBERED),
            "Executions": lambda failed: self._executions(before, failed),
            "Notifications": lambda _: self._notifications(),
            "ExecutionsNotResumed": lambda _: self.admission.not_told(lease_before),
            "SlotsNotReleased": lambda _: self._turns(lease_before),
            "SlotsNotCounted": lambda _: self.admission.uncounted(before),
        }
        failed: list[str] = []
        mended = {kind: self._do(kind, step, failed) for kind, step in steps.items()}
        if failed:
            raise ReconcileFailed("; ".join(failed[:10]))
        return mended

    def _do(self, kind: str, step: Step, all_failed: list[str]) -> int:
        """Take a step's pieces one by one; count those that mended something."""
        mended, failed = 0, list[str]()
        with self._noted(kind, failed):
            for run, mend in step(failed):
                with self._noted(f"{kind} {run}", failed):
                    if mend():
                        mended += 1
                        self.telemetry.mended(KINDS[kind], run=run)
        all_failed += failed
        return mended

    @contextmanager
    def _noted(self, what: str, failed: list[str]) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever one has, the others are not to go without
            failed.append(one_line(f"{what}: {type(error).__name__}: {error}", 400))
            self.telemetry.logger.exception("not reconciled", extra={"what": what})

    def _statuses(self, before: datetime) -> Iterator[Piece]:
        """Record the end of executions whose rows still say that they run."""
        at_work = self._at_work()
        running = self.ledger.find_unfinished(EXECUTION_RUNNING)
        unlisted = (record for record in running if record.name not in at_work)
        for record in islice(filter(self._can_be_known, unlisted), LOOK_UPS):
            yield record.name, partial(self._recorded, record.execution_arn, before)

    def _can_be_known(self, record: RunRecord) -> bool:
        """Leave runs whose outcome nobody can tell any more, for they would keep others waiting.

        Those of a machine that the stack had before, which its role may not look at, and those
        that Step Functions must have forgotten.
        """
        forgotten = timestamp((self.clock() - REMEMBERED - LONGEST_RUN).timestamp() * 1000)
        ours = record.state_machine_arn == self.executions.state_machine_arn
        known = ours and record.started_at > forgotten
        if not known:
            self.telemetry.logger.warning("outcome out of reach", extra={"run": record.name})
        return known

    def _at_work(self) -> set[str]:
        """List executions that run, to spare looking at each; those not listed are looked at."""
        pages = islice(self._pages(statusFilter="RUNNING"), PAGES)
        return {one["name"] for page, _ in pages for one in page}

    def _executions(self, before: datetime, failed: list[str]) -> Iterator[Piece]:
        """Record executions that the ledger does not know, or not as they are.

        The list, where what changed last comes first, is compared with the ledger back to where
        the sweep before began. A sweep that is not through goes on in the next reconcile, one with
        failures is done again.
        """
        place = self.cursors.read("executions")
        listed = min(before, self.clock() - GRACE)  # what is younger may not be in the list yet
        begun, token = place.get("begun", listed.isoformat()), place.get("token", "")
        last = place.get("back_to", LONG_AGO)
        for page, next_token in islice(self._pages(token), PAGES):
            new = [one for one in page if _changed_at(one) > datetime.fromisoformat(last)]
            yield from self._behind(new, before)
            token = next_token if len(new) == len(page) else ""
            if not token:
                break
        again = bool(failed) or place.get("again", False)
        through = {"back_to": last if again else begun}
        on_the_way = {"begun": begun, "token": token, "back_to": last, "again": again}
        self.cursors.move("executions", on_the_way if token else through)

    def _pages(self, token: str = "", **only: str) -> Iterator[tuple[list[dict[str, Any]], str]]:
        while True:
            try:
                page, token = self.executions.page(token, **only)
            except ServiceError as error:
                if error.code != "InvalidToken":  # a day old: begin again
                    raise
                page, token = self.executions.page(**only)
            yield page, token
            if not token:
                return

    def _behind(self, listed: list[dict[str, Any]], before: datetime) -> Iterator[Piece]:
        """Find the executions whose rows are missing, or not as far as they are."""
        known = self.ledger.find_progress([one["name"] for one in listed])
        for one in listed:
            far = (one.get("redriveCount", 0), RANKS[one["status"]])
            if _changed_at(one) <= before and known.get(one["name"], (-1, 0)) < far:
                yield one["name"], partial(self._recorded, one["executionArn"], before)

    def _recorded(self, arn: str, before: datetime) -> bool:
        """Record an execution as it is now; False when there is nothing new, or it is too young."""
        described = self.executions.find(arn)
        if described is None or _changed_at(described) > before:
            return False
        change = described_change(described)
        try:
            self.admission.follow(change)
        finally:  # neither is to wait for the other
            recorded = self.recorder.record(change)
        return recorded

    def _claims(self, before: datetime) -> Iterator[Piece]:
        """Finish runs whose claims are old, and gather what waits for ticks that come no more."""
        stale: dict[str, list[PendingLanding]] = {}
        waits, found, oldest = False, 0, self.clock()
        for candidate in self.waiting.candidates():
            waits |= candidate.claim is None
            found, oldest = found + 1, min(oldest, candidate.since)
            if candidate.claim and candidate.claim.at <= before:
                stale.setdefault(candidate.claim.run, []).append(candidate)
        self.telemetry.waiting(found, (self.clock() - oldest).total_seconds())
        for name, claimed in stale.items():
            yield name, partial(self._finished, name, claimed)
        if waits and not self.collects:
            name = manual_run_name(self.collector.run_name_prefix)
            yield name, partial(self.collector.gather, name, ManualTrigger(StartedBy="reconcile"))

    def _finished(self, name: str, claimed: list[PendingLanding]) -> bool:
        [trigger] = {candidate.claim.trigger for candidate in claimed if candidate.claim}
        return self.collector.finish(name, trigger, claimed) is not None

    def _manifests(self, before: datetime, after: datetime) -> Iterator[Piece]:
        """Start the runs of manifests that have none."""
        place = self.cursors.read("manifests")
        listed = list(islice(self.manifests.listed_after(place.get("after", "")), MANIFESTS))
        names = [
            name
            for found in listed
            if found.modified and after < found.modified <= before
            if (name := self.manifests.run_of(found.key))
        ]
        known = self.ledger.find_progress(names)
        for name in names:
            if name not in known:
                yield name, partial(self._started, name)
        more = len(listed) == MANIFESTS
        self.cursors.move("manifests", {"after": listed[-1].key} if more else {})

    def _started(self, name: str) -> bool:
        """Start the run of a manifest that has no execution; False when that is not possible."""
        if self.executions.find(self.executions.arn(name)) is not None:
            return False
        manifest = self.manifests.find(name)
        if manifest is None or manifest.trigger is None:
            self.telemetry.count("ManifestsWithoutTrigger")
            self.telemetry.logger.warning("manifest without run and trigger", extra={"run": name})
            return False
        self.runs.start_over(manifest, name, manifest.trigger)
        return True

    def _turns(self, before: datetime) -> Iterator[Piece]:
        """Take the places that ended runs keep, then give what is free to those who wait."""
        yield from self.admission.kept(before)
        self.admission.give(TURNS)
        self.admission.measure()

    def _notifications(self) -> Iterator[Piece]:
        """Tell failures that were recorded and not told."""
        for record in self.ledger.find_unfinished(NOTIFICATION_PENDING):
            yield record.name, partial(self.recorder.notify_if_overdue, record)


def _changed_at(execution: dict[str, Any]) -> datetime:
    """Say when an execution came to the status that it has: ListExecutions' order."""
    running = execution["status"] in ("RUNNING", "PENDING_REDRIVE")
    changed = execution.get("redriveDate" if running else "stopDate") or execution["startDate"]
    return cast(datetime, changed)
