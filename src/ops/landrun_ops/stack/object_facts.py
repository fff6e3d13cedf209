"""What is known of one object: in S3, in the tables and in the queues."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import landing_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import one_line
from landrun_ops.stack import run_details
from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue
from landrun_ops.stack.landings import TOLERANCE, LandingRecord, LandingsTable, event_time
from landrun_ops.stack.lineage import Lineage, Readers
from landrun_ops.stack.object_versions import ObjectVersion, versions_of
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.run_filter import RunFilter
from landrun_ops.stack.runs_table import RunsReader
from landrun_ops.stack.stack import Stack


@dataclass
class Facts:
    """All that an object's status is decided from.

    ``asked`` is the version id asked for, ``versions`` all that S3 has of the key, the newest
    first. ``run`` was started for this very version, ``landed`` is what the landings table has of
    it, ``taken_by`` the run that read it on a tick, ``readers`` those whose manifests name the key.
    About ``queued`` landings are in the queue. ``unseen`` is what could not be looked at, and why.
    """

    where: S3Uri
    landing: S3Uri
    now: datetime
    asked: str = ""
    versions: Sequence[ObjectVersion] = ()
    ignored: str | None = None
    run: RunRecord | None = None
    is_recorded: bool = True
    landed: LandingRecord | None = None
    taken_by: RunRecord | None = None
    dead_letters: Sequence[DeadLetter] = ()
    readers: Readers = field(default_factory=Readers)
    queued: int = 0
    unseen: list[str] = field(default_factory=list)

    @property
    def version(self) -> ObjectVersion | None:
        """The version that it is about; None if S3 does not have it (any more)."""
        objects = (one for one in self.versions if not one.deletion)
        return next((one for one in objects if self.asked in ("", one.version_id)), None)

    @property
    def version_id(self) -> str | None:
        """Its version id; None if the bucket keeps none, or it is not known."""
        return (self.version.version_id if self.version else self.asked) or None

    @property
    def landed_at(self) -> datetime | None:
        """When the version landed; None if S3 does not have it."""
        return self.version.modified if self.version else None


def gather(stack: Stack, where: S3Uri, asked: str, now: datetime) -> Facts:
    """Look up all that is known of an object; ``unseen`` says what may not be looked at.

    Raises ServiceError when AWS cannot be reached, or S3 does not let the object be looked at.
    """
    versions = versions_of(stack.client("s3"), where)
    facts = Facts(where, stack.landing, now, asked, versions)
    size = facts.version.size if facts.version else None
    facts.ignored = stack.landing_filter().why_ignored(where.bucket, where.key, size)
    looks = [_look_for_readers, _look_for_landing, _look_into_queues]
    if where.bucket == stack.landing.bucket:
        looks.append(_look_for_run)
    with ThreadPoolExecutor() as pool:
        for looking in [pool.submit(look, stack, facts) for look in looks]:
            try:
                looking.result()
            except ServiceError as error:
                facts.unseen.append(one_line(str(error), 200))
    return facts


def _look_for_run(stack: Stack, facts: Facts) -> None:
    where, version_id = facts.where, facts.version_id
    if version_id:
        prefix = stack.output("JobNamePrefix")
        name = landing_run_name(prefix, where.bucket, where.key, version_id)
        facts.run, facts.is_recorded = _run_named(stack, name, facts.now)
    if facts.run is None:  # without a version id, or from before JobNamePrefix was changed
        since = facts.landed_at
        facts.run = first_run_of(stack.ledger(), where, since, version_id, facts.now)


def _look_for_readers(stack: Stack, facts: Facts) -> None:
    since = (facts.landed_at or facts.now - timedelta(days=90)) - TOLERANCE
    lineage = Lineage(stack.ledger(), stack.client("s3"), stack.manifests_folder)
    facts.readers = lineage.readers(facts.where, facts.version_id, since, facts.now)


def _look_for_landing(stack: Stack, facts: Facts) -> None:
    table = LandingsTable(stack.client("dynamodb"), stack.output("LandingsTable"))
    landed = table.of_keys(facts.where.bucket, [facts.where.key]).get(facts.where.key)
    if landed and landed.is_of(facts.version_id, facts.landed_at):
        facts.landed = landed
        if landed.newest_done:
            facts.taken_by, _ = _run_named(stack, landed.done_run, facts.now)


def _look_into_queues(stack: Stack, facts: Facts) -> None:
    sqs, where = stack.client("sqs"), facts.where
    facts.queued = depth(sqs, stack.output("LandingQueueUrl"))
    facts.dead_letters = [
        one
        for one in DeadLetterQueue(sqs, stack.output("LandingDeadLetterQueueUrl")).peek()
        if one.landing[:2] == (where.bucket, where.key)
        and (facts.version_id is None or one.landing[2] in ("", facts.version_id))
    ]


def _run_named(stack: Stack, name: str, now: datetime) -> tuple[RunRecord | None, bool]:
    try:
        return run_details.find(stack, name, now)
    except ConfigurationError:
        return None, True


def first_run_of(
    runs: RunsReader, where: S3Uri, since: datetime | None, version_id: str | None, now: datetime
) -> RunRecord | None:
    """Find the first run that a landing of a key has started: since then, of that version."""
    since, oldest = since and since - TOLERANCE, None
    only = RunFilter(kind="object-created", contains=where.key)
    for run in runs.newest(now, since=since, only=only):
        trigger = run.trigger
        landed = event_time(trigger.get("EventTime"))
        is_since = since is None or (landed is not None and landed >= since)
        is_same = (trigger.get("Bucket"), trigger.get("Key")) == (where.bucket, where.key)
        if is_same and is_since and version_id in (None, trigger.get("VersionId")):
            oldest = run
    return oldest
