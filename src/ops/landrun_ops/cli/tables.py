"""Runs as a table that fits the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from landrun.models.run_record import RunRecord
from landrun.sanitize import one_line, printable

TRIGGER_ROOM = 24
"""Columns below which a trigger is not cut off as long as another column can go."""

RESULT_ROOM = 80
"""Columns for why a run failed, where its output's URI does not take more."""

GAP = 2
"""Columns between two of the table: its padding and the box's divider."""

_COLOURS = {"SUCCEEDED": "green", "RUNNING": "cyan", "PENDING_REDRIVE": "cyan"}
_UNKNOWN = "-"


class Column(NamedTuple):
    """One column: its heading, what it shows of a run, and how it gives way."""

    heading: str
    text: Callable[[RunRecord], str]
    justify: Literal["left", "right"] = "left"
    overflow: Literal["fold", "ellipsis"] = "fold"


def runs_table(runs: Sequence[RunRecord], width: int, now: datetime | None = None) -> Table:
    """Lay out runs of the ledger in a table of at most ``width`` columns.

    The narrower the screen, the less is shown: first the output's URI goes, or why there is none,
    then dropped rows become one sum.

    Parameters
    ----------
    now : datetime, optional
        The present, aware: then runs that have not ended show how long they have been running.
    """
    took = Column("took", lambda run: took_text(run, now), "right")
    narrow = [_DIGITS, _TRIGGER, _STARTED_SHORT, _STATUS, took, *_COUNTS[:2], _DROPPED]
    middle = [_NAME, _TRIGGER, _STARTED, _STATUS, took, *_COUNTS]
    least = [_DIGITS, _TRIGGER, _STATUS, took]
    chosen = _widest(runs, width, [*middle, _RESULT], middle, narrow)
    cramped = _room_for_trigger(runs, width, chosen) < len(_TRIGGER.heading)
    return _table(runs, width, least if cramped else chosen)


def outcome_table(runs: Sequence[RunRecord], width: int) -> Table:
    """Lay out runs that just ended, every count included, in at most ``width`` columns."""
    narrow = [_DIGITS, _TRIGGER, *_OUTCOME, *_COUNTS]
    middle = [_NAME, _TRIGGER, *_OUTCOME, *_COUNTS]
    return _table(runs, width, _widest(runs, width, [*middle, _OUTPUT], middle, narrow))


def shows_output(table: Table) -> bool:
    """Whether the screen was wide enough for the outputs' URIs."""
    return any(column.header in (_OUTPUT.heading, _RESULT.heading) for column in table.columns)


def short_name(name: str) -> str:
    """Shorten a run's name to its prefix and the first eight digits of its uuid."""
    prefix, dash, digits = name.rpartition("-")
    return f"{prefix}{dash}{digits[:8]}" if len(digits) == 32 else name  # noqa: PLR2004


def _digits(name: str) -> str:
    return short_name(name).rpartition("-")[2]


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
                return f"rerun of {_digits(str(trigger['RerunOf']))}"
            return f"by hand, {person(str(trigger.get('StartedBy', '')))}"
        case "outside":
            return "by hand, outside landrun"
    return _UNKNOWN


def person(started_by: str) -> str:
    """Give what tells people apart: of an ARN the last part, ``user/ana`` or ``Admin/ana``."""
    return started_by.rpartition(":")[2].removeprefix("assumed-role/")


def took_text(run: RunRecord, now: datetime | None) -> str:
    """Say in few columns how long a run took or, with ``now``, has been running."""
    seconds = run.duration_seconds
    if seconds is None and now is not None and not run.finished:
        seconds = _since(run, now)
    return _UNKNOWN if seconds is None else brief(seconds)


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


def _table(runs: Sequence[RunRecord], width: int, columns: Sequence[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column in columns:
        table.add_column(
            column.heading,
            justify=column.justify,
            overflow=column.overflow,
            no_wrap=column.overflow == "ellipsis",
        )
    room = max(len(_TRIGGER.heading), _room_for_trigger(runs, width, columns))
    for run in runs:
        table.add_row(*(_cell(column, run, room) for column in columns))
    return table


def _cell(column: Column, run: RunRecord, room: int) -> Text:
    text = printable(column.text(run))
    if column is _TRIGGER:
        return Text(shortened(text, room))
    if column is _STATUS:
        return Text(text, style=_COLOURS.get(text, "red"))
    return Text(text)


def _widest(runs: Sequence[RunRecord], width: int, *layouts: list[Column]) -> list[Column]:
    """Choose the first layout that leaves triggers room; the last when none does."""
    longest = max((len(printable(trigger_text(run))) for run in runs), default=0)
    wanted = min(longest, TRIGGER_ROOM)
    fitting = (layout for layout in layouts if _room_for_trigger(runs, width, layout) >= wanted)
    return next(fitting, layouts[-1])


def _room_for_trigger(runs: Sequence[RunRecord], width: int, columns: Iterable[Column]) -> int:
    others = [column for column in columns if column is not _TRIGGER]
    taken = sum(
        GAP + max(len(column.heading), *(len(column.text(run)) for run in runs))
        for column in others
    )
    return width - taken


def _started(run: RunRecord) -> str:
    return str(run.started_at)[:16].replace("T", " ")


def _since(run: RunRecord, now: datetime) -> float:
    return (now - run.started).total_seconds()


def _result(run: RunRecord) -> str:
    """Give the output of a run or, where it failed, why."""
    if run.finished and not run.succeeded:
        return one_line(run.reason, max(RESULT_ROOM, len(run.output_processed_message or "")))
    return run.output_processed_message or ""


def _seconds(run: RunRecord) -> str:
    return _UNKNOWN if run.duration_seconds is None else f"{run.duration_seconds:.1f}"


def _count(name: str) -> Callable[[RunRecord], str]:
    def text(run: RunRecord) -> str:
        count: Any = run.count(name)
        return _UNKNOWN if count is None else str(count)

    return text


def _dropped(run: RunRecord) -> str:
    counts = [run.count(name) for name in ("duplicates", "empty", "rejected")]
    known = [count for count in counts if count is not None]
    return str(sum(known)) if known else _UNKNOWN


_TRIGGER = Column("trigger", trigger_text, overflow="ellipsis")
_STATUS = Column("status", lambda run: run.status or _UNKNOWN)
_NAME = Column("run", lambda run: short_name(run.name))
_DIGITS = Column("run", lambda run: _digits(run.name))
_STARTED = Column("started (UTC)", _started)
_STARTED_SHORT = Column("started", lambda run: _started(run).partition("-")[2] or _UNKNOWN)
_OUTCOME = (_STATUS, Column("s", _seconds, "right"))
_COUNTS = (
    Column("in", _count("rows_in"), "right"),
    Column("out", _count("rows_out"), "right"),
    Column("dup", _count("duplicates"), "right"),
    Column("empty", _count("empty"), "right"),
    Column("rej", _count("rejected"), "right"),
)
_DROPPED = Column("dropped", _dropped, "right")
_OUTPUT = Column("output", lambda run: run.output_processed_message or "")
_RESULT = Column("output, or why it failed", _result)
