"""Lists of runs, drawn for so many columns and lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from landrun.models.run_record import RunRecord
from landrun.sanitize import printable
from landrun_ops.cli.tables import short_name, shortened, trigger_text
from landrun_ops.durations import spelled
from landrun_ops.stack.recent_runs import Activity

LEAST_REST = 8
"""Columns below which the end of a trigger says nothing."""

Row = tuple[Text, Text, Text, str]
"""Of a list: a run's name, a span, what is always shown, and what is cut off where it must be."""


def share(activity: Activity | None, lines: int) -> int:
    """Give the lines that what runs gets: what it needs, or half where both need more."""
    if activity is None:
        return 2
    needed = 1 + max(1, len(activity.running))
    ended = 1 + max(1, len(activity.ended))
    return max(2, min(needed, max(lines // 2, lines - ended)))


def running_list(
    activity: Activity | None,
    now: datetime,
    width: int,
    lines: int,
    in_line: Collection[str] = (),
) -> RenderableType:
    """List what runs, the longest first; of those ``in_line`` say that they wait their turn."""
    if activity is None:
        return Group(_title("running"), Text("…"))
    runs, more = activity.running, activity.more_running
    waiting = sum(one.name in in_line for one in runs)
    lined = f", {waiting:,} of them in line" if waiting else ""
    count = f"{len(runs):,}{' or more' if more else ''}{lined}"
    title = _title("running", count, len(runs) > 1)
    if not runs:
        return Group(_title("running"), Text("none", style="dim"))
    rows = [
        (_name(one), Text(age(one.started, now), style="cyan"), _does(one, in_line), _what(one))
        for one in _first(runs, lines)
    ]
    return Group(title, _list(rows, width), *_rest(len(runs), lines))


def ended_list(activity: Activity | None, now: datetime, width: int, lines: int) -> RenderableType:
    """List what ended, the latest first, and how."""
    if activity is None:
        return Group(_title("ended"), Text("…"))
    runs = activity.ended
    if not runs:
        return Group(_title("ended"), Text("none in the last hour", style="dim"))
    rows = [
        (
            _name(one),
            Text(f"{age(one.stopped or one.started, now)} ago", style="dim"),
            *_outcome(one),
        )
        for one in _first(runs, lines)
    ]
    return Group(_title("ended", "", longest=False), _list(rows, width), *_rest(len(runs), lines))


def _title(word: str, count: str = "", longest: bool = False) -> Text:
    order = ", the longest first" if longest else ""
    return Text.assemble((f"{word} {count}".rstrip(), "bold"), (order, "dim"))


def _first(runs: Sequence[RunRecord], lines: int) -> Sequence[RunRecord]:
    """Give those for which there is room below the title, and above what says how many more."""
    room = max(1, lines - 1)
    return runs if len(runs) <= room else runs[: max(1, room - 1)]


def _rest(count: int, lines: int) -> list[Text]:
    room = max(1, lines - 1)
    hidden = count - max(1, room - 1) if count > room else 0
    return [Text(f"and {hidden:,} more", style="dim")] if hidden and room > 1 else []


def _list(rows: Sequence[Row], width: int) -> Table:
    names, ages = (
        max(column) for column in zip(*((len(a), len(b)) for a, b, *_ in rows), strict=True)
    )
    room = max(8, width - names - ages - 4)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=names, no_wrap=True)
    table.add_column(width=ages, no_wrap=True, justify="right")
    table.add_column(width=room, no_wrap=True, overflow="ellipsis")
    for name, age, always, rest in rows:
        what, left = always.copy(), room - always.cell_len
        if left >= LEAST_REST:
            what.append(shortened(rest, left), style="default")
        table.add_row(name, age, what)
    return table


def _name(one: RunRecord) -> Text:
    return Text(short_name(printable(one.name)))


def age(since: datetime, now: datetime) -> str:
    """Spell how long ago a time was, in whole seconds."""
    return span_text((now - since).total_seconds())


def span_text(seconds: float) -> str:
    """Spell a span in whole seconds: the screen shows it change."""
    return spelled(round(max(0.0, seconds))).replace(".0 s", " s")


def _does(one: RunRecord, in_line: Collection[str]) -> Text:
    return Text("waits its turn  ", style="yellow") if one.name in in_line else Text()


def _what(one: RunRecord) -> str:
    return printable(trigger_text(one))


def _outcome(one: RunRecord) -> tuple[Text, str]:
    """Say how a run ended; the end of its trigger is what may be cut off last."""
    run = one
    if run.succeeded:
        return Text(f"✓ {spelled(run.duration_seconds or 0)}  ", style="green"), _what(one)
    why = f": {run.reason}" if run.reason else ""
    return Text(f"✗ {printable(one.status)}{why}  ", style="red"), _what(one)
