"""What became of one object, decided from its facts, in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field

from landrun.errors import InvalidKey
from landrun.models.landing import check_key
from landrun.models.run_record import RunRecord
from landrun_ops.shell import quoted
from landrun_ops.stack.object_facts import Facts
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


def outcome(run: RunRecord) -> str:
    """Say how a run is doing, or how it ended."""
    after = f" after {spelled(run.duration_seconds)}" if run.duration_seconds is not None else ""
    return f"{run.status}{after}"


def _run(facts: Facts) -> ObjectStatus | None:
    """Say which run read it; in another bucket, one whose manifest names it."""
    is_elsewhere = facts.where.bucket != facts.landing.bucket
    read = [one.run for one in facts.readers.found if one.exact or is_elsewhere]
    run = facts.run or next(iter(read), facts.taken_by)
    if run is None:
        return None
    how, remedy = "was started for it" if run is facts.run else "read it", ""
    said, commands = f"The run {run.name} {how}: {outcome(run)}.", [f"landrun show {run.name}"]
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
    if facts.version and facts.version.archived:
        said = "No run of it is known, and it is archived: no job can read it."
        return ObjectStatus("archived", said, "restore it in S3, then", backfill)
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
