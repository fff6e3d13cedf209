"""What became of one object: collects facts from S3, tables and queues, then explains them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import landing_run_name
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import one_line
from landrun_ops.shell import quoted
from landrun_ops.stack import run_details
from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue, Why
from landrun_ops.stack.inputs import Readers, find_readers
from landrun_ops.stack.landings import (
    IGNORED,
    TOLERANCE,
    LandingRecord,
    event_time,
    landings_of,
    why_ignored,
)
from landrun_ops.stack.object_versions import ObjectVersion, versions_of
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.runs_table import RunFilter, RunsReader
from landrun_ops.stack.stack import Stack
from landrun_ops.units import spelled


@dataclass
class Facts:
    """The facts from which an object's status is decided.

    ``asked`` is the version id asked for, ``versions`` all that S3 has of the key, the newest
    first. ``run`` was started for this very version, ``landed`` is what the landings table has of
    it, ``taken_by`` the run that read it on a tick, ``readers`` those whose manifests name the key.
    About ``queued`` landings are in the queue. ``unseen`` lists what could not be read, and why.
    """

    where: S3Uri
    landing: S3Uri
    now: datetime
    asked: str = ""
    versions: Sequence[ObjectVersion] = ()
    ignored: str | None = None
    run: RunRecord | None = None
    landed: LandingRecord | None = None
    taken_by: RunRecord | None = None
    dead_letters: Sequence[DeadLetter] = ()
    readers: Readers = field(default_factory=Readers)
    queued: int = 0
    unseen: list[str] = field(default_factory=list)

    @property
    def version(self) -> ObjectVersion | None:
        """The version in question; None if S3 does not have it."""
        objects = (one for one in self.versions if not one.deletion)
        return next((one for one in objects if self.asked in ("", one.version_id)), None)

    @property
    def version_id(self) -> str | None:
        """The version id; None if the bucket keeps none, or it is unknown."""
        return (self.version.version_id if self.version else self.asked) or None

    @property
    def landed_at(self) -> datetime | None:
        """When the version landed; None if S3 does not have it."""
        return self.version.modified if self.version else None


def gather(stack: Stack, where: S3Uri, asked: str, now: datetime) -> Facts:
    """Collect the facts about an object; ``unseen`` lists what the caller may not read.

    Raises ServiceError when AWS cannot be reached, or S3 does not let the object be looked at.
    """
    facts = Facts(where, stack.landing, now, asked, versions_of(stack.client("s3"), where))
    size = facts.version.size if facts.version else None
    facts.ignored = why_ignored(stack.landing_filter(), where.bucket, where.key, size)
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
        with suppress(ConfigurationError):
            facts.run, _ = run_details.find(stack, name, facts.now)
    if facts.run is None:  # without a version id, or from before JobNamePrefix was changed
        since = facts.landed_at
        facts.run = first_run_of(stack.runs_reader(), where, since, version_id, facts.now)


def _look_for_readers(stack: Stack, facts: Facts) -> None:
    since = (facts.landed_at or facts.now - timedelta(days=90)) - TOLERANCE
    facts.readers = find_readers(stack, facts.where, facts.version_id, since, facts.now)


def _look_for_landing(stack: Stack, facts: Facts) -> None:
    landed = landings_of(stack, facts.where.bucket, [facts.where.key]).get(facts.where.key)
    if landed and landed.is_of(facts.version_id, facts.landed_at):
        facts.landed = landed
        if landed.newest_done:
            facts.taken_by = stack.runs_reader().get(landed.done_run)


def _look_into_queues(stack: Stack, facts: Facts) -> None:
    sqs, where = stack.client("sqs"), facts.where
    facts.queued = depth(sqs, stack.output("LandingQueueUrl"))
    facts.dead_letters = [
        one
        for one in DeadLetterQueue(sqs, stack.output("LandingDeadLetterQueueUrl")).peek()
        if one.landing[:2] == (where.bucket, where.key)
        and (facts.version_id is None or one.landing[2] in ("", facts.version_id))
    ]


def first_run_of(
    runs: RunsReader, where: S3Uri, since: datetime | None, version_id: str | None, now: datetime
) -> RunRecord | None:
    """Find the first run started by a landing of a key, since a time or of a version."""
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

    ``verdict`` is for scripts, ``said`` for people; ``remedy`` and ``commands`` say what to do, and
    are empty if nothing is needed. ``run`` and ``status`` are the name and status of its run.
    """

    verdict: str
    said: str
    remedy: str = ""
    commands: list[str] = field(default_factory=list)
    run: str | None = None
    status: str | None = None


def decide(facts: Facts) -> ObjectStatus:
    """Decide what became of an object, by the most certain fact first."""
    return _run(facts) or _landed(facts) or _ignored(facts) or _lost(facts)


def _run(facts: Facts) -> ObjectStatus | None:
    """Return the status of an object that a run read; in other buckets, by the runs' manifests."""
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
    return ObjectStatus(verdict, said, remedy, commands, run.name, run.status)


def _landed(facts: Facts) -> ObjectStatus | None:
    """Return the status of an unread object that the landings table has."""
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
    """Return the status of an object that starts no run by design."""
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
        verdict = "refused" if facts.ignored == "unreadable-key" else "ignored"
        return ObjectStatus(verdict, f"It is {verdict}: {why}.", remedy.format(landing=landing))
    return None


def _lost(facts: Facts) -> ObjectStatus:
    """Return the status of an object that should have a run, and has none."""
    backfill = [f"landrun backfill {quoted(str(facts.where))} --missing"]
    for message in facts.dead_letters:
        said = f"Its event is a dead-letter message: {message.reason}"
        remedy = "correct the cause and send it back"
        commands = ["landrun redrive --queue landings"]
        if message.why is Why.REFUSED:  # it may be refused for ever: a key that no job can read
            remedy += ", or save it to a file and delete it"
            commands.append(f"{commands[0]} --discard")
        return ObjectStatus("dead-letter", said, remedy, commands)
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
