"""What goes on in a stack, drawn for a screen of any size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from landrun.sanitize import one_line, printable
from landrun_ops.cli.activity_runs import age, ended_list, running_list, share, span_text
from landrun_ops.stack.activity import Backlog, Queues, Tick
from landrun_ops.stack.recent_runs import Activity
from landrun_ops.stack.waiting_executions import Line

WIDE = 132
"""Columns from which on what runs and what ended stand side by side."""

SPANS = (("5 min", timedelta(minutes=5)), ("hour", timedelta(hours=1)))
"""The spans of which runs are counted; the first is the one of the rate."""

STALE_SECONDS = 10.0
"""What was seen longer ago is shown with its age."""

_ONE = {"landings": "landing", "ticks": "tick", "statuses": "status"}
_GAP = 3
_LABEL = 12
_RATE_LINES = 4


@dataclass(frozen=True, slots=True)
class View:
    """All that the screen shows; what is None has not been seen yet.

    Attributes
    ----------
    stack, region, start_on : str
        Whose it is.
    now : datetime
        The time in UTC.
    tick : Tick or None
        The schedule; None where there is none.
    waits : bool
        Whether landings wait for a tick (StartOn=schedule).
    backlog_seen : datetime or None
        When the backlog was counted.
    line : Line or None
        The runs that wait for a turn.
    bounded : bool
        Whether runs wait for a turn (MaxConcurrentRuns).
    troubles : tuple of str
        What could not be looked at, a line each.
    """

    stack: str
    region: str
    start_on: str
    now: datetime
    queues: Queues | None
    backlog: Backlog | None
    activity: Activity | None
    tick: Tick | None = None
    waits: bool = False
    backlog_seen: datetime | None = None
    line: Line | None = None
    bounded: bool = False
    troubles: tuple[str, ...] = ()


def screen(view: View, width: int, height: int, footer: str = "") -> RenderableType:
    """Draw the view in so many columns and lines.

    Parameters
    ----------
    footer : str
        A line below all else, such as how to end it; may be empty.
    """
    troubles = [Text(f"! {one_line(line, width - 2)}", style="yellow") for line in view.troubles]
    top: list[RenderableType] = [_head(view, width), *troubles, Text()]
    below = [Text(), Text(footer[:width], style="dim")] if footer else []
    half = (width - _GAP) // 2 if width >= WIDE else width
    now = _present(view, half)
    figures = max(len(now), _RATE_LINES) if width >= WIDE else len(now) + 1 + _RATE_LINES
    left = height - len(top) - figures - 1 - len(below)
    activity, lists = view.activity, list[RenderableType]()
    in_line = view.line.places if view.line else dict[str, int]()
    if width >= WIDE:
        top.append(_beside(Group(*now), _rates(view), half))
        running_runs = running_list(activity, view.now, half, left, in_line)
        lists = [_beside(running_runs, ended_list(activity, view.now, half, left), half)]
    else:
        top += [*now, Text(), _rates(view)]
        running = share(activity, left - 1)
        ended = left - running - 1
        lists = [
            running_list(activity, view.now, width, running, in_line),
            Text(),
            ended_list(activity, view.now, width, ended),
        ]
    return Group(*top, Text(), *lists, *below)


def _beside(left: RenderableType, right: RenderableType, half: int) -> Table:
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=half)
    grid.add_column(width=half)
    grid.add_row(left, right)
    return grid


def _head(view: View, width: int) -> Text:
    left = f"{view.stack} in {view.region}, StartOn={view.start_on}"
    time = f"{view.now:%H:%M:%S} UTC"
    room = max(0, width - len(time) - 1)
    return Text.assemble((printable(left)[:room].ljust(room), "bold"), " ", time)


# ---- What is there now


def _present(view: View, width: int) -> list[Text]:
    lines = [("landed", _landed(view.queues))]
    if view.waits:
        lines.append(("waiting", _waiting(view)))
    if view.bounded:
        lines.append(("turns", _turns(view)))
    if view.tick:
        lines.append(("next tick", Text(_due(view.tick, view.now))))
    unrecorded = _unrecorded(view.queues)
    if unrecorded:
        lines.append(("to record", Text(f"{unrecorded:,} changes of runs' statuses")))
    lines.append(("dead letters", _dead(view.queues)))
    return [_labelled(label, text, width) for label, text in lines]


def _labelled(label: str, text: Text, width: int) -> Text:
    line = Text(f"{label:<{_LABEL}}  ", style="dim")
    line.append_text(text)
    line.truncate(width, overflow="ellipsis")
    return line


def _landed(queues: Queues | None) -> Text:
    if queues is None:
        return Text("…")
    depth = queues.depths["landings"]
    if not depth.visible and not depth.in_flight:
        return Text("nothing on its way")
    parts = []
    if depth.visible:
        parts.append(f"{depth.visible:,} on their way")
    if depth.in_flight:
        parts.append(f"{depth.in_flight:,} being taken")
    return Text(", ".join(parts), style="bold")


def _unrecorded(queues: Queues | None) -> int:
    depth = queues.depths["statuses"] if queues else None
    return depth.visible + depth.in_flight if depth else 0


def _dead(queues: Queues | None) -> Text:
    if queues is None:
        return Text("…")
    found = dead_letters(queues)
    if not found:
        return Text("none", style="green")
    return Text(f"{found}: landrun redrive --dry-run says why", style="bold red")


def dead_letters(queues: Queues) -> str:
    """Count dead letters by what they are, as ``1 landing, 3 ticks``; empty without any."""
    found = ((name, count) for name, count in queues.dead.items() if count)
    return ", ".join(f"{count:,} {_ONE[name] if count == 1 else name}" for name, count in found)


def _due(tick: Tick, now: datetime) -> str:
    if tick.at is None:
        return printable(tick.expression)
    seconds = max(0.0, (tick.at - now).total_seconds())
    return f"{tick.at:%a %H:%M} UTC, in {span_text(seconds)}"


def _waiting(view: View) -> Text:
    backlog = view.backlog
    if backlog is None:
        return Text("…")
    if not backlog.count:
        return Text("nothing")
    least = "at least " if backlog.more else ""
    what = "landing" if backlog.count == 1 else "landings"
    text = Text(f"{least}{backlog.count:,} {what}", style="bold")
    if backlog.oldest:
        text.append(f", the oldest for {age(backlog.oldest, view.now)}", style="not bold")
    if backlog.claimed:
        text.append(f", {backlog.claimed:,} being taken", style="not bold")
    seen = (view.now - view.backlog_seen).total_seconds() if view.backlog_seen else 0
    if seen > STALE_SECONDS:
        text.append(f" ({seen:.0f} s ago)", style="dim not bold")
    return text


def _turns(view: View) -> Text:
    line = view.line
    if line is None:
        return Text("…")
    text = Text(f"{line.holding:,} of {line.bound:,} taken", style="bold")
    if not line.waiters:
        return text.append(", nobody waits", style="not bold")
    wait = "run waits" if len(line.waiters) == 1 else "runs wait"
    text.append(f", {'at least ' if line.more else ''}{len(line.waiters):,} {wait}")
    if line.oldest:
        text.append(f", the oldest for {age(line.oldest, view.now)}", style="not bold")
    return text


# ---- How it goes


def _rates(view: View) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(width=_LABEL - 1)
    for _ in range(3):
        table.add_column(justify="right", min_width=9)
    heads = [f"last {name}" for name, _ in SPANS]
    table.add_row(*(Text(head, style="dim") for head in ("runs", *heads, "a minute")))
    for name, style in (("started", ""), ("succeeded", "green"), ("failed", "red")):
        table.add_row(Text(name, style="dim"), *_counts(view, name, style))
    return table


def _counts(view: View, name: str, style: str) -> Iterator[Text]:
    activity = view.activity
    if activity is None:
        yield from (Text("…"), Text("…"), Text("…"))
        return
    counts = [getattr(activity.rate(view.now, span), name) for _, span in SPANS]
    for count, (_, span) in zip(counts, SPANS, strict=True):
        known = activity.whole or span < SPANS[-1][1]
        yield Text(f"{'' if known else '≥ '}{count:,}", style=style if count else "dim")
    rate = counts[0] / (SPANS[0][1] / timedelta(minutes=1))
    yield Text(f"{rate:.1f}" if rate else "0", style="" if rate else "dim")
