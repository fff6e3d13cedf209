"""``landrun watch``: what goes on in a stack, as it happens."""

from __future__ import annotations

import os
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.clock import utc_now
from landrun.sanitize import one_line, plain_json, printable
from landrun_ops.cli import options
from landrun_ops.cli.console import console, is_live, say, show_json, stoppable
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.units import spelled

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.layout import Layout
    from rich.table import Table
    from rich.text import Text

    from landrun.models.run_record import RunRecord
    from landrun_ops.stack.activity import Backlog, Part, Queues, Tick
    from landrun_ops.stack.recent_runs import Activity
    from landrun_ops.stack.stack import Stack
    from landrun_ops.stack.waiting_executions import SlotUsage

REDRAWN_SECONDS = 0.5
"""How often the screen is drawn: ages grow while nothing is read."""

LINE_SECONDS = 60.0
"""How often a line is written where no display moves and nothing has changed."""

FIRST_SECONDS = 5.0
"""How long the first line waits until all has been read once."""

STALE_SECONDS = 10.0
"""What was read longer ago is shown with its age."""

SPANS = (("5 min", timedelta(minutes=5)), ("hour", timedelta(hours=1)))
"""The spans of which runs are counted; the first is the one of the rate."""

LISTED = 20
"""Runs that --once lists, and that --json has of those that ended."""

_ONE = {"landings": "landing", "ticks": "tick", "statuses": "status"}
_AGE = re.compile(r" as of \d+ s ago:")


@on_stack
def watch(
    target: Target,
    *,
    interval: Annotated[
        float,
        typer.Option(min=0.5, max=3600, metavar="SECONDS", help="Pause between two looks."),
    ] = 2,
    once: Annotated[bool, typer.Option("--once", help="Look once, show it, and end.")] = False,
    json: options.JsonOption = False,
) -> int:
    """Watch a stack: what has landed, waits, runs, ended, and failed.

    Stays until q or Ctrl-C. With --json, an object a line each time; into a pipe or a file, a line
    when something changed. A part that AWS does not show just now keeps its last values, and a
    line says so.

    Example: landrun watch --interval 5
    """
    reader = StackReader(target.find(), interval)
    if once:
        return _once(reader, json=json)
    with stoppable(), reader.kept_up_to_date() as stopping:
        if is_live() and not json:
            _on_screen(reader, interval)
            return 0
        reader.wait_for_all(FIRST_SECONDS)
        if json:
            while True:
                say(plain_json(document(reader.view())))
                stopping.wait(interval)
        _lines(lambda: line(reader.view()), interval)
    return 0


@dataclass(frozen=True, slots=True)
class View:
    """What has been read of a stack; what is None has not been read yet.

    Attributes
    ----------
    tick : Tick or None
        The schedule; None where there is none.
    scheduled : bool
        Whether landings wait for a tick (StartOn=schedule).
    line : SlotUsage or None
        The concurrency slots, and the runs that wait for one.
    bounded : bool
        Whether runs wait for a slot (MaxConcurrentRuns).
    troubles : tuple of str
        What could not be read, a line each.
    """

    stack: str
    region: str
    start_on: str
    now: datetime
    queues: Queues | None
    backlog: Backlog | None
    activity: Activity | None
    tick: Tick | None = None
    scheduled: bool = False
    backlog_seen: datetime | None = None
    line: SlotUsage | None = None
    bounded: bool = False
    troubles: tuple[str, ...] = ()


