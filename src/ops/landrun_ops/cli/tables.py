"""Tables of runs, and short texts about a run: its digits, trigger, counts and failure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from rich import box
from rich.table import Table
from rich.text import Text

from landrun.clock import utc_now
from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line, printable
from landrun_ops.stack.history_events import WAITING
from landrun_ops.units import spelled

RERUNS_DEEP = 10
"""How many reruns to follow back to the first run."""

FIRST_NAMES = 5
"""How many runs are named beside a shared reason of failure."""

COUNTS = {
    "rows_in": "in",
    "rows_out": "out",
    "duplicates": "duplicate",
    "empty": "empty",
    "rejected": "rejected",
}
"""The counts of a job's summary, and their labels."""

STYLES = {"SUCCEEDED": "green", "RUNNING": "cyan", "PENDING_REDRIVE": "cyan", WAITING: "yellow"}


def runs_table(
    runs: Sequence[RunRecord],
    now: datetime | None = None,
    *,
    waiting: Collection[str] = (),
    repeated: Mapping[str, RunRecord] | None = None,
) -> Table:
    """Return a table of runs; ``waiting`` names those that wait for a concurrency slot.

    ``repeated`` has the runs that reruns repeat, by name.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("run", "started (UTC)", "status"):
        table.add_column(heading, overflow="fold")
    for heading in ("took", "in", "out"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("started by", overflow="fold", ratio=1)
    for run in runs:
        status = WAITING if run.name in waiting and not run.finished else run.status
        running = None if run.finished else ((now or utc_now()) - run.started).total_seconds()
        seconds = running if run.duration_seconds is None else run.duration_seconds
        counts = [run.count(name) for name in ("rows_in", "rows_out")]
        table.add_row(
            Text(printable(digits(run.name))),
            run.started.strftime("%m-%d %H:%M"),
            Text(status, style=STYLES.get(status, "red")),
            "-" if seconds is None else spelled(seconds),
            *("-" if number is None else str(number) for number in counts),
            Text(printable(object_text(run, repeated or {}))),
        )
    return table


def digits(name: str) -> str:
    """Return the short name of a run: the first eight digits of its uuid."""
    uuid = name.rpartition("-")[2]
    return uuid[:8] if len(uuid) == 32 else name  # noqa: PLR2004


def trigger_text(run: RunRecord) -> str:
    """Describe in a few words what started a run."""
    trigger = run.trigger
    match trigger.get("Kind"):
        case "object-created":
            return str(trigger.get("Key", ""))
        case "schedule":
            return f"tick {str(trigger.get('ScheduledTime', ''))[:16].replace('T', ' ')}"
        case "manual":
            if trigger.get("RerunOf"):
                return f"rerun of {digits(str(trigger['RerunOf']))}"
            arn = str(trigger.get("StartedBy", ""))  # ends in user/ana, or assumed-role/Admin/ana
            return f"by hand, {arn.rpartition(':')[2].removeprefix('assumed-role/')}"
        case "outside":
            return "by hand, outside landrun"
    return "-"


def first_run(run: RunRecord, known: Mapping[str, RunRecord]) -> RunRecord:
    """Return the run that a rerun goes back to, as far as the runs are known by name."""
    for _ in range(RERUNS_DEEP):  # rows written by others may form a circle
        run = known.get(run.rerun_of or "", run)
    return run


def object_text(run: RunRecord, known: Mapping[str, RunRecord]) -> str:
    """Describe what started a run; for a rerun, what started its first run, if that is known."""
    first, words = first_run(run, known), trigger_text(run)
    return words if first is run else f"{trigger_text(first)} ({words})"


def failure_lines(runs: Sequence[RunRecord]) -> list[str]:
    """Return a line for each reason of failure, with the runs that failed for it."""
    found: dict[str, list[str]] = {}
    for run in runs:
        if run.finished and not run.succeeded:
            why = one_line(run.reason, 300) or "the run gave no reason"
            found.setdefault(why, []).append(printable(digits(run.name)))
    return [
        f"✗ {', '.join(names[:FIRST_NAMES])}{' …' if names[FIRST_NAMES:] else ''}: {why}"
        for why, names in found.items()
    ]


def counts_text(run: RunRecord) -> str:
    """Return the counts of a run's job in a line; empty if there are none."""
    counts = {words: run.count(name) for name, words in COUNTS.items()}
    return ", ".join(f"{count:,} {words}" for words, count in counts.items() if count is not None)
