"""What the page shows of one run.

Triggers, summaries and causes may hold anything: what is not of its type is not known, and texts
are printable and short.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from landrun.models.fields import Lenient
from landrun.models.processing_job import ProcessingJob
from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line
from landrun_ops.stack.console_links import links
from landrun_ops.stack.run_details import why_failed

TEXT, ALIKE = 400, 160
"""Characters that are shown of a text, and that are compared of a cause."""

_NAME_OR_NUMBER = re.compile(
    r"(?<!\w)'[^']{1,200}'(?!\w)|\"[^\"]{1,200}\""
    r"|[^\s(\[{]*/[^\s,;)\]}]*|\barn:\S+"
    r"|[\w.-]+\.(?:csv|tsv|jsonl?|ndjson|parquet|txt|gz|zst|bz2|zip)\b"
    r"|\b(?=[\w-]*\d)[\w-]{8,}|\d+(?:[.,]\d+)*"
)
"""What differs from run to run where the reason is the same."""


def _line(value: object) -> str | None:
    return one_line(value, TEXT) if isinstance(value, str) and value else None


Line = Annotated[str | None, BeforeValidator(_line)]
# Numbers from 2**53 on are not whole in a browser (ECMAScript, Number.MAX_SAFE_INTEGER).
Count = Lenient[Annotated[int, Field(strict=True, ge=0, lt=2**53)]]


class RunFacts(BaseModel):
    """A run as the page and ``landrun report --json`` have it, in part by its record's names."""

    name: str
    status: str
    started_at: str
    stopped_at: str | None
    duration_seconds: float | None
    redrive_count: int
    rerun_of: str | None
    execution_arn: str
    output_processed_message: Line
    output_objects: Count
    output_bytes: Count
    instance_seconds: float | None
    error: Line
    kind: str
    """What started the run: ``object-created``, ``schedule``, ``manual`` or ``other``."""
    what: Line
    """The key that landed, or which tick or person it was."""
    rows_in: Count = None
    rows_out: Count = None
    duplicates: Count = None
    empty: Count = None
    rejected: Count = None
    files: Count
    bytes_in: Count
    waited: float | None
    """Seconds until its last job began to work, ``worked`` those of that job."""
    worked: float | None
    instances: Line
    cause: str | None
    """Why it failed, and ``alike`` the same without what differs from run to run."""
    alike: str | None
    links: dict[str, str]
    """Pages of AWS's consoles."""


_OF_RECORD = RunFacts.model_fields.keys() & RunRecord.model_fields.keys() - {"cause"}
_COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")


def facts(run: RunRecord, *, laptop: bool) -> RunFacts:
    """Return what the page shows of a run; a run on a laptop's AWS has no links to consoles."""
    job = ProcessingJob.from_json(run.output) or ProcessingJob.from_json(run.cause)
    began = job.ProcessingStartTime if job else None
    timed = began is not None and began >= run.started
    kind, what = _trigger(run.trigger)
    files, size = _files(run.summary)
    instances = f"{job.InstanceCount or 1} x {job.InstanceType}" if job and job.InstanceType else ""
    why = one_line(why_failed(run), TEXT)
    return RunFacts(
        **run.model_dump(include=set(_OF_RECORD)),
        **{name: run.summary.get(name) for name in _COUNTS},
        kind=kind,
        what=what,
        files=files,
        bytes_in=run.trigger.get("Size") if kind == "object-created" else size,
        waited=(began - run.started).total_seconds() if began and timed else None,
        worked=job.seconds if job and timed else None,
        instances=instances,
        cause=why or None,
        alike=alike(why) if why else None,
        links={} if laptop else links(run, run.job_name or ""),
    )


def alike(text: str) -> str:
    """Return what a cause has in common with others of its kind: names and numbers are left out.

    >>> alike("no file could be used: incoming/a.csv: 17 rows are too long")
    'no file could be used: …: … rows are too long'
    """
    return _NAME_OR_NUMBER.sub("…", text)[:ALIKE]


def _trigger(trigger: Mapping[str, Any]) -> tuple[str, Any]:
    match trigger.get("Kind"):
        case "object-created":
            return "object-created", trigger.get("Key")
        case "schedule":
            part = trigger.get("Part")
            tick = f"tick of {trigger.get('ScheduledTime')}"
            return "schedule", f"{tick}, part {part}" if part else tick
        case "manual":
            return "manual", f"by {str(trigger.get('StartedBy')).rpartition('/')[2]}"
        case "outside":
            return "manual", "outside landrun"
    return "other", None


def _files(summary: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Count the files that a job says it read, and their bytes if it lists all of them."""
    files, omitted = summary.get("files"), summary.get("files_omitted") or 0
    if not isinstance(files, list) or not isinstance(omitted, int):
        return None, None
    listed = [one.get("bytes") for one in files if isinstance(one, Mapping)]
    sizes = [size for size in listed if isinstance(size, int)]
    many = len(listed) + omitted
    return many or None, sum(sizes) if sizes and len(sizes) == many else None