class StackReader:
    """Reads the parts of a stack, and keeps what has been read.

    Parameters
    ----------
    stack : Stack
        Which.
    interval : float
        Shortest pause between two reads of a part, in seconds.
    """

    def __init__(self, stack: Stack, interval: float) -> None:
        # Late, here and below: boto3 and rich take longer to import than --help may take.
        from landrun_ops.stack import activity  # noqa: PLC0415
        from landrun_ops.stack.recent_runs import RecentRuns  # noqa: PLC0415
        from landrun_ops.stack.waiting_executions import max_concurrent_runs, slots_of  # noqa: PLC0415

        self._stack = stack
        self._start_on = stack.output("StartOn")
        self._queues = activity.Part("queues", activity.queue_reader(stack), interval)
        self._activity = activity.Part("runs", RecentRuns(stack).read, interval)
        self.parts: list[Part[Any]] = [self._queues, self._activity]
        self._backlog: Part[Backlog] | None = None
        if self._start_on == "schedule":
            read = activity.backlog_reader(stack)
            self._backlog = activity.Part("waiting landings", read, interval)
            self.parts.append(self._backlog)
        self._line: Part[SlotUsage] | None = None
        client = stack.client("dynamodb")
        if max_concurrent_runs(stack) and (slots := slots_of(stack, client)):
            self._line = activity.Part("concurrency slots", slots.usage, interval)
            self.parts.append(self._line)

    def view(self) -> View:
        """Return what has been read by now."""
        from landrun_ops.stack.activity import next_tick  # noqa: PLC0415

        now, stack, backlog = utc_now(), self._stack, self._backlog
        return View(
            stack=stack.name,
            region=stack.region,
            start_on=self._start_on,
            now=now,
            queues=self._queues.value,
            backlog=backlog.value if backlog else None,
            activity=self._activity.value,
            tick=next_tick(stack.parameters, self._start_on, now),
            scheduled=backlog is not None,
            line=self._line.value if self._line else None,
            bounded=self._line is not None,
            backlog_seen=backlog.seen if backlog else None,
            troubles=tuple(trouble(part, now) for part in self.parts if part.trouble),
        )

    @contextmanager
    def kept_up_to_date(self) -> Iterator[threading.Event]:
        """Read again and again while the block runs; gives the event that ends it."""
        from landrun_ops.stack.activity import keep_reading  # noqa: PLC0415

        stopping = threading.Event()
        keep_reading(self.parts, stopping)
        try:
            yield stopping
        finally:
            stopping.set()

    def wait_for_all(self, seconds: float) -> None:
        """Wait until every part has been read once, or failed; at most so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(one.seen or one.trouble for one in self.parts):
            time.sleep(0.05)


def trouble(part: Part[Any], now: datetime) -> str:
    """Say why a part is not up to date."""
    if part.seen is None:
        return f"{part.name} not seen: {part.trouble}"
    age = (now - part.seen).total_seconds()
    return f"{part.name} as of {age:.0f} s ago: {part.trouble}"


def _once(reader: StackReader, *, json: bool) -> int:
    """Show it once; when nothing at all could be read, raise why."""
    from rich.console import Group  # noqa: PLC0415

    from landrun_ops.stack.activity import read_once  # noqa: PLC0415

    read_once(reader.parts)
    errors = [part.error for part in reader.parts if part.error]
    if len(errors) == len(reader.parts):
        raise errors[0]
    view = reader.view()
    if json:
        show_json(document(view))
    else:
        lists = (running_list(view, LISTED), "", ended_list(view, LISTED))
        console().print(Group(*figures(view), "", *lists))
    return 0


def _on_screen(reader: StackReader, interval: float) -> None:
    """Draw the screen until somebody types q."""
    from rich.live import Live  # noqa: PLC0415

    screen = console()
    footer = f"looks every {interval:g} s; q ends"

    with (
        keys() as typed,
        Live(console=screen, screen=True, auto_refresh=False) as display,
    ):
        while typed(REDRAWN_SECONDS) not in ("q", "Q"):
            display.update(layout(reader.view(), screen.height, footer), refresh=True)


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Give what waits so many seconds for a key and returns it; where no keys come, it waits."""
    import termios  # noqa: PLC0415  (POSIX only)
    import tty  # noqa: PLC0415

    if not sys.stdin.isatty():

        def wait(seconds: float) -> str:
            time.sleep(seconds)
            return ""

        yield wait
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)

    def key(seconds: float) -> str:
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return ""
        return os.read(sys.stdin.fileno(), 1).decode(errors="replace") or "q"  # q: no terminal

    try:
        yield key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _lines(line: Callable[[], str], interval: float) -> None:
    """Write a line when what it says has changed, and now and then."""
    last, written = "", 0.0
    while True:
        now, text = time.monotonic(), line()
        if text != last or now - written > LINE_SECONDS:
            say(f"{utc_now():%H:%M:%S}  {text}")
            last, written = text, now
        time.sleep(interval)


