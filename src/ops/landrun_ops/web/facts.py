"""What the report tells of one run, taken from its row of the ledger.

A row is written by functions, but much of what it holds is not theirs: keys, exit messages and
summaries are anybody's. Whatever is not of its type, or cannot be, is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from landrun.models.run_record import RunRecord
from landrun.sanitize import json_object, one_line
from landrun_ops.stack.console_links import links
from landrun_ops.web.causes import cause

TEXT = 400
"""Characters of a text from outside that the report shows; ten thousand runs are to stay light."""

LARGEST = 2**53
"""Numbers from here on are not whole in a browser (ECMAScript, Number.MAX_SAFE_INTEGER)."""

COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")

Facts = dict[str, Any]


def facts(run: RunRecord, *, consoles: bool = True) -> Facts | None:
    """Say what is known of a run.

    Parameters
    ----------
    run : RunRecord
        Its row.
    consoles : bool
        Whether AWS's consoles show it: not what ran on a laptop.

    Returns
    -------
    dict or None
        None for a row without a time at which it began, which has no place in time. Else, with
        None for what is not known: ``name``, ``status``, ``kind`` (of its trigger), ``what``
        (triggered it), ``started`` and ``stopped`` (epoch milliseconds), ``seconds`` (of both
        together), ``waited`` (seconds until its last job began to work), ``worked`` (seconds of
        that job), the counts of its summary, ``files``, ``bytes_in``, ``bytes_out``,
        ``objects_out``, ``instance_seconds``, ``instances`` (as ``2 x ml.m5.large``),
        ``redrives``, ``rerun_of``, ``output``, ``execution`` (its ARN), ``error``, ``cause``, and
        ``pages`` (addresses in AWS's consoles).
    """
    row = run.attributes()
    started = round(run.started.timestamp() * 1000)
    job = _job(row)
    kind, what = trigger(run.trigger)
    return {
        "name": text(run.name),
        "status": text(run.status) or "UNKNOWN",
        "kind": kind,
        "what": what,
        "started": started,
        "stopped": epoch(row.get("stopped_at")),
        "seconds": number(run.duration_seconds),
        **_parts(job, started),
        **{count: number(run.count(count)) for count in COUNTS},
        **_volume(run),
        "instance_seconds": number(row.get("instance_seconds")),
        "instances": _instances(job),
        "redrives": number(row.get("redrive_count")) or None,
        "rerun_of": text(row.get("rerun_of")),
        "output": text(run.output_processed_message),
        "execution": text(row.get("execution_arn")),
        "error": text(row.get("error")) if run.finished and not run.succeeded else None,
        "cause": cause(run),
        "pages": links(run, text(row.get("job_name")) or "") if consoles else {},
    }


def trigger(found: Mapping[str, Any]) -> tuple[str, str | None]:
    """Give a trigger's kind, and what tells it from others of its kind."""
    match found.get("Kind"):
        case "object-created":
            return "object-created", text(found.get("Key"))
        case "schedule":
            tick = text(found.get("ScheduledTime")) or "?"
            part = number(found.get("Part"))
            return "schedule", f"tick of {tick}" + (f", part {part}" if part else "")
        case "manual":
            return "manual", f"by {(text(found.get('StartedBy')) or 'somebody').rpartition('/')[2]}"
        case "outside":
            return "manual", "outside landrun"
    return "other", None


def text(value: object) -> str | None:
    """Give a text as one printable line, not too long; None for what is none, or empty."""
    return one_line(value, TEXT) if isinstance(value, str) and value else None


def number(value: object) -> float | int | None:
    """Give a number that counts something: neither negative, endless, nor too large."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value < LARGEST:  # nor is what is no number
        return None
    return round(value, 3) if isinstance(value, float) else value


def epoch(value: object) -> int | None:
    """Read a time of the ledger, ISO 8601 in UTC, as epoch milliseconds."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return round(time.replace(tzinfo=time.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _job(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the job's description, where ``.sync`` puts it: the output, or a failure's cause."""
    for name in ("output", "cause"):
        value = row.get(name)
        found = json_object(value) if isinstance(value, str) else {}
        if isinstance(found.get("ProcessingJobName"), str):
            return found
    return {}


def _parts(job: Mapping[str, Any], started: int) -> Facts:
    """Split a run into waiting (for a quota, an instance, an earlier attempt) and working."""
    began, ended = (number(job.get(f"Processing{end}Time")) for end in ("Start", "End"))
    waited = None if began is None or began < started else round((began - started) / 1000, 3)
    worked = None if waited is None or began is None or ended is None else (ended - began) / 1000
    return {"waited": waited, "worked": number(worked)}


def _volume(run: RunRecord) -> Facts:
    files = run.summary.get("files")
    listed = [one for one in files if isinstance(one, Mapping)] if isinstance(files, list) else []
    omitted = run.count("files_omitted") or 0
    sizes = [number(one.get("bytes")) for one in listed]
    known = [size for size in sizes if size is not None]
    whole = bool(listed) and not omitted and len(known) == len(listed)
    landed = (
        number(run.trigger.get("Size")) if run.trigger.get("Kind") == "object-created" else None
    )
    return {
        "files": number(len(listed) + omitted) if listed or omitted else None,
        "bytes_in": landed if landed is not None else sum(known) if whole else None,
        "bytes_out": number(run.output_bytes),
        "objects_out": number(run.output_objects),
    }


def _instances(job: Mapping[str, Any]) -> str | None:
    resources = job.get("ProcessingResources")
    cluster = resources.get("ClusterConfig") if isinstance(resources, dict) else None
    if not isinstance(cluster, dict):
        return None
    kind, count = text(cluster.get("InstanceType")), number(cluster.get("InstanceCount"))
    return f"{count or 1} x {kind}" if kind else None
