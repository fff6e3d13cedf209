"""What the report tells of one run, taken from its row of the ledger.

Triggers, summaries and what a job or an execution says are anybody's: whatever of them is not of
its type, or cannot be, is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from landrun.models.processing_job import ProcessingJob
from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line
from landrun_ops.stack.console_links import links
from landrun_ops.web.causes import alike, cause

TEXT = 400
"""Characters of a text from outside that the report shows; ten thousand runs are to stay light."""

LARGEST = 2**53
"""Numbers from here on are not whole in a browser (ECMAScript, Number.MAX_SAFE_INTEGER)."""

COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")

Facts = dict[str, Any]


def facts(run: RunRecord, *, consoles: bool = True) -> Facts:
    """Say what is known of a run.

    Parameters
    ----------
    run : RunRecord
        Its row.
    consoles : bool
        Whether AWS's consoles show it: not what ran on a laptop.

    Returns
    -------
    dict
        With None for what is not known: ``name``, ``status``, ``kind`` (of its trigger), ``what``
        (triggered it), ``started`` and ``stopped`` (epoch milliseconds), ``seconds`` (of both
        together), ``waited`` (seconds until its last job began to work), ``worked`` (seconds of
        that job), the counts of its summary, ``files``, ``bytes_in``, ``bytes_out``,
        ``objects_out``, ``instance_seconds``, ``instances`` (as ``2 x ml.m5.large``),
        ``redrives``, ``rerun_of``, ``output``, ``execution`` (its ARN), ``error``, ``cause``,
        ``alike`` (what the cause has in common with others of its kind), and ``pages`` (addresses
        in AWS's consoles).
    """
    kind, what = trigger(run.trigger)
    why = cause(run)
    return {
        "name": run.name,
        "status": run.status,
        "kind": kind,
        "what": what,
        "started": milliseconds(run.started),
        "stopped": run.stopped and milliseconds(run.stopped),
        "seconds": run.duration_seconds,
        **{name: count(run.summary.get(name)) for name in COUNTS},
        **_volume(run),
        **_job(run),
        "redrives": run.redrive_count or None,
        "rerun_of": run.rerun_of,
        "output": text(run.output_processed_message),
        "execution": run.execution_arn,
        "error": None if why is None else text(run.error),
        "cause": why,
        "alike": why and alike(why),
        "pages": links(run, run.job_name or "") if consoles else {},
    }


def trigger(found: Mapping[str, Any]) -> tuple[str, str | None]:
    """Give a trigger's kind, and what tells it from others of its kind."""
    match found.get("Kind"):
        case "object-created":
            return "object-created", text(found.get("Key"))
        case "schedule":
            tick = text(found.get("ScheduledTime")) or "?"
            part = count(found.get("Part"))
            return "schedule", f"tick of {tick}" + (f", part {part}" if part else "")
        case "manual":
            return "manual", f"by {(text(found.get('StartedBy')) or 'somebody').rpartition('/')[2]}"
        case "outside":
            return "manual", "outside landrun"
    return "other", None


def text(value: object) -> str | None:
    """Give a text as one printable line, not too long; None for what is none, or empty."""
    return one_line(value, TEXT) if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Give a number that counts something; None for what is none, negative, or too large."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST:
        return value
    return None


def milliseconds(time: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return round(time.timestamp() * 1000)


def _job(run: RunRecord) -> Facts:
    """Say what its job tells, and split the run into waiting and working.

    It waits for a quota, an instance, or an earlier attempt.
    """
    job = ProcessingJob.from_json(run.output) or ProcessingJob.from_json(run.cause)
    waited = worked = instances = None
    if job and job.ProcessingStartTime and job.ProcessingStartTime >= run.started:
        waited, worked = (job.ProcessingStartTime - run.started).total_seconds(), job.seconds
    if job and job.InstanceType:
        instances = f"{job.InstanceCount or 1} x {text(job.InstanceType)}"
    return {
        "waited": waited,
        "worked": worked,
        "instance_seconds": run.instance_seconds,
        "instances": instances,
    }


def _volume(run: RunRecord) -> Facts:
    files = run.summary.get("files")
    listed = [one for one in files if isinstance(one, Mapping)] if isinstance(files, list) else []
    omitted = count(run.summary.get("files_omitted")) or 0
    sizes = [size for one in listed if (size := count(one.get("bytes"))) is not None]
    read = sum(sizes) if sizes and len(sizes) == len(listed) + omitted else None
    landed = count(run.trigger.get("Size")) if run.trigger.get("Kind") == "object-created" else None
    return {
        "files": len(listed) + omitted or None,
        "bytes_in": read if landed is None else landed,
        "bytes_out": run.output_bytes,
        "objects_out": run.output_objects,
    }