# ---- The screen


def layout(view: View, height: int, footer: str) -> Layout:
    """Return a screen of so many lines; lists that are too long are cut off below."""
    from rich.console import Group  # noqa: PLC0415
    from rich.layout import Layout  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    top = figures(view)
    count = len(view.activity.running) if view.activity else 0
    left = height - _lines_of(view) - 2
    whole = Layout()
    whole.split_column(
        Layout(Group(*top), size=_lines_of(view)),
        Layout(running_list(view, height), size=max(3, min(count + 2, left // 2))),
        Layout(ended_list(view, height)),
        Layout(Text(footer, style="dim"), size=1),
    )
    return whole


def figures(view: View) -> list[RenderableType]:
    """Return what stands above the lists of runs."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    head = Table.grid(expand=True)
    head.add_column(no_wrap=True, overflow="ellipsis")
    head.add_column(justify="right", no_wrap=True)
    where = f"{view.stack} in {view.region}, StartOn={view.start_on}"
    head.add_row(Text(printable(where), style="bold"), f"{view.now:%H:%M:%S} UTC")
    facts = _grid()
    for label, text in _facts(view):
        facts.add_row(Text(label, style="dim"), text)
    troubles = [
        Text(f"! {one_line(line)}", style="yellow", no_wrap=True, overflow="ellipsis")
        for line in view.troubles
    ]
    return [head, *troubles, "", facts, "", _rates(view)]


def _lines_of(view: View) -> int:
    """Count the lines of `figures`, and an empty one below."""
    return 8 + len(view.troubles) + sum(1 for _ in _facts(view))


def _grid() -> Table:
    """Return a table without a head, whose last column takes what is left of the line."""
    from rich.table import Table  # noqa: PLC0415

    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    return table


def _facts(view: View) -> Iterator[tuple[str, Text]]:
    from rich.text import Text  # noqa: PLC0415

    queues, unknown = view.queues, Text("…")
    yield "landed", Text(_depth_text(queues), style="bold") if queues else unknown
    if view.scheduled:
        yield "waiting", _waiting(view, view.backlog) if view.backlog else unknown
    if view.bounded:
        yield "slots", _slots(view, view.line) if view.line else unknown
    if view.tick:
        yield "next tick", Text(_due(view.tick, view.now))
    if queues and (status := queues.depths["statuses"]) and status.visible + status.in_flight:
        yield "to record", Text(f"{status.visible + status.in_flight:,} changes of runs' statuses")
    if queues and (found := dead_letters(queues)):
        dead = Text(f"{found}: landrun redrive --dry-run says why", style="bold red")
    else:
        dead = Text("none", style="green") if queues else unknown
    yield "dead letters", dead


def _depth_text(queues: Queues) -> str:
    depth = queues.depths["landings"]
    parts = [f"{depth.visible:,} on their way"] if depth.visible else []
    parts += [f"{depth.in_flight:,} being processed"] if depth.in_flight else []
    return ", ".join(parts) or "nothing on its way"


def dead_letters(queues: Queues) -> str:
    """Count dead letters by what they are, as ``1 landing, 3 ticks``; empty without any."""
    found = ((name, count) for name, count in queues.dead.items() if count)
    return ", ".join(f"{count:,} {_ONE[name] if count == 1 else name}" for name, count in found)


def _due(tick: Tick, now: datetime) -> str:
    if tick.at is None:
        return printable(tick.expression)
    return f"{tick.at:%a %H:%M} UTC, in {_span((tick.at - now).total_seconds())}"


def _waiting(view: View, backlog: Backlog) -> Text:
    from rich.text import Text  # noqa: PLC0415

    if not backlog.count:
        return Text("nothing")
    what = "landing" if backlog.count == 1 else "landings"
    text = Text()
    text.append(f"{'at least ' if backlog.more else ''}{backlog.count:,} {what}", style="bold")
    if backlog.oldest:
        text.append(f", the oldest for {_age(backlog.oldest, view.now)}")
    if backlog.claimed:
        text.append(f", {backlog.claimed:,} being processed")
    seen = (view.now - view.backlog_seen).total_seconds() if view.backlog_seen else 0
    if seen > STALE_SECONDS:
        text.append(f" ({seen:.0f} s ago)", style="dim")
    return text


def _slots(view: View, line: SlotUsage) -> Text:
    from rich.text import Text  # noqa: PLC0415

    text = Text.assemble((f"{line.in_use:,} of {line.limit:,} in use", "bold"))
    if not line.waiting:
        return text.append(", no run waits")
    wait = "run waits" if len(line.waiting) == 1 else "runs wait"
    text.append(f", {'at least ' if line.more else ''}{len(line.waiting):,} {wait}")
    if line.oldest_request:
        text.append(f", the oldest for {_age(line.oldest_request, view.now)}")
    return text


def _rates(view: View) -> Table:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(width=11)
    for _ in range(3):
        table.add_column(justify="right", min_width=9)
    heads = [f"last {name}" for name, _ in SPANS]
    table.add_row(*(Text(head, style="dim") for head in ("runs", *heads, "a minute")))
    for name, style in (("started", ""), ("succeeded", "green"), ("failed", "red")):
        table.add_row(Text(name, style="dim"), *_counts(view, name, style))
    return table


def _counts(view: View, name: str, style: str) -> list[Text]:
    from rich.text import Text  # noqa: PLC0415

    activity = view.activity
    if activity is None:
        return [Text("…")] * 3
    counts = [getattr(activity.rate(view.now, span), name) for _, span in SPANS]
    texts = []
    for count, (_, span) in zip(counts, SPANS, strict=True):
        known = activity.whole or span < SPANS[-1][1]
        texts.append(Text(f"{'' if known else '≥ '}{count:,}", style=style if count else "dim"))
    rate = counts[0] / (SPANS[0][1] / timedelta(minutes=1))
    return [*texts, Text(f"{rate:.1f}" if rate else "0", style="" if rate else "dim")]


def running_list(view: View, most: int) -> Table:
    """List what runs, the longest first, and which of them wait for a slot."""
    from rich.text import Text  # noqa: PLC0415

    activity, waiting = view.activity, view.line.positions if view.line else {}
    if activity is None:
        return _list("running", "", [], "…")
    runs = activity.running
    waits = sum(one.name in waiting for one in runs)
    count = f" {len(runs):,}{' or more' if activity.more_running else ''}"
    count += f", {waits:,} of them waiting" if waits else ""
    rows = [
        (
            one,
            Text(_age(one.started, view.now), style="cyan"),
            Text("waits for a slot  ", style="yellow") if one.name in waiting else Text(),
        )
        for one in runs[:most]
    ]
    order = ", the longest first" if len(runs) > 1 else ""
    return _list(f"running{count if runs else ''}", order, rows, "none")


def ended_list(view: View, most: int) -> Table:
    """List what ended, the latest first, and why it failed."""
    from rich.text import Text  # noqa: PLC0415

    if view.activity is None:
        return _list("ended", "", [], "…")
    rows = [
        (
            one,
            Text(f"{_age(one.stopped or one.started, view.now)} ago", style="dim"),
            _outcome(one),
        )
        for one in view.activity.ended[:most]
    ]
    return _list("ended", "", rows, "none in the last hour")


def _list(head: str, order: str, rows: Sequence[tuple[RunRecord, Text, Text]], none: str) -> Table:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from landrun_ops.cli.tables import digits  # noqa: PLC0415

    whole = Table.grid(expand=True)
    whole.add_row(Text.assemble((head, "bold"), (order, "dim")))
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(max_width=32, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for one, age, what in rows:
        table.add_row(Text(digits(printable(one.name))), age, what.append_text(_started_by(one)))
    whole.add_row(table if rows else Text(none, style="dim"))
    return whole


def _started_by(one: RunRecord) -> Text:
    """Say what started a run, the end of a key first, then why it failed or the key's folder."""
    from rich.text import Text  # noqa: PLC0415

    from landrun_ops.cli.tables import trigger_text  # noqa: PLC0415

    words = printable(trigger_text(one))
    folder, _, name = words.rstrip("/").rpartition("/")
    if one.finished and one.reason and not one.succeeded:
        return Text.assemble((name, "default"), (f": {one.reason}", "red"))
    return Text.assemble((name, "default"), (f"  {folder}/" if folder else "", "dim not bold"))


def _outcome(one: RunRecord) -> Text:
    from rich.text import Text  # noqa: PLC0415

    if one.succeeded:
        return Text.assemble((f"✓ {spelled(one.duration_seconds or 0)}  ", "green"))
    return Text.assemble((f"✗ {printable(one.status)}  ", "red"))


def _age(since: datetime, now: datetime) -> str:
    return _span((now - since).total_seconds())


def _span(seconds: float) -> str:
    """Spell a span in whole seconds: the screen shows it change."""
    return spelled(round(max(0.0, seconds))).replace(".0 s", " s")


# ---- Elsewhere than on a screen


def line(view: View) -> str:
    """Say in a line how things stand: the same line while nothing changes."""
    return "; ".join(_line_parts(view))


def _line_parts(view: View) -> Iterator[str]:
    if view.queues:
        depth = view.queues.depths["landings"]
        yield f"landed {depth.visible + depth.in_flight:,}"
    if view.backlog:
        yield f"waiting {'at least ' if view.backlog.more else ''}{view.backlog.count:,}"
    if view.line:
        least = "at least " if view.line.more else ""
        yield f"waiting for a slot {least}{len(view.line.waiting):,}"
    if view.activity:
        hour = view.activity.rate(view.now, timedelta(hours=1))
        yield f"running {len(view.activity.running):,}{'+' if view.activity.more_running else ''}"
        yield f"last hour {hour.succeeded:,} succeeded, {hour.failed:,} failed"
    if view.queues:
        yield f"dead letters {dead_letters(view.queues) or 'none'}"
    for text in view.troubles:
        yield _AGE.sub(" not up to date:", text)


def document(view: View) -> dict[str, Any]:
    """Return a view as JSON has it; what is not known is null."""
    queues, activity, tick = view.queues, view.activity, view.tick
    positions = view.line.positions if view.line else {}
    return {
        "at": _text(view.now),
        "stack": view.stack,
        "region": view.region,
        "start_on": view.start_on,
        "landings": asdict(queues.depths["landings"]) if queues else None,
        "statuses": asdict(queues.depths["statuses"]) if queues else None,
        "dead_letters": dict(queues.dead) if queues else None,
        "waiting": view.backlog
        and {
            "count": view.backlog.count,
            "at_least": view.backlog.more,
            "claimed": view.backlog.claimed,
            "oldest": _text(view.backlog.oldest),
            "seen": _text(view.backlog_seen),
        },
        "slots": view.line
        and {
            "limit": view.line.limit,
            "in_use": view.line.in_use,
            "waiting": len(view.line.waiting),
            "at_least": view.line.more,
            "oldest": _text(view.line.oldest_request),
        },
        "next_tick": tick and {"expression": tick.expression, "at": _text(tick.at)},
        "running": activity
        and [
            _run(one, view.now)
            | ({"place_in_line": positions[one.name]} if one.name in positions else {})
            for one in activity.running
        ],
        "more_running": activity and activity.more_running,
        "last": activity
        and {name.replace(" ", ""): asdict(activity.rate(view.now, span)) for name, span in SPANS},
        "ended": activity and [_run(one, view.now) for one in activity.ended[:LISTED]],
        "troubles": list(view.troubles),
    }


def _run(one: RunRecord, now: datetime) -> dict[str, Any]:
    return {
        "name": one.name,
        "status": one.status,
        "started_at": _text(one.started),
        "stopped_at": _text(one.stopped),
        "seconds": round(((one.stopped or now) - one.started).total_seconds(), 3),
        "trigger": one.trigger,
        "error": one.error,
        "exit_message": one.exit_message,
    }


def _text(time: datetime | None) -> str | None:
    if time is None:
        return None
    utc = time.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
