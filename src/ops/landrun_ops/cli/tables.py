"""Runs as a table that fits the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from landrun_ops.runs import Run

WIDE = 150
"""Columns of a screen from which on a row has room for its output's URI."""

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

    A narrow screen shows dropped rows as one sum and leaves the output's URI to ``--json``.
    """
    started = Column("started (UTC)", _started)
    if width >= WIDE:
        return _table(runs, width, [*_LEADING, started, *_OUTCOME, *_COUNTS, _OUTPUT])
    dropped = Column("dropped", _dropped, "right")
    return _table(runs, width, [*_LEADING, started, *_OUTCOME, *_COUNTS[:2], dropped])


def outcome_table(runs: Sequence[Run], width: int) -> Table:
    """Lay out runs that just ended: every count and, on a wide screen, the output's URI."""
    output = [_OUTPUT] if width >= WIDE else []
    return _table(runs, width, [*_LEADING, *_OUTCOME, *_COUNTS, *output])


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
            return f"tick {trigger.get('ScheduledTime', '')}"
        case "manual":
            return f"by hand, {trigger.get('StartedBy', '')}"
    return _UNKNOWN


def shortened(text: str, width: int) -> str:
    """Cut the beginning of a text off, so that the end, which tells keys apart, stays."""
    return text if len(text) <= width else f"…{text[len(text) - width + 1 :]}"


def printable(text: str) -> str:
    """Give a key as one line: what would move the cursor becomes its escape."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _table(runs: Sequence[Run], width: int, columns: Sequence[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for column in columns:
        table.add_column(
            column.heading,
            justify=column.justify,
            overflow=column.overflow,
            no_wrap=column.overflow == "ellipsis",
        )
    room = _room_for_trigger(runs, width, columns)
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


def _room_for_trigger(runs: Sequence[Run], width: int, columns: Iterable[Column]) -> int:
    others = [column for column in columns if column is not _TRIGGER]
    taken = sum(
        1 + max(len(column.heading), *(len(column.text(run)) for run in runs)) for column in others
    )
    return max(len(_TRIGGER.heading), width - taken - 1)


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
_LEADING = (Column("run", lambda run: short_name(run.name)), _TRIGGER)
_OUTCOME = (_STATUS, Column("s", _seconds, "right"))
_COUNTS = (
    Column("in", _count("rows_in"), "right"),
    Column("out", _count("rows_out"), "right"),
    Column("dup", _count("duplicates"), "right"),
    Column("empty", _count("empty"), "right"),
    Column("rej", _count("rejected"), "right"),
)
_OUTPUT = Column("output", lambda run: run.output_uri)
