"""Runs in tables, and the few words that say which run it is and what started it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from rich import box
from rich.table import Table
from rich.text import Text

from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line, printable

WHY_LENGTH = 300
"""Characters of why a run failed."""

COUNTS = {
    "rows_in": "in",
    "rows_out": "out",
    "duplicates": "duplicates",
    "empty": "empty",
    "rejected": "rejected",
}
"""The counts of a job's summary, and what to call them."""

WAITING = "WAITING"
"""The status shown for a run that waits for a concurrency slot; Step Functions says RUNNING."""

STYLES = {
    "SUCCEEDED": "green",
    "RUNNING": "cyan",
    "PENDING_REDRIVE": "cyan",
    WAITING: "yellow",
}
_UNKNOWN = "-"


def plain_table() -> Table:
    """Return an empty table without lines, but one below its head."""
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)


def runs_table(
    runs: Sequence[RunRecord],
    now: datetime | None = None,
    *,
    waiting: Collection[str] = (),
    rerun_runs: Mapping[str, RunRecord] | None = None,
) -> Table:
    """Return a table of runs.

    Parameters
    ----------
    now : datetime, optional
        The present, aware: then runs that have not ended show how long they have been running.
    waiting : collection of str
        Names of the runs that wait for a concurrency slot.
    rerun_runs : mapping
        The runs that reruns repeat, by their names.
    """
    table = plain_table()
    for heading in ("run", "started (UTC)", "status"):
        table.add_column(heading, overflow="fold")
    for heading in ("took", "in", "out"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("started by", overflow="fold", ratio=1, min_width=20)
    for run in runs:
        status = WAITING if run.name in waiting and not run.finished else run.status or _UNKNOWN
        table.add_row(
            Text(printable(digits(run.name))),
            Text(printable(_started(run))),
            Text(printable(status), style=STYLES.get(status, "red")),
            took_text(run, now),
            *(count_text(run, name) for name in ("rows_in", "rows_out")),
            Text(printable(object_text(run, rerun_runs or {}))),
        )
    return table


def short_name(name: str) -> str:
    """Shorten a run's name to its prefix and the first eight digits of its uuid."""
    prefix, dash, uuid = name.rpartition("-")
    return f"{prefix}{dash}{uuid[:8]}" if len(uuid) == 32 else name  # noqa: PLR2004


def digits(name: str) -> str:
    """Return what is enough of a run's name to type: the first eight digits of its uuid."""
    short = short_name(name)
    return short if short == name else short.rpartition("-")[2]


def trigger_text(run: RunRecord) -> str:
    """Say in a few words what started a run."""
    trigger = run.trigger
    match trigger.get("Kind"):
        case "object-created":
            return str(trigger.get("Key", ""))
        case "schedule":
            return f"tick {str(trigger.get('ScheduledTime', ''))[:16].replace('T', ' ')}"
        case "manual":
            if trigger.get("RerunOf"):
                return f"rerun of {digits(str(trigger['RerunOf']))}"
            return f"by hand, {person(str(trigger.get('StartedBy', '')))}"
        case "outside":
            return "by hand, outside landrun"
    return _UNKNOWN


def object_text(run: RunRecord, known: Mapping[str, RunRecord]) -> str:
    """Say what started a run; of a rerun, what started the first run, as far as it is known."""
    first, seen = run, {run.name}
    while (again := known.get(first.rerun_of or "")) and again.name not in seen:
        first = again
        seen.add(first.name)
    words = trigger_text(run)
    return words if first is run else f"{trigger_text(first)} ({words})"


def failures(runs: Sequence[RunRecord]) -> dict[str, list[str]]:
    """Return why runs failed, and which failed for each reason."""
    found: dict[str, list[str]] = {}
    for run in runs:
        if run.finished and not run.succeeded:
            why = one_line(run.reason, WHY_LENGTH) or "the run gave no reason"
            found.setdefault(why, []).append(digits(run.name))
    return found


def person(started_by: str) -> str:
    """Return what tells people apart: of an ARN the last part, ``user/ana`` or ``Admin/ana``."""
    return started_by.rpartition(":")[2].removeprefix("assumed-role/")


def took_text(run: RunRecord, now: datetime | None) -> str:
    """Say in few columns how long a run took or, with ``now``, has been running."""
    seconds = run.duration_seconds
    if seconds is None and now is not None and not run.finished:
        started = started_at(run)
        seconds = (now - started).total_seconds() if started else None
    return _UNKNOWN if seconds is None else brief(seconds)


def started_at(run: RunRecord) -> datetime | None:
    """Return when a run started; None if its row has no time with a zone."""
    try:
        started = datetime.fromisoformat(str(run.started_at))
    except ValueError:
        return None
    return started.astimezone(UTC) if started.tzinfo else None


def brief(seconds: float) -> str:
    """Spell a span in at most seven columns.

    >>> [brief(seconds) for seconds in (1.74, 83, 3840, 180000)]
    ['1.7 s', '1m 23s', '1h 04m', '2d 02h']
    """
    if seconds < 59.95:  # noqa: PLR2004  (what would be written as 60.0)
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    days, hours, minutes = whole // 86400, whole // 3600, whole // 60
    if days:
        return f"{days}d {hours % 24:02d}h"
    return f"{hours}h {minutes % 60:02d}m" if hours else f"{minutes}m {whole % 60:02d}s"


def shortened(text: str, width: int) -> str:
    """Cut the beginning of a text off, so that the end, which tells keys apart, stays."""
    return text if len(text) <= width else f"…{text[len(text) - width + 1 :]}"


def count_text(run: RunRecord, name: str) -> str:
    """Return a count of a job's summary as text."""
    count = run.count(name)
    return _UNKNOWN if count is None or count < 0 else str(count)


def counts_text(run: RunRecord) -> str:
    """Say in a line what a run's job counted; empty where it counted nothing."""
    counts = {words: run.count(name) for name, words in COUNTS.items()}
    known = {words: count for words, count in counts.items() if count is not None and count >= 0}
    return ", ".join(f"{count:,} {words}" for words, count in known.items())


def _started(run: RunRecord) -> str:
    return str(run.started_at)[5:16].replace("T", " ") or _UNKNOWN
