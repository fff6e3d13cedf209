"""Recover what missed events left undone: every execution recorded, every manifest started.

Each step is bounded, and may be repeated or overlap with another reconcile: it writes by the same
conditional writes as the events do. Work younger than the grace period is left to its event.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, cast

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from landrun.adapters.landings_table import LandingsTable, PendingLanding
from landrun.adapters.manifests import Manifests
from landrun.adapters.runs_table import RunsTable
from landrun.adapters.step_functions import Executions
from landrun.errors import InvalidManifest, ReconcileFailed, ServiceError
from landrun.models.run import ManualTrigger, Trigger, manual_run_name
from landrun.models.run_record import EXECUTION_RUNNING, NOTIFICATION_PENDING, UNFINISHED, RunRecord
from landrun.models.status_change import RANKS, described_change, timestamp
from landrun.observability import count, count_by
from landrun.sanitize import one_line
from landrun.services.collect_landings import LandingCollector
from landrun.services.limit_concurrency import ConcurrencyLimiter
from landrun.services.record_outcome import OutcomeRecorder
from landrun.services.start_run import RunStarter

GRACE = timedelta(minutes=10)
"""Events of the last minutes may still be on their way."""

CLAIM_GRACE = timedelta(minutes=20)
"""A tick's function may run for 15 minutes, Lambda's longest."""

PAGES = 20
"""Pages of 1,000 executions per reconcile: a fifth of ListExecutions' smallest bucket (100)."""

LONGEST_RUN = timedelta(days=110)
"""At least the time limit of the state machine."""

LOOK_UPS = 500
"""Runs that one step describes, or starts from pending landings, at most."""

MANIFESTS = 5000
"""Manifests that one reconcile looks at; the next continues, and starts over at the end."""

SLOT_GRACE = timedelta(minutes=15)
"""The message of an end is retried for ten minutes while the execution's job stops."""

SLOTS = 5000
"""Slots that waiting executions acquire in one reconcile at most, which takes some minutes."""

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

Recovery = tuple[str, Callable[[], object]]
"""A run's name, and a function that recovers the run; it returns False if nothing was missed."""


