"""What goes on in a stack, drawn for a screen of any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from landrun.outside import one_line, printable
from landrun_ops.cli.tables import short_name, shortened, trigger_text
from landrun_ops.durations import spelled
from landrun_ops.recent import Activity, Known
from landrun_ops.runs import Run
from landrun_ops.watching import Backlog, Queues, Tick

WIDE = 132
"""Columns from which on what runs and what ended stand side by side."""

SPANS = (("5 min", timedelta(minutes=5)), ("hour", timedelta(hours=1)))
"""The spans of which runs are counted; the first is the one of the rate."""

STALE_SECONDS = 10.0
"""What was seen longer ago is shown with its age."""

Row = tuple[Text, Text, Text, str]
"""Of a list: a run's name, a span, what is always shown, and what is cut off where it must be."""

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
    troubles: tuple[str, ...] = ()


def screen(view: View, width: int, height: int, footer: str = "") -> RenderableType:
    """Draw the view in so many columns and lines.

    Parameters
    ----------
    footer : str
        A line below all else, such as how to end it; may be empty.
    """
    top: list[RenderableType] = [_head(view, width), Text()]
    below = [Text(f"! {one_line(line, width - 2)}", style="yellow") for line in view.troubles]
    if footer:
        below.append(Text(footer[:width], style="dim"))
    half = (width - _GAP) // 2 if width >= WIDE else width
    now = _present(view, half)
    taken = 2 + max(len(now), _RATE_LINES) if width >= WIDE else 3 + len(now) + _RATE_LINES
    left = height - taken - 2 - len(below)
    lists: list[RenderableType]
    if width >= WIDE:
        top.append(_beside(Group(*now), _rates(view), half))
        lists = [_beside(_running(view, half, left), _ended(view, half, left), half)]
    else:
        top += [*now, Text(), _rates(view)]
        running = _share(view, left - 1)
        lists = [_running(view, width, running), Text(), _ended(view, width, left - running - 1)]
    return Group(*top, Text(), *lists, Text(), *below)


def _beside(left: RenderableType, right: RenderableType, half: int) -> Table:
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=half)
    grid.add_column(width=half)
    grid.add_row(left, right)
    return grid


def _share(view: View, lines: int) -> int:
    """Give the lines that what runs gets: what it needs, or half where both need more."""
    if view.activity is None:
        return 2
    needed = 1 + max(1, len(view.activity.running))
    ended = 1 + max(1, len(view.activity.ended))
    return max(2, min(needed, max(lines // 2, lines - ended)))


def _head(view: View, width: int) -> Text:
    left = f"{view.stack} in {view.region}, StartOn={view.start_on}"
    time = f"{view.now:%H:%M:%S} UTC"
    room = max(0, width - len(time) - 1)
    return Text.assemble((printable(left)[:room].ljust(room), "bold"), " ", time)


# ---- What is there now


def _present(view: View, width: int) -> list[Text]:
    lines = [("landed", _landed(view.queues))]
    if view.waits or view.tick:
        lines.append(("next tick", _tick(view)))
    lines += [("to record", _to_record(view.queues)), ("dead letters", _dead(view.queues))]
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


def _to_record(queues: Queues | None) -> Text:
    if queues is None:
        return Text("…")
    depth = queues.depths["statuses"]
    count = depth.visible + depth.in_flight
    return Text(f"{count:,} changes of runs' statuses" if count else "nothing")


def _dead(queues: Queues | None) -> Text:
    if queues is None:
        return Text("…")
    found = [f"{count:,} {name}" for name, count in queues.dead.items() if count]
    if not found:
        return Text("none", style="green")
    return Text(f"{', '.join(found)}: landrun redrive --dry-run says why", style="bold red")


def _tick(view: View) -> Text:
    text = Text()
    if view.tick is not None:
        text.append(_due(view.tick, view.now))
    if not view.waits:
        return text
    text.append(", over " if text else "")
    text.append_text(_waiting(view))
    return text


def _due(tick: Tick, now: datetime) -> str:
    if tick.at is None:
        return printable(tick.expression)
    seconds = max(0.0, (tick.at - now).total_seconds())
    return f"{tick.at:%a %H:%M} UTC, in {_span(seconds)}"


def _waiting(view: View) -> Text:
    backlog = view.backlog
    if backlog is None:
        return Text("…")
    if not backlog.count:
        return Text("nothing yet")
    least = "at least " if backlog.more else ""
    text = Text(f"{least}{backlog.count:,} landings", style="bold")
    if backlog.oldest:
        age = _age(backlog.oldest, view.now)
        text.append(f", the oldest since {age}", style="not bold")
    if backlog.claimed:
        text.append(f", {backlog.claimed:,} being taken", style="not bold")
    seen = (view.now - view.backlog_seen).total_seconds() if view.backlog_seen else 0
    if seen > STALE_SECONDS:
        text.append(f" ({seen:.0f} s ago)", style="dim not bold")
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


# ---- Which


def _running(view: View, width: int, lines: int) -> RenderableType:
    if view.activity is None:
        return Group(_title("running"), Text("…"))
    runs, more = view.activity.running, view.activity.more_running
    title = _title("running", f"{len(runs):,}{' or more' if more else ''}", len(runs) > 1)
    if not runs:
        return Group(_title("running"), Text("none", style="dim"))
    rows = [
        (_name(one), Text(_age(one.started, view.now), style="cyan"), Text(), _what(one))
        for one in _first(runs, lines)
    ]
    return Group(title, _list(rows, width), *_rest(len(runs), lines))


def _ended(view: View, width: int, lines: int) -> RenderableType:
    if view.activity is None:
        return Group(_title("ended"), Text("…"))
    runs = view.activity.ended
    if not runs:
        return Group(_title("ended"), Text("none in the last hour", style="dim"))
    rows = [
        (
            _name(one),
            Text(f"{_age(one.stopped or one.started, view.now)} ago", style="dim"),
            *_outcome(one),
        )
        for one in _first(runs, lines)
    ]
    return Group(_title("ended", "", longest=False), _list(rows, width), *_rest(len(runs), lines))


def _title(word: str, count: str = "", longest: bool = False) -> Text:
    order = ", the longest first" if longest else ""
    return Text.assemble((f"{word} {count}".rstrip(), "bold"), (order, "dim"))


def _first(runs: Sequence[Known], lines: int) -> Sequence[Known]:
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
        what = always.copy()
        what.append(shortened(rest, max(1, room - always.cell_len)))
        table.add_row(name, age, what)
    return table


def _name(one: Known) -> Text:
    return Text(short_name(printable(one.name)))


def _age(since: datetime, now: datetime) -> str:
    return _span((now - since).total_seconds())


def _span(seconds: float) -> str:
    """Spell a span in whole seconds: the screen shows it change."""
    return spelled(round(max(0.0, seconds))).replace(".0 s", " s")


def _what(one: Known) -> str:
    return printable(trigger_text(Run(one.attributes)))


def _outcome(one: Known) -> tuple[Text, str]:
    """Say how a run ended; the end of its trigger is what may be cut off last."""
    run = Run(one.attributes)
    if run.succeeded:
        return Text(f"✓ {spelled(run.seconds or 0)}  ", style="green"), _what(one)
    why = f": {run.cause}" if run.cause else f"  {_what(one)}"
    return Text(f"✗ {printable(one.status)}{why}", style="red"), ""
