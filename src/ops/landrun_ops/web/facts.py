"""The facts about one run that the page shows.

Triggers, summaries and causes may hold anything: values of an unexpected type are left out, and
texts are made printable and short.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from landrun.models.fields import Lenient
from landrun.models.job_summary import files_read
from landrun.models.processing_job import ProcessingJob
from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line
from landrun_ops.stack.console_links import links
from landrun_ops.stack.run_details import why_failed

TEXT, ALIKE = 400, 160
"""How many characters of a text are shown, and how many of a cause are compared."""

_NAME_OR_NUMBER = re.compile(
    r"(?<!\w)'[^']{1,200}'(?!\w)|\"[^\"]{1,200}\""
    r"|[^\s(\[{]*/[^\s,;)\]}]*|\barn:\S+"
    r"|[\w.-]+\.(?:csv|tsv|jsonl?|ndjson|parquet|txt|gz|zst|bz2|zip)\b"
    r"|\b(?=[\w-]*\d)[\w-]{8,}|\d+(?:[.,]\d+)*"
)
"""Parts of a cause that differ between runs that failed for the same reason."""


Line = Lenient[Annotated[str, AfterValidator(lambda text: one_line(text, TEXT) or None)]]
# A browser cannot hold larger integers exactly (ECMAScript, Number.MAX_SAFE_INTEGER).
Count = Lenient[Annotated[int, Field(strict=True, ge=0, lt=2**53)]]


class RunFacts(BaseModel):
    """A run as the page and ``landrun report --json`` show it."""

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
    """The key that landed, the scheduled time, or the person who started it."""
    rows_in: Count = None
    rows_out: Count = None
    duplicates: Count = None
    empty: Count = None
    rejected: Count = None
    files: Count
    bytes_in: Count
    waited: float | None
    """Seconds until its last job began to work; ``worked`` are the seconds of that job."""
    worked: float | None
    instances: Line
    cause: str | None
    """Why it failed; ``alike`` is the same text without names and numbers."""
    alike: str | None
    links: dict[str, str]
    """Pages of AWS's consoles."""


_OF_RECORD = RunFacts.model_fields.keys() & RunRecord.model_fields.keys() - {"cause"}
_COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")


def facts(run: RunRecord, *, laptop: bool) -> RunFacts:
    """Return the facts about a run; a run on a laptop's AWS has no links to consoles."""
    job = ProcessingJob.from_json(run.output) or ProcessingJob.from_json(run.cause)
    began = job.ProcessingStartTime if job else None
    timed = began is not None and began >= run.started
    kind, what = _trigger(run.trigger)
    read = files_read(run.summary)
    instances = f"{job.InstanceCount or 1} x {job.InstanceType}" if job and job.InstanceType else ""
    why = one_line(why_failed(run), TEXT)
    return RunFacts(
        **run.model_dump(include=set(_OF_RECORD)),
        **{name: run.summary.get(name) for name in _COUNTS},
        kind=kind,
        what=what,
        files=read.get("files") or None,
        bytes_in=run.trigger.get("Size") if kind == "object-created" else read.get("bytes"),
        waited=(began - run.started).total_seconds() if began and timed else None,
        worked=job.seconds if job and timed else None,
        instances=instances,
        cause=why or None,
        alike=alike(why) if why else None,
        links={} if laptop else links(run, run.job_name or ""),
    )


def alike(text: str) -> str:
    """Return a cause without names and numbers, to group runs that failed for the same reason.

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