@dataclass(frozen=True)
class Reconciler:
    """Finds and recovers what missed events left undone."""

    executions: Executions
    runs_table: RunsTable
    manifests: Manifests
    landings_table: LandingsTable
    collector: LandingCollector
    recorder: OutcomeRecorder
    run_starter: RunStarter
    limiter: ConcurrencyLimiter
    collects: bool
    logger: Logger
    clock: Callable[[], datetime]

    def reconcile(self, grace: timedelta | None = None) -> dict[str, int]:
        """Run all steps; one that fails does not stop the others.

        Work younger than the grace is skipped; by default `GRACE`, with `CLAIM_GRACE` for
        claims and `SLOT_GRACE` for slots. Returns how much was recovered, by kind (the keys of
        `KINDS`). Raises ReconcileFailed when a step failed, after the others were done.
        """
        now = self.clock()
        before = now - (GRACE if grace is None else grace)
        slots_before = now - (SLOT_GRACE if grace is None else grace)
        claimed_before = now - (CLAIM_GRACE if grace is None else grace)
        failed: list[str] = []
        missed = {
            "Statuses": self._statuses(before),
            "Claims": self._claims(claimed_before),
            "Manifests": self._manifests(before, now),
            "Executions": self._executions(before, failed),
            "Notifications": self._notifications(),
            "ExecutionsNotResumed": self.limiter.missed_resumes(slots_before),
            "SlotsNotReleased": self.limiter.missed_releases(slots_before),
        }
        recovered = {kind: self._recover(kind, found, failed) for kind, found in missed.items()}
        with self._failure_noted("free slots", failed):
            self.limiter.acquire_free_slots(SLOTS)
            self.limiter.measure()
        counts = islice(self.limiter.missed_counts(self._running(), before), LOOK_UPS)
        recovered["SlotsNotCounted"] = self._recover("SlotsNotCounted", counts, failed)
        if failed:
            raise ReconcileFailed("; ".join(failed[:10]))
        return recovered

    def _recover(self, kind: str, recoveries: Iterator[Recovery], failed: list[str]) -> int:
        """Carry recoveries out one by one; count those that found something missed."""
        recovered = 0
        with self._failure_noted(kind, failed):
            for run, recover in recoveries:
                with self._failure_noted(f"{kind} {run}", failed):
                    if recover():
                        recovered += 1
                        count("MissedEventsRecovered")  # of all kinds, for the alarm
                        count_by("MissedEventsRecovered", "Kind", KINDS[kind])
                        self.logger.warning("missed event recovered", kind=KINDS[kind], run=run)
        return recovered

    @contextmanager
    def _failure_noted(self, what: str, failed: list[str]) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # one run's error must not keep the others from recovery
            failed.append(one_line(f"{what}: {type(error).__name__}: {error}", 400))
            self.logger.exception("not reconciled", what=what)

    # ---- Statuses: rows that say RUNNING although the execution has ended --------------------

    def _statuses(self, before: datetime) -> Iterator[Recovery]:
        running = {one["name"] for one in self._running()}
        records = self.runs_table.find_unfinished(EXECUTION_RUNNING)
        ended = (record for record in records if record.name not in running)
        for record in islice(filter(self._can_be_known, ended), LOOK_UPS):
            yield record.name, partial(self._record, record.execution_arn, before)

    def _running(self) -> Iterator[dict[str, Any]]:
        """List the running executions, as far as one reconcile reads them."""
        pages = islice(self._pages(statusFilter="RUNNING"), PAGES)
        return (one for page, _ in pages for one in page)

    def _can_be_known(self, record: RunRecord) -> bool:
        """Return False for runs whose outcome nobody can learn, which would delay the others.

        They are runs of a former state machine, which the function's role may not describe, and
        those that Step Functions must have forgotten.
        """
        forgotten = timestamp((self.clock() - REMEMBERED - LONGEST_RUN).timestamp() * 1000)
        ours = record.state_machine_arn == self.executions.state_machine_arn
        known = ours and record.started_at > forgotten
        if not known:
            self.logger.warning("outcome cannot be known", run=record.name)
        return known

    def _record(self, arn: str, before: datetime) -> bool:
        """Record an execution as it is now; False when nothing is new or it is too young."""
        described = self.executions.find(arn)
        if described is None or _changed_at(described) > before:
            return False
        change = described_change(described)
        try:
            recorded = self.recorder.record(change)
        finally:  # a failure of one must not stop the other
            self.limiter.execution_changed(change)
        return recorded

    # ---- Executions: those that the runs table does not know, or not as they are -------------

    def _executions(self, before: datetime, failed: list[str]) -> Iterator[Recovery]:
        """Compare the list of executions with the runs table, back to the last checkpoint.

        The list begins with what changed last. A reconcile that does not get through it leaves a
        checkpoint to continue from; one with failures lets the next compare the same again.
        """
        failed_before = len(failed)
        checkpoint = self.landings_table.checkpoint("executions")
        # younger executions may not be in the list yet
        begun = checkpoint.get("begun", min(before, self.clock() - GRACE).isoformat())
        token, last = checkpoint.get("token", ""), checkpoint.get("back_to", LONG_AGO)
        for page, next_token in islice(self._pages(token), PAGES):
            new = [one for one in page if _changed_at(one) > datetime.fromisoformat(last)]
            yield from self._not_recorded(new, before)
            token = next_token if len(new) == len(page) else ""
            if not token:
                break
        again = len(failed) > failed_before or checkpoint.get("again", False)
        checkpoint = {"back_to": last if again else begun}
        if token:
            checkpoint = {"begun": begun, "token": token, "back_to": last, "again": again}
        self.landings_table.save_checkpoint("executions", checkpoint)

    def _pages(self, token: str = "", **only: str) -> Iterator[tuple[list[dict[str, Any]], str]]:
        while True:
            try:
                page, token = self.executions.page(token, **only)
            except ServiceError as error:
                if error.code != "InvalidToken":  # it is a day old: start over
                    raise
                page, token = self.executions.page(**only)
            yield page, token
            if not token:
                return

    def _not_recorded(self, listed: list[dict[str, Any]], before: datetime) -> Iterator[Recovery]:
        known = self.runs_table.find_progress([one["name"] for one in listed])
        for one in listed:
            progress = (one.get("redriveCount", 0), RANKS[one["status"]])
            if _changed_at(one) <= before and known.get(one["name"], (-1, 0)) < progress:
                yield one["name"], partial(self._record, one["executionArn"], before)

    # ---- Claims: ticks that died, and landings that no tick will read ------------------------

    def _claims(self, before: datetime) -> Iterator[Recovery]:
        stale: dict[tuple[str, Trigger], list[PendingLanding]] = {}
        now = oldest = self.clock()
        free, pending = 0, 0
        for landing in self.landings_table.pending():
            free += landing.claim is None
            pending, oldest = pending + 1, min(oldest, landing.since)
            claim = landing.claim
            if claim and claim.at <= before:
                stale.setdefault((claim.run, claim.trigger), []).append(landing)
        count("LandingsWaiting", pending)
        age = (now - oldest).total_seconds()
        Metrics().add_metric(name="OldestLandingAge", unit=MetricUnit.Seconds, value=age)
        for (name, trigger), claimed in stale.items():
            yield name, partial(self.collector.collect_rest, name, trigger, claimed)
        if not self.collects:  # StartOn was changed to arrival while landings waited
            runs = -(-free // self.collector.max_objects)
            for _ in range(min(runs, LOOK_UPS)):
                name = manual_run_name(self.collector.run_name_prefix)
                by_hand = ManualTrigger(StartedBy="reconcile")
                yield name, partial(self.collector.collect_rest, name, by_hand)

    # ---- Manifests: those whose run was never started ----------------------------------------

    def _manifests(self, before: datetime, now: datetime) -> Iterator[Recovery]:
        after = self.landings_table.checkpoint("manifests").get("after", "")
        listed = list(islice(self.manifests.listed_after(after), MANIFESTS))
        names = [
            name
            for found in listed
            if found.modified and now - REMEMBERED < found.modified <= before
            if (name := self.manifests.run_of(found.key))
        ]
        known = self.runs_table.find_progress(names)
        for name in names:
            if name not in known:
                yield name, partial(self._start, name)
        more = len(listed) == MANIFESTS
        self.landings_table.save_checkpoint("manifests", {"after": listed[-1].key} if more else {})

    def _start(self, name: str) -> bool:
        """Start the run of a manifest; False if its execution exists or its trigger is unknown."""
        if self.executions.find(self.executions.arn(name)) is not None:
            return False
        try:
            manifest = self.manifests.find(name)
        except InvalidManifest:
            manifest = None
        if manifest is None or manifest.trigger is None:
            count("ManifestsWithoutTrigger")
            self.logger.warning("manifest without run and trigger", run=name)
            return False
        self.run_starter.start_from(manifest, name, manifest.trigger)
        return True

    # ---- Notifications -----------------------------------------------------------------------

    def _notifications(self) -> Iterator[Recovery]:
        """Find failures that were recorded and not notified."""
        for record in self.runs_table.find_unfinished(NOTIFICATION_PENDING):
            yield record.name, partial(self.recorder.notify_if_overdue, record)


def _changed_at(execution: dict[str, Any]) -> datetime:
    """Return when an execution reached its status: the order of ListExecutions."""
    running = execution["status"] in UNFINISHED
    changed = execution.get("redriveDate" if running else "stopDate") or execution["startDate"]
    return cast(datetime, changed)
