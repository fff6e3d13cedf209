"""What is known of one object: in S3, in the tables and in the queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from landrun.errors import InvalidKey, ServiceError
from landrun.models.landing import check_key
from landrun.models.run import landing_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import described_change
from landrun.sanitize import one_line
from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue
from landrun_ops.stack.landings import TOLERANCE, LandingRecord, LandingsTable, event_time
from landrun_ops.stack.lineage import Lineage, Readers
from landrun_ops.stack.object_versions import ObjectVersion, ObjectVersions
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.run_filter import RunFilter
from landrun_ops.stack.runs_table import RunsReader
from landrun_ops.stack.waiting_executions import SlotUsage, max_concurrent_runs, slots_of

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

T = TypeVar("T")

Found = tuple[RunRecord | None, bool]
"""A run, and whether the runs table has it."""


@dataclass(frozen=True)
class Facts:
    """All that an object's status is decided from.

    Attributes
    ----------
    where, landing : S3Uri
        The object, and where data lands.
    start_on : str
        ``arrival`` or ``schedule``.
    asked : str
        The version id asked for; empty for the newest version.
    versions : sequence of ObjectVersion
        All that S3 has of the key, delete markers included, the newest first.
    version : ObjectVersion or None
        The one that it is about; None if S3 does not have it (any more).
    ignored : str or None
        Why such an object starts no run, by `LandingFilter.why_ignored`'s labels.
    unreadable : str
        Why no file can have the key; empty if one can.
    run : RunRecord or None
        The run of this very version.
    is_recorded : bool
        Whether the runs table has that run.
    landed : LandingRecord or None
        What the landings table has of the key.
    taken_by : RunRecord or None
        The run that has claimed, or read, the newest landing of the key.
    dead_letters : sequence of DeadLetter
        The dead-letter messages about it.
    readers : Readers
        The runs whose manifests name it.
    on_their_way : int
        About how many landings are in the queue.
    line : SlotUsage or None
        The runs that wait for a concurrency slot; None where runs are not limited.
    unseen : sequence of str
        What could not be looked at, and why.
    """

    where: S3Uri
    landing: S3Uri
    start_on: str
    now: datetime
    asked: str = ""
    versions: Sequence[ObjectVersion] = ()
    version: ObjectVersion | None = None
    ignored: str | None = None
    unreadable: str = ""
    run: RunRecord | None = None
    is_recorded: bool = True
    landed: LandingRecord | None = None
    taken_by: RunRecord | None = None
    dead_letters: Sequence[DeadLetter] = ()
    readers: Readers = field(default_factory=Readers)
    on_their_way: int = 0
    line: SlotUsage | None = None
    unseen: Sequence[str] = ()

    @property
    def version_id(self) -> str:
        """The version that it is about; empty if the bucket keeps none, or it is not known."""
        return (self.version.version_id if self.version else self.asked) or ""


def gather(stack: Stack, where: S3Uri, asked: str, now: datetime) -> Facts:
    """Look up all that is known of an object; ``unseen`` says what may not be looked at.

    Raises
    ------
    ServiceError
        When AWS cannot be reached, or S3 does not let the object be looked at.
    """
    versions = ObjectVersions(stack.client("s3")).of_key(where)
    version = chosen(versions, asked)
    look = _Look(stack, where, version, (version.version_id if version else asked) or None, now)
    unseen: list[str] = []
    with ThreadPoolExecutor() as pool:

        def ask(what: str, instead: T, answer: Callable[[], T]) -> Future[T]:
            return pool.submit(_tried, what, instead, answer, unseen)

        nobody: Found = (None, True)
        unknown: tuple[LandingRecord | None, RunRecord | None] = (None, None)
        none: list[DeadLetter] = []
        readers = ask("the runs' manifests", Readers(), look.readers)
        run = ask(
            "the run", nobody, look.run if where.bucket == stack.landing.bucket else lambda: nobody
        )
        landed = ask("the landings table", unknown, look.landed)
        dead_letters = ask("the dead-letter messages", none, look.dead_letters)
        on_their_way = ask("the landing queue", 0, look.on_their_way)
        line = ask("the runs that wait", None, look.line)
        size = version.size if version and not version.deletion else None
        return Facts(
            where=where,
            landing=stack.landing,
            start_on=stack.output("StartOn"),
            now=now,
            asked=asked,
            versions=versions,
            version=version,
            ignored=stack.landing_filter().why_ignored(where.bucket, where.key, size),
            unreadable=_why_unreadable(where.key),
            run=run.result()[0],
            is_recorded=run.result()[1],
            landed=landed.result()[0],
            taken_by=landed.result()[1],
            dead_letters=dead_letters.result(),
            readers=readers.result(),
            on_their_way=on_their_way.result(),
            line=line.result(),
            unseen=unseen,
        )


def _tried(what: str, instead: T, answer: Callable[[], T], unseen: list[str]) -> T:
    try:
        return answer()
    except ServiceError as error:
        unseen.append(f"{what}: {one_line(str(error), 200)}")
        return instead


@dataclass(frozen=True)
class _Look:
    stack: Stack
    where: S3Uri
    version: ObjectVersion | None
    version_id: str | None
    now: datetime

    def readers(self) -> Readers:
        stack, version = self.stack, self.version
        since = version.modified - TOLERANCE if version else self.now - timedelta(days=90)
        lineage = Lineage(stack.ledger(), stack.client("s3"), stack.manifests_folder)
        return lineage.readers(self.where, self.version_id, since, self.now)

    def run(self) -> Found:
        if self.version_id:
            prefix, where = self.stack.output("JobNamePrefix"), self.where
            name = landing_run_name(prefix, where.bucket, where.key, self.version_id)
            run, recorded = run_named(self.stack, name)
            if run:
                return run, recorded
        # Without a version id, or from before JobNamePrefix was changed.
        since = self.version.modified if self.version else None
        return first_run_of(self.stack.ledger(), self.where, since, self.version_id, self.now), True

    def landed(self) -> tuple[LandingRecord | None, RunRecord | None]:
        stack, where = self.stack, self.where
        table = LandingsTable(stack.client("dynamodb"), stack.output("LandingsTable"))
        landed = table.of_keys(where.bucket, [where.key]).get(where.key)
        name = (landed.claimed_by or landed.done_run) if landed else ""
        return landed, run_named(stack, name)[0] if name else None

    def dead_letters(self) -> list[DeadLetter]:
        queue = DeadLetterQueue(
            self.stack.client("sqs"), self.stack.output("LandingDeadLetterQueueUrl")
        )
        this = (self.where.bucket, self.where.key)
        versions = ("", self.version_id) if self.version_id else None
        return [
            one
            for one in queue.peek()
            if one.landing[:2] == this and (versions is None or one.landing[2] in versions)
        ]

    def on_their_way(self) -> int:
        return depth(self.stack.client("sqs"), self.stack.output("LandingQueueUrl"))

    def line(self) -> SlotUsage | None:
        slots = slots_of(self.stack) if max_concurrent_runs(self.stack) else None
        return slots.usage() if slots else None


def run_named(stack: Stack, name: str) -> Found:
    """Find a run of that name in the runs table or, failing that, in Step Functions.

    Raises
    ------
    ServiceError
        When AWS refuses a call or cannot be reached.
    """
    recorded = stack.ledger().get(name)
    if recorded:
        return recorded, True
    executions = stack.executions()
    described = executions.find(executions.arn(name))
    if described is None:
        return None, True
    return RunRecord.from_status_change(described_change(described)), False


def first_run_of(
    runs: RunsReader, where: S3Uri, since: datetime | None, version_id: str | None, now: datetime
) -> RunRecord | None:
    """Find the first run that a landing of a key has started: since then, of that version."""
    since = since and since - TOLERANCE
    only = RunFilter(kind="object-created", contains=where.key)
    same = [
        run
        for run in runs.newest(now, since=since, only=only)
        if _is_about(run, where, since)
        and (not version_id or run.trigger.get("VersionId") == version_id)
    ]
    return min(same, key=lambda run: str(run.started_at), default=None)


def _is_about(run: RunRecord, where: S3Uri, since: datetime | None) -> bool:
    trigger = run.trigger
    if (trigger.get("Bucket"), trigger.get("Key")) != (where.bucket, where.key):
        return False
    landed = event_time(trigger.get("EventTime"))
    return since is None or (landed is not None and landed >= since)


def chosen(versions: Sequence[ObjectVersion], asked: str) -> ObjectVersion | None:
    """Choose the version that is asked for or, without one, the newest that is an object."""
    objects = [one for one in versions if not one.deletion]
    if asked:
        return next((one for one in objects if one.version_id == asked), None)
    return objects[0] if objects else None


def _why_unreadable(key: str) -> str:
    try:
        check_key(key)
    except InvalidKey as error:
        return str(error)
    return ""
