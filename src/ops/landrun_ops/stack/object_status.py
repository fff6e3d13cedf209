"""What became of one object, decided from its facts, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from landrun.models.run_record import RunRecord
from landrun_ops.shell import quoted
from landrun_ops.stack.dead_letters import Why
from landrun_ops.stack.lineage import Reader
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


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """What became of an object.

    Attributes
    ----------
    verdict : str
        For machines: ``processed``, ``running``, ``failed``, ``waiting``, ``claimed``,
        ``superseded``, ``ignored``, ``refused``, ``dead-letter``, ``archived``, ``deleted``,
        ``on-its-way``, ``no-event``, ``overwritten``, ``other-bucket``, ``unknown`` or
        ``not-there``.
    said : str
        For people, in a sentence or two.
    run : RunRecord or None
        The run that it is about.
    reason : str
        The label of why it was ignored, or the words of why it was refused or failed.
    remedy : str
        What to do, if anything is to be done.
    commands : tuple of str
        What to type.
    """

    verdict: str
    said: str
    run: RunRecord | None = None
    reason: str = ""
    remedy: str = ""
    commands: tuple[str, ...] = ()


def decide(facts: Facts) -> ObjectStatus:
    """Decide what became of an object: the first case that holds, the surest first."""
    return next(status for case in _CASES if (status := case(facts)))


def moment(time: datetime) -> str:
    """Write a time as people read it.

    >>> moment(datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC))
    '2026-11-22 08:15:30 UTC'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def outcome(run: RunRecord) -> str:
    """Say how a run is doing, or how it ended."""
    if not run.finished:
        return "runs now" if run.status == "RUNNING" else f"is {run.status}"
    words = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "ran out of time"}
    after = f" after {spelled(run.duration_seconds)}" if run.duration_seconds is not None else ""
    return f"{words.get(run.status, f'ended as {run.status}')}{after}"


def _run_of_it(facts: Facts) -> ObjectStatus | None:
    if facts.run is None:
        return None
    status = _by(facts, facts.run, "was started for it")
    if facts.is_recorded:
        return status
    return ObjectStatus(
        status.verdict,
        f"{status.said} It is not in the runs table yet: its event was late or lost.",
        facts.run,
        remedy="reconcile records it within 15 minutes, or now",
        commands=("landrun reconcile --grace 0",),
    )


def _tick_of_it(facts: Facts) -> ObjectStatus | None:
    readers = [one.run for one in facts.readers.found if one.exact]
    return _by(facts, readers[0], "read it, on a tick of the schedule") if readers else None


def _in_the_table(facts: Facts) -> ObjectStatus | None:
    landed = facts.landed
    if landed is None or not _is_newest_landing(facts):
        return None
    name = landed.claimed_by or landed.done_run
    if landed.claimed_by:
        said = f"The run {name} has claimed it and is about to take it."
        remedy = "should its tick have died, reconcile finishes it after 20 minutes, or now"
        commands = ("landrun reconcile --grace 0",)
        return ObjectStatus("claimed", said, facts.taken_by, remedy=remedy, commands=commands)
    if landed.waits:
        return ObjectStatus(
            "waiting", f"It waits for the next tick, since {_since(landed.recorded_at)}."
        )
    if facts.taken_by:
        return _by(facts, facts.taken_by, "read it, on a tick of the schedule")
    said = f"The run {name} took it, and is neither in the runs table nor in Step Functions."
    return ObjectStatus("claimed", said, commands=("landrun reconcile --grace 0",))


def _superseded(facts: Facts) -> ObjectStatus | None:
    """Find a newer landing of the key that took its place in the table before any tick."""
    landed, version = facts.landed, facts.version
    if landed is None or version is None or facts.start_on != "schedule" or not landed.version_id:
        return None
    newer = [one for one in facts.versions if one.version_id == landed.version_id]
    if not newer or newer[0].modified < version.modified or version.latest:
        return None
    then = f"the run {landed.done_run} read that" if landed.newest_done else "that waits for a tick"
    said = (
        f"The version {landed.version_id} of the key landed before the next tick and took its"
        f" place: {then}. A run reads the newest version only."
    )
    return ObjectStatus("superseded", said, facts.taken_by)


def _other_bucket(facts: Facts) -> ObjectStatus | None:
    if facts.where.bucket == facts.landing.bucket:
        return None
    if facts.readers.found:
        return _by(facts, facts.readers.found[0].run, "named it in its manifest")
    said = f"Nothing that lands there starts a run: this stack's landings are {facts.landing}."
    command = f"landrun start {quoted(str(facts.where))}"
    return ObjectStatus("other-bucket", said, remedy="for a run over it", commands=(command,))


def _ignored(facts: Facts) -> ObjectStatus | None:
    if facts.ignored is None or facts.version is None:
        return None
    why, remedy = IGNORED.get(facts.ignored, (facts.ignored, ""))
    said = f"It is ignored: {why}."
    remedy = remedy.format(landing=facts.landing)
    return ObjectStatus("ignored", said, reason=facts.ignored, remedy=remedy)


