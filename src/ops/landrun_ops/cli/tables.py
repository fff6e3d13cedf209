"""Runs as a table that fits the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from landrun.outside import printable
from landrun_ops.runs import Run

TRIGGER_ROOM = 24
"""Columns below which a trigger is not cut off as long as another column can go."""

GAP = 2
"""Columns between two of the table: its padding and the box's divider."""

_COLOURS = {"SUCCEEDED": "green", "RUNNING": "cyan", "PENDING_REDRIVE": "cyan"}
_UNKNOWN = "-"


class Column(NamedTuple):
    """One column: its heading, what it shows of a run, and how it gives way."""

    heading: str
    text: Callable[[Run], str]
    justify: Literal["left", "right"] = "left"
    overflow: Literal["fold", "ellipsis"] = "fold"


def runs_table(runs: Sequence[Run], width: int) -> Table:
    """Lay out runs of the ledger in a table of at most ``width`` columns.

    The narrower the screen, the less is shown: first the output's URI goes, then dropped rows
    become one sum.
    """
    narrow = [_DIGITS, _TRIGGER, _STARTED_SHORT, *_OUTCOME, *_COUNTS[:2], _DROPPED]
    middle = [_NAME, _TRIGGER, _STARTED, *_OUTCOME, *_COUNTS]
    return _table(runs, width, _widest(runs, width, [*middle, _OUTPUT], middle, narrow))


def outcome_table(runs: Sequence[Run], width: int) -> Table:
    """Lay out runs that just ended, every count included, in at most ``width`` columns."""
    narrow = [_DIGITS, _TRIGGER, *_OUTCOME, *_COUNTS]
    middle = [_NAME, _TRIGGER, *_OUTCOME, *_COUNTS]
    return _table(runs, width, _widest(runs, width, [*middle, _OUTPUT], middle, narrow))


def shows_output(table: Table) -> bool:
    """Whether the screen was wide enough for the outputs' URIs."""
    return any(column.header == _OUTPUT.heading for column in table.columns)


def short_name(name: str) -> str:
    """Shorten a run's name to its prefix and the first eight digits of its uuid."""
    prefix, dash, digits = name.rpartition("-")
    return f"{prefix}{dash}{digits[:8]}" if len(digits) == 32 else name  # noqa: PLR2004


def trigger_text(run: Run) -> str:
    """Say in a few words what started a run."""
    trigger = run.trigger
    match trigger.get("Kind"):
        case "object-created":
            return str(trigger.get("Key", ""))
        case "schedule":
            return f"tick {str(trigger.get('ScheduledTime', ''))[:16].replace('T', ' ')}"
        case "manual":
            return f"by hand, {trigger.get('StartedBy', '')}"
    return _UNKNOWN


def shortened(text: str, width: int) -> str:
    """Cut the beginning of a text off, so that the end, which tells keys apart, stays."""
    return text if len(text) <= width else f"…{text[len(text) - width + 1 :]}"


def _table(runs: Sequence[Run], width: int, columns: Sequence[Column]) -> Table:
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


def _cell(column: Column, run: Run, room: int) -> Text:
    text = printable(column.text(run))
    if column is _TRIGGER:
        return Text(shortened(text, room))
    if column is _STATUS:
        return Text(text, style=_COLOURS.get(text, "red"))
    return Text(text)


def _widest(runs: Sequence[Run], width: int, *layouts: list[Column]) -> list[Column]:
    """Choose the first layout that leaves triggers room; the last when none does."""
    longest = max((len(printable(trigger_text(run))) for run in runs), default=0)
    wanted = min(longest, TRIGGER_ROOM)
    fitting = (layout for layout in layouts if _room_for_trigger(runs, width, layout) >= wanted)
    return next(fitting, layouts[-1])


def _room_for_trigger(runs: Sequence[Run], width: int, columns: Iterable[Column]) -> int:
    others = [column for column in columns if column is not _TRIGGER]
    taken = sum(
        GAP + max(len(column.heading), *(len(column.text(run)) for run in runs))
        for column in others
    )
    return width - taken


def _started(run: Run) -> str:
    return str(run.attributes.get("started_at", _UNKNOWN))[:16].replace("T", " ")


def _seconds(run: Run) -> str:
    return _UNKNOWN if run.seconds is None else f"{run.seconds:.1f}"


def _count(name: str) -> Callable[[Run], str]:
    def text(run: Run) -> str:
        count: Any = run.rows(name)
        return _UNKNOWN if count is None else str(count)

    return text


def _dropped(run: Run) -> str:
    counts = [run.rows(name) for name in ("duplicates", "empty", "rejected")]
    known = [count for count in counts if count is not None]
    return str(sum(known)) if known else _UNKNOWN


_TRIGGER = Column("trigger", trigger_text, overflow="ellipsis")
_STATUS = Column("status", lambda run: run.status or _UNKNOWN)
_NAME = Column("run", lambda run: short_name(run.name))
_DIGITS = Column("run", lambda run: short_name(run.name).rpartition("-")[2])
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
_OUTPUT = Column("output", lambda run: run.output_uri)
