"""What is known of one object: in S3, on the record, in the tables and the queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from landrun.errors import InvalidKey, ServiceError
from landrun.models.landing import check_key
from landrun.models.run import landing_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.models.status_change import described_change
from landrun.sanitize import one_line
from landrun_ops.stack.dead_letters import Letter, Letters
from landrun_ops.stack.landings import Known, Landings
from landrun_ops.stack.lineage import Lineage, Readers
from landrun_ops.stack.object_versions import Version, Versions
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.run_filter import Only
from landrun_ops.stack.waiting_executions import Line, bound_of, lines_of

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

T = TypeVar("T")

Found = tuple[RunRecord | None, bool]
"""A run, and whether it is on the record."""

TOLERANCE = timedelta(seconds=5)
"""How much a run, or an event, may seem to be before its object: clocks, and whole seconds."""


@dataclass(frozen=True)
class Facts:
    """All that an answer is made of.

    Attributes
    ----------
    where, landing : S3Uri
        The object asked about, and where data lands.
    start_on : str
        ``arrival`` or ``schedule``.
    now : datetime
        The present, aware.
    asked : str
        The version id asked for; empty for the newest version.
    versions : sequence of Version
        All that S3 has of the key, marks of deletion included, the newest first.
    version : Version or None
        The one that it is about; None when S3 has none (any more).
    ignored : str or None
        Why such an object starts no run, by `Filter.why_ignored`'s labels.
    unreadable : str
        Why no file can have the key; empty when one can.
    run : RunRecord or None
        The run of just this version.
    is_recorded : bool
        Whether that has a row in the ledger.
    landed : Known or None
        What the table of landings knows of the key.
    taken_by : RunRecord or None
        The run that has claimed, or read, the newest landing of the key.
    letters : sequence of Letter
        The dead letters about it.
    readers : Readers
        The runs whose manifests name it.
    on_their_way : int
        Roughly, landings in the queue.
    line : Line or None
        The runs that wait for a turn; None where runs are not bounded.
    unseen : sequence of str
        What could not be looked at, and why.
    """

    where: S3Uri
    landing: S3Uri
    start_on: str
    now: datetime
    asked: str = ""
    versions: Sequence[Version] = ()
    version: Version | None = None
    ignored: str | None = None
    unreadable: str = ""
    run: RunRecord | None = None
    is_recorded: bool = True
    landed: Known | None = None
    taken_by: RunRecord | None = None
    letters: Sequence[Letter] = ()
    readers: Readers = field(default_factory=Readers)
    on_their_way: int = 0
    line: Line | None = None
    unseen: Sequence[str] = ()

    @property
    def version_id(self) -> str:
        """The version that it is about; empty where there is no telling, or no versions."""
        return (self.version.version_id if self.version else self.asked) or ""


class Explainer:
    """Looks up what there is to know of one object.

    Parameters
    ----------
    stack : Stack
        Whose object it is.
    now : datetime
        The present, aware.
    """

    def __init__(self, stack: Stack, now: datetime) -> None:
        self._stack = stack
        self._now = now
        self._unseen: list[str] = []

    def facts(self, where: S3Uri, asked: str = "") -> Facts:
        """Look everything up; what may not be looked at is said in ``unseen``.

        Raises
        ------
        ServiceError
            When AWS cannot be reached, or S3 does not let the object be looked at.
        """
        versions = Versions(self._stack.client("s3")).of_key(where)
        version = chosen(versions, asked)
        stack, lands = self._stack, where.bucket == self._stack.landing.bucket
        version_id = (version.version_id if version else asked) or None
        with ThreadPoolExecutor() as pool:
            ask = partial(self._ask, pool)
            since = version.modified - TOLERANCE if version else self._now - timedelta(days=90)
            lineage = Lineage(stack.ledger(), stack.client("s3"), stack.manifests_folder)
            readers = ask(
                "the runs' manifests",
                Readers(),
                lambda: lineage.readers(where, version_id, since, self._now),
            )
            nobody: Found = (None, True)
            run = ask("the run", nobody, lambda: self._run(where, version, version_id))
            unknown: tuple[Known | None, RunRecord | None] = (None, None)
            landed = ask("the landings table", unknown, lambda: self._landed(where))
            none: list[Letter] = []
            letters = ask("the dead letters", none, lambda: self._letters(where, version_id))
            queue = ask("the landing queue", 0, self._depth)
            line = ask("the line of runs", None, self._line)
            found, is_recorded = run.result() if lands else (None, True)
            return Facts(
                where=where,
                landing=stack.landing,
                start_on=stack.output("StartOn"),
                now=self._now,
                asked=asked,
                versions=versions,
                version=version,
                ignored=self._ignored(where, version),
                unreadable=_unreadable(where.key),
                run=found,
                is_recorded=is_recorded,
                landed=landed.result()[0],
                taken_by=landed.result()[1],
                letters=letters.result(),
                readers=readers.result(),
                on_their_way=queue.result(),
                line=line.result(),
                unseen=self._unseen,
            )

    def run_named(self, name: str) -> Found:
        """Find a run of that name: on the record, else in Step Functions; and which it was.

        Raises
        ------
        ServiceError
            When AWS refuses a call or cannot be reached.
        """
        recorded = self._stack.ledger().get(name)
        if recorded:
            return recorded, True
        executions = self._stack.executions()
        described = executions.find(executions.arn(name))
        if described is None:
            return None, True
        return RunRecord.from_status_change(described_change(described)), False

    def _ask(
        self, pool: ThreadPoolExecutor, what: str, instead: T, look: Callable[[], T]
    ) -> Future[T]:
        def tried() -> T:
            try:
                return look()
            except ServiceError as error:
                self._unseen.append(f"{what}: {one_line(str(error), 200)}")
                return instead

        return pool.submit(tried)

    def _run(self, where: S3Uri, version: Version | None, version_id: str | None) -> Found:
        if version_id:
            prefix = self._stack.output("JobNamePrefix")
            name = landing_run_name(prefix, where.bucket, where.key, version_id)
            run, recorded = self.run_named(name)
            # Not under that name: JobNamePrefix may have been another then.
            return (run, recorded) if run else (self._by_key(where, version, version_id), True)
        return self._by_key(where, version), True

    def _by_key(
        self, where: S3Uri, version: Version | None, version_id: str = ""
    ) -> RunRecord | None:
        """Find the first run of a key since the object landed: of that version, where known."""
        since = version.modified - TOLERANCE if version else None
        only = Only(kind="object-created", contains=where.key)
        rows = self._stack.ledger().newest(self._now, since=since, only=only)
        same = (
            run
            for run in rows
            if _about(run, where, since)
            and (not version_id or run.trigger.get("VersionId") == version_id)
        )
        return min(same, key=lambda run: str(run.started_at), default=None)

    def _landed(self, where: S3Uri) -> tuple[Known | None, RunRecord | None]:
        table = Landings(self._stack.client("dynamodb"), self._stack.output("LandingsTable"))
        landed = table.of_keys(where.bucket, [where.key]).get(where.key)
        name = (landed.claimed_by or landed.done_run) if landed else ""
        return landed, self.run_named(name)[0] if name else None

    def _letters(self, where: S3Uri, version_id: str | None) -> list[Letter]:
        url = self._stack.output("LandingDeadLetterQueueUrl")
        every = Letters(self._stack.client("sqs"), url).peek()
        wanted = (where.bucket, where.key)
        return [
            one
            for one in every
            if one.landing[:2] == wanted and (not version_id or one.landing[2] in ("", version_id))
        ]

    def _depth(self) -> int:
        return depth(self._stack.client("sqs"), self._stack.output("LandingQueueUrl"))

    def _line(self) -> Line | None:
        lines = lines_of(self._stack) if bound_of(self._stack) else None
        return lines.look() if lines else None

    def _ignored(self, where: S3Uri, version: Version | None) -> str | None:
        size = version.size if version and not version.deletion else None
        return self._stack.landing_filter().why_ignored(where.bucket, where.key, size)


def chosen(versions: Sequence[Version], asked: str) -> Version | None:
    """Choose the version that is asked for, or else the newest that is an object."""
    objects = [one for one in versions if not one.deletion]
    if asked:
        return next((one for one in objects if one.version_id == asked), None)
    return objects[0] if objects else None


def _about(run: RunRecord, where: S3Uri, since: datetime | None) -> bool:
    trigger = run.trigger
    if (trigger.get("Bucket"), trigger.get("Key")) != (where.bucket, where.key):
        return False
    landed = Known(event_time=str(trigger.get("EventTime", ""))).landed_at
    return since is None or (landed is not None and landed >= since)


def _unreadable(key: str) -> str:
    try:
        check_key(key)
    except InvalidKey as error:
        return str(error)
    return ""