def _refused(facts: Facts) -> ObjectStatus | None:
    if not facts.unreadable:
        return None
    said = f"It is refused: {facts.unreadable}."
    commands: tuple[str, ...] = ()
    remedy = "put it again under another key"
    if facts.dead_letters:
        remedy += ", then discard the message about this one"
        commands = ("landrun redrive --queue landings --discard",)
    return ObjectStatus("refused", said, None, facts.unreadable, remedy, commands)


def _dead_letter(facts: Facts) -> ObjectStatus | None:
    if not facts.dead_letters:
        return None
    message = facts.dead_letters[0]
    redrive = "landrun redrive --queue landings"
    remedy, commands = "correct the cause, then send it back", [redrive]
    if message.why is Why.REFUSED:
        remedy = "correct what it was refused for and send it back, or discard the message"
        commands.append(f"{redrive} --discard")
    said = f"Its event is a dead-letter message: {message.reason}"
    return ObjectStatus("dead-letter", said, None, message.reason, remedy, tuple(commands))


def _gone(facts: Facts) -> ObjectStatus | None:
    if facts.version is None:
        what = f"no version {facts.asked} of it" if facts.asked else "no such object"
        said = f"There is {what}, and no run of one is known. Keys are exact, and not URL-encoded."
        folder, inside = facts.where.key.endswith("/"), f"{_backfill(facts)} --dry-run"
        remedy, commands = (
            ("to see what of that folder has no run", (inside,)) if folder else ("", ())
        )
        return ObjectStatus("not-there", said, remedy=remedy, commands=commands)
    if facts.versions[0].deletion and not facts.asked:
        at = moment(facts.versions[0].modified)
        return ObjectStatus("deleted", f"It was deleted at {at}, and no run of it is known.")
    return None


def _archived(facts: Facts) -> ObjectStatus | None:
    if not (facts.version and facts.version.archived) or facts.unseen:
        return None
    said = "No run of it is known, and it is archived: no job can read it."
    command = _backfill(facts)
    return ObjectStatus("archived", said, remedy="restore it in S3, then", commands=(command,))


def _overwritten(facts: Facts) -> ObjectStatus | None:
    if facts.version is None or facts.version.latest or facts.unseen:
        return None
    said = "No run of this version is known, and a newer one has taken its place in S3."
    return ObjectStatus("overwritten", said, remedy="put it again if it is still to be processed")


def _no_run(facts: Facts) -> ObjectStatus:
    if facts.unseen:
        said = "No run of it is known, but not all could be looked at: there may be one."
        return ObjectStatus(
            "unknown", said, remedy="ask for the permissions that are missing, see below"
        )
    command = _backfill(facts)
    if facts.on_their_way:
        said = (
            f"No run of it is known yet, but {facts.on_their_way:,} landings are in the queue:"
            " it may be one of them."
        )
        remedy = "ask again in a while; should they be through and it is not"
        return ObjectStatus("on-its-way", said, remedy=remedy, commands=(command,))
    said = (
        "No run of it is known, and no trace of its event: it landed before the stack, while"
        " EventBridge was off for the bucket, or its event was lost."
    )
    return ObjectStatus("no-event", said, remedy="process it now", commands=(command,))


_CASES: tuple[Callable[[Facts], ObjectStatus | None], ...] = (
    _run_of_it,
    _tick_of_it,
    _in_the_table,
    _superseded,
    _other_bucket,
    _gone,
    _ignored,
    _refused,
    _dead_letter,
    _archived,
    _overwritten,
    _no_run,
)


def _by(facts: Facts, run: RunRecord, how: str) -> ObjectStatus:
    """Say which run it was and how that is doing."""
    verdict = "running" if not run.finished else "processed" if run.succeeded else "failed"
    in_line = facts.line.position(run.name) if facts.line and not run.finished else None
    does = f"waits for a concurrency slot, {in_line}" if in_line else outcome(run)
    said = f"The run {run.name} {how}: it {does}."
    if run.input_also_matches:
        keys = ", ".join(run.input_also_matches)
        said += (
            f" Its job reads an S3Prefix, and so these keys as well, which begin the same: {keys}."
        )
    show = f"landrun show {run.name}"
    if verdict != "failed":
        return ObjectStatus(verdict, said, run, commands=(show,))
    because = f" {run.reason}" if run.reason else ""
    return ObjectStatus(
        verdict,
        said + because,
        run,
        reason=run.reason,
        remedy="see why, correct that, and run it again",
        commands=(show, f"landrun rerun {run.name}"),
    )


def others(facts: Facts, status: ObjectStatus) -> list[Reader]:
    """Return the other runs that read it, or the key, the oldest first."""
    mine = status.run.name if status.run else ""
    return [one for one in facts.readers.found if one.run.name != mine]


def _is_newest_landing(facts: Facts) -> bool:
    """Whether what the table knows is this version."""
    if facts.landed is None:
        return False
    if facts.landed.version_id or facts.version_id:
        return facts.landed.version_id == facts.version_id
    return facts.version is None or facts.landed.is_since(facts.version.modified)


def _since(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text


def _backfill(facts: Facts) -> str:
    return f"landrun backfill {quoted(str(facts.where))} --missing"
