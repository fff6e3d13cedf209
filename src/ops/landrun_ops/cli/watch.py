"""``landrun watch``: what goes on in a stack, as it happens."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun_ops.cli import options
from landrun_ops.cli import target as places
from landrun_ops.cli.terminal import console, is_live, say, show_json, stoppable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from landrun_ops.cli.activity_screen import View
    from landrun_ops.stack.activity import Backlog, Part, Queues
    from landrun_ops.stack.recent_runs import Activity
    from landrun_ops.stack.stack import Stack
    from landrun_ops.stack.waiting_executions import Line

REDRAWN_SECONDS = 0.5
"""How often the screen is drawn anew: ages grow while nothing is read."""

LINE_SECONDS = 60.0
"""How often a line is written where no display moves, and nothing changed."""

FIRST_SECONDS = 5.0
"""How long the first line waits for all to have been looked at."""


@places.on_stack
def watch(
    target: places.Target,
    *,
    interval: Annotated[
        float,
        typer.Option(min=0.5, max=3600, metavar="SECONDS", help="Pause so long between two looks."),
    ] = 2,
    once: Annotated[bool, typer.Option("--once", help="Look once, show it, and end.")] = False,
    json: options.JsonOption = False,
) -> int:
    """Watch a stack: what has landed, waits, runs, ended, and failed.

    Stays until Ctrl-C. With --json, an object a line each time; into a pipe or a file, a line
    when something changed. A part that AWS does not show just now keeps its last values, and
    a line says so.

    Example: landrun watch --interval 5
    """
    stack = target.find()
    # Late: boto3 and rich take longer to import than --help may take.
    from landrun.sanitize import plain_json  # noqa: PLC0415
    from landrun_ops.cli.activity_json import document, line  # noqa: PLC0415

    sights = Sights(stack, interval)
    if once:
        return _once(sights, json=json)
    with stoppable(), sights.kept_up_to_date() as stopping:
        if is_live() and not json:
            _on_screen(sights, interval)
        sights.wait_for_all(FIRST_SECONDS)
        if json:
            while True:
                say(plain_json(document(sights.view())))
                stopping.wait(interval)
        _lines(lambda: line(sights.view()), interval)
    return 0


class Sights:
    """The parts of a stack that are looked at, and what has been seen of them.

    Parameters
    ----------
    stack : Stack
        Which.
    interval : float
        Seconds between two looks at least.
    """

    def __init__(self, stack: Stack, interval: float) -> None:
        from landrun_ops.stack.activity import (  # noqa: PLC0415
            BacklogDoor,
            Part,
            QueueDoor,
            quick_client,
        )
        from landrun_ops.stack.recent_runs import Recent  # noqa: PLC0415
        from landrun_ops.stack.waiting_executions import bound_of, lines_of  # noqa: PLC0415

        self._stack = stack
        self._start_on = stack.output("StartOn")
        self._queues: Part[Queues] = Part("queues", QueueDoor(stack).look, interval)
        self._activity: Part[Activity] = Part("runs", Recent(stack).look, interval)
        self.parts: list[Part[Any]] = [self._queues, self._activity]
        self._backlog: Part[Backlog] | None = None
        if self._start_on == "schedule":
            self._backlog = Part("waiting landings", BacklogDoor(stack).look, interval)
            self.parts.append(self._backlog)
        self._line: Part[Line] | None = None
        lines = lines_of(stack, quick_client(stack, "dynamodb")) if bound_of(stack) else None
        if lines:
            self._line = Part("turns", lines.look, interval)
            self.parts.append(self._line)

    def view(self) -> View:
        """Say what has been seen by now."""
        from landrun_ops.cli.activity_screen import View  # noqa: PLC0415
        from landrun_ops.stack.activity import next_tick  # noqa: PLC0415

        now, stack, backlog = datetime.now(UTC), self._stack, self._backlog
        return View(
            stack=stack.name,
            region=stack.region,
            start_on=self._start_on,
            now=now,
            queues=self._queues.value,
            backlog=backlog.value if backlog else None,
            activity=self._activity.value,
            tick=next_tick(stack.parameters, self._start_on, now),
            waits=backlog is not None,
            line=self._line.value if self._line else None,
            bounded=self._line is not None,
            backlog_seen=backlog.seen if backlog else None,
            troubles=tuple(_trouble(part, now) for part in self.parts if part.trouble),
        )

    @contextmanager
    def kept_up_to_date(self) -> Iterator[threading.Event]:
        """Look again and again while the block runs; gives the event that ends it."""
        from landrun_ops.stack.activity import looking  # noqa: PLC0415

        stopping = threading.Event()
        looking(self.parts, stopping)
        try:
            yield stopping
        finally:
            stopping.set()

    def wait_for_all(self, seconds: float) -> None:
        """Wait until every part has been looked at once, well or not; not longer than that."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(one.seen or one.trouble for one in self.parts):
            time.sleep(0.05)


def _trouble(part: Part[Any], now: datetime) -> str:
    if part.seen is None:
        return f"{part.name} not seen: {part.trouble}"
    age = (now - part.seen).total_seconds()
    return f"{part.name} as of {age:.0f} s ago: {part.trouble}"


def _once(sights: Sights, *, json: bool) -> int:
    """Show it once; when nothing could be seen at all, raise why."""
    from landrun_ops.cli.activity_json import document  # noqa: PLC0415
    from landrun_ops.cli.activity_screen import screen  # noqa: PLC0415
    from landrun_ops.stack.activity import look_once  # noqa: PLC0415

    look_once(sights.parts)
    errors = [part.error for part in sights.parts if part.error]
    if len(errors) == len(sights.parts):
        raise errors[0]
    view = sights.view()
    if json:
        show_json(document(view))
        return 0
    paper = console()
    paper.print(screen(view, paper.width, max(paper.height, 24)))
    return 0


def _on_screen(sights: Sights, interval: float) -> None:
    """Draw the screen until the process is interrupted."""
    from rich.live import Live  # noqa: PLC0415

    from landrun_ops.cli.activity_screen import screen  # noqa: PLC0415

    paper = console()
    footer = f"looks every {interval:g} s; Ctrl-C ends"

    def drawn() -> RenderableType:
        return screen(sights.view(), paper.width, paper.height, footer)

    resized = threading.Event()
    before = signal.signal(signal.SIGWINCH, lambda *_: resized.set())
    try:
        with Live(drawn(), console=paper, screen=True, auto_refresh=False) as display:
            while True:
                display.update(drawn(), refresh=True)
                resized.wait(REDRAWN_SECONDS)
                resized.clear()
    finally:
        signal.signal(signal.SIGWINCH, before)


def _lines(line: Callable[[], str], interval: float) -> None:
    """Write a line when what it says has changed, and now and then."""
    last, written = "", 0.0
    while True:
        now, text = time.monotonic(), line()
        if text != last or now - written > LINE_SECONDS:
            say(f"{datetime.now(UTC):%H:%M:%S}  {text}")
            last, written = text, now
        time.sleep(interval)
