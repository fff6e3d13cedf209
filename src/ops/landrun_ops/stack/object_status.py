"""What became of one object: what is known of it in S3, the tables and the queues, then why."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from landrun.errors import ConfigurationError, InvalidKey, ServiceError
from landrun.models.landing import check_key
from landrun.models.run import landing_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import one_line
from landrun_ops.shell import quoted
from landrun_ops.stack import run_details
from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue
from landrun_ops.stack.landings import TOLERANCE, LandingRecord, LandingsTable, event_time
from landrun_ops.stack.lineage import Lineage, Readers
from landrun_ops.stack.object_versions import ObjectVersion, versions_of
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.run_filter import RunFilter
from landrun_ops.stack.runs_table import RunsReader
from landrun_ops.stack.stack import Stack
from landrun_ops.units import spelled

IGNORED = {
    "own-output": (
        "landrun itself writes there: what it wrote never starts a run",
        "if it is not landrun's, let OutputPrefix and ManifestPrefix name other folders",
    ),
    "prefix": (
        "its key does not begin with LandingPrefix, so that EventBridge does not deliver its event",
        "put it under {landing}, or change LandingPrefix",
    ),
    "folder-marker": ("its key ends with a slash: it marks a folder, and has no data", ""),
    "suffix": ("its key does not end with LandingSuffix", "rename it, or change LandingSuffix"),
    "zero-bytes": ("it is empty: there is nothing to process", "put it again, with data in it"),
}
"""Why an object starts no run, and what to do, by `LandingFilter.why_ignored`'s labels."""


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
        facts.run = first_run_of(stack.runs_reader(), where, since, version_id, facts.now)


def _look_for_readers(stack: Stack, facts: Facts) -> None:
    since = (facts.landed_at or facts.now - timedelta(days=90)) - TOLERANCE
    lineage = Lineage(stack.runs_reader(), stack.client("s3"), stack.manifests_folder)
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


@dataclass
class ObjectStatus:
    """What became of an object.

    ``verdict`` is for machines, ``said`` for people; ``remedy`` and ``commands`` are what to do, if
    anything is to be done. ``run`` is the name of the run that it is about, ``status`` that run's.
    """

    verdict: str
    said: str
    remedy: str = ""
    commands: list[str] = field(default_factory=list)
    run: str | None = None
    status: str | None = None


def decide(facts: Facts) -> ObjectStatus:
    """Decide what became of an object: the surest comes first."""
    return _run(facts) or _landed(facts) or _ignored(facts) or _lost(facts)


def _run(facts: Facts) -> ObjectStatus | None:
    """Say which run read it; in another bucket, one whose manifest names it."""
    is_elsewhere = facts.where.bucket != facts.landing.bucket
    read = [one.run for one in facts.readers.found if one.exact or is_elsewhere]
    run = facts.run or next(iter(read), facts.taken_by)
    if run is None:
        return None
    how, remedy = "was started for it" if run is facts.run else "read it", ""
    after = f" after {spelled(run.duration_seconds)}" if run.duration_seconds is not None else ""
    said, commands = f"The run {run.name} {how}: {run.status}{after}.", [f"landrun show {run.name}"]
    verdict = "running" if not run.finished else "processed" if run.succeeded else "failed"
    if verdict == "failed":
        said += f" {run.reason}"
        remedy = "see why, correct that, and run it again"
        commands.append(f"landrun rerun {run.name}")
    if run is facts.run and not facts.is_recorded:
        said += " It is not in the runs table yet: its event was late or lost."
        commands.append("landrun reconcile --grace 0")
    return ObjectStatus(verdict, said, remedy, commands, run.name, run.status)


def _landed(facts: Facts) -> ObjectStatus | None:
    """Say what the landings table knows of an object that no run has read."""
    landed = facts.landed
    if landed is None:
        return None
    if landed.waits and not landed.claimed_by:
        return ObjectStatus("waiting", f"It waits for the next tick, since {landed.recorded_at}.")
    name = landed.claimed_by or landed.done_run
    said = f"The run {name} has claimed it, and has not recorded that it read it."
    remedy = "should its tick have died, reconcile finishes it after 20 minutes, or now"
    return ObjectStatus("claimed", said, remedy, ["landrun reconcile --grace 0"])


def _ignored(facts: Facts) -> ObjectStatus | None:
    """Say why an object can have no run."""
    where, landing = facts.where, facts.landing
    if where.bucket != landing.bucket:
        said = f"Nothing that lands there starts a run: this stack's landings are {landing}."
        return ObjectStatus(
            "other-bucket", said, "for a run", [f"landrun start {quoted(str(where))}"]
        )
    if facts.versions and facts.versions[0].deletion and not facts.asked:
        return ObjectStatus("deleted", "It was deleted, and no run of it is known.")
    if facts.version is None:
        said = "There is no such object or version. Keys are exact, and not URL-encoded."
        return ObjectStatus("not-there", said)
    if facts.ignored:
        why, remedy = IGNORED[facts.ignored]
        return ObjectStatus("ignored", f"It is ignored: {why}.", remedy.format(landing=landing))
    try:
        check_key(where.key)
    except InvalidKey as error:
        remedy = "put it again under another key; landrun redrive --discard clears its message"
        return ObjectStatus("refused", f"It is refused: {error}.", remedy)
    return None


def _lost(facts: Facts) -> ObjectStatus:
    """Say what became of an object that has no run, and should have one."""
    backfill = [f"landrun backfill {quoted(str(facts.where))} --missing"]
    for message in facts.dead_letters:
        said = f"Its event is a dead-letter message: {message.reason}"
        remedy = "correct the cause and send it back; --discard saves and deletes what was refused"
        return ObjectStatus("dead-letter", said, remedy, ["landrun redrive --queue landings"])
    if facts.unseen:
        said = "No run of it is known, but not all could be looked at: there may be one."
        return ObjectStatus("unknown", said, "ask for the permissions that are missing")
    if facts.version and not facts.version.latest:
        said = "No run of this version is known, and a newer one has taken its place in S3."
        return ObjectStatus("superseded", said, "put it again if it is still to be processed")
    if facts.queued:
        said = f"No run of it is known yet: it may be one of {facts.queued:,} in the landing queue."
        return ObjectStatus("on-its-way", said, "ask again; should they be through, then", backfill)
    said = (
        "No run of it is known, and no trace of its event: it landed before the stack, while"
        " EventBridge was off for the bucket, or its event was lost."
    )
    return ObjectStatus("no-event", said, "process it now", backfill)
