"""``landrun watch``: watch a stack's activity on the terminal."""

import os
import select
import sys
import termios
import time
import tty
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from landrun.clock import utc_now
from landrun.sanitize import one_line, plain_json, printable
from landrun_ops.cli import options
from landrun_ops.cli.console import console, is_live, say, stoppable
from landrun_ops.cli.tables import failure_lines, runs_table
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.activity import Activity, ActivityReader
from landrun_ops.units import count

RUNS, OTHER_LINES = 20, 13
"""How many runs are shown, and how many lines of a screen everything else takes."""


@on_stack
def watch(
    target: Target,
    *,
    interval: Annotated[
        float,
        typer.Option(min=0.5, max=3600, metavar="SECONDS", help="Pause between two reads."),
    ] = 2,
    once: Annotated[bool, options.flag("Read once, show the result, and exit.", "--once")] = False,
    json: options.JsonOption = False,
) -> None:
    """Watch a stack: waiting landings, dead-letter messages, and the newest runs.

    Runs until q or Ctrl-C. With --json, writes one object per line. If AWS refuses a call, the
    last values stay on the screen, with a note.

    Example: landrun watch --interval 5
    """
    stack = target.find()
    table = stack.runs_reader()
    reader = ActivityReader(stack, lambda: list(islice(table.newest(utc_now(), RUNS), RUNS)))
    with stoppable():
        if is_live() and sys.stdin.isatty() and not (json or once):
            _on_screen(reader, interval)
            return
        while True:
            now = reader.read()
            if json:
                say(plain_json(now.model_dump(mode="json", exclude_none=True)))
            else:
                console().print(screen(now))
            if once:
                return
            time.sleep(interval)


def _on_screen(reader: ActivityReader, interval: float) -> None:
    """Redraw the screen after each read, until q is typed."""
    head = Text(f"reads every {interval:g} s; q ends", style="dim")
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        with Live("reading…", console=console(), screen=True, auto_refresh=False) as display:
            while True:
                now, most = reader.read(), max(3, display.console.height - OTHER_LINES)
                display.update(Group(head, screen(now, most)), refresh=True)
                if _typed_q(interval):
                    return
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _typed_q(seconds: float) -> bool:
    """Wait for a q, at most this long; a closed terminal counts as one."""
    until = time.monotonic() + seconds
    while select.select([sys.stdin], [], [], max(0, until - time.monotonic()))[0]:
        if os.read(sys.stdin.fileno(), 1) in (b"q", b"Q", b""):
            return True
    return False


def screen(now: Activity, most: int = RUNS) -> RenderableType:
    """Return the screen: facts, notes, the newest runs, and reasons of failure."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    for label, text in facts_of(now).items():
        alarming = label == "dead letters" and text != "none"
        facts.add_row(Text(label, style="dim"), Text(printable(text), "red" if alarming else ""))
    runs = now.runs[:most]
    title = f"{now.stack} in {now.region}, {now.at:%H:%M:%S} UTC"
    notes = [Text(f"! {one_line(note)}", style="yellow") for note in now.notes]
    whys = [Text(line, style="red") for line in failure_lines(runs)]
    table = runs_table(runs, now.at, waiting=now.waiting) if runs else Text("no runs yet")
    return Group(Text(printable(title), style="bold"), *notes, "", facts, "", table, *whys)


def facts_of(now: Activity) -> dict[str, str]:
    """Return the activity as texts by label, without parts that do not exist or were not read."""
    facts: dict[str, str] = {}
    if now.queues is not None:
        facts["in the queue"] = count(now.queues["landings"], "landing")
    if pending := now.pending_landings:
        least, oldest = "at least " if pending.more else "", _since(pending.oldest)
        facts["pending"] = f"{least}{count(pending.count, 'landing')}{oldest}"
    if slots := now.slots:
        least, oldest = "at least " if slots.more else "", _since(slots.oldest_request)
        waiting = f"{least}{count(len(slots.waiting), 'run')} waiting{oldest}"
        facts["slots"] = f"{slots.in_use:,} of {slots.limit:,} in use, {waiting}"
    if tick := now.next_tick:
        facts["next tick"] = f"{tick.at:%a %H:%M} UTC" if tick.at else tick.expression
    if now.dead_letters is not None:
        dead = [f"{what}: {number:,}" for what, number in now.dead_letters.items() if number]
        said = f"{', '.join(dead)}; landrun redrive --dry-run says why"
        facts["dead letters"] = said if dead else "none"
    running = sum(not run.finished for run in now.runs)
    failed = sum(run.finished and not run.succeeded for run in now.runs)
    facts["newest runs"] = f"{len(now.runs)}: {running} running, {failed} failed"
    return facts


def _since(oldest: datetime | None) -> str:
    return f", the oldest since {oldest.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if oldest else ""
