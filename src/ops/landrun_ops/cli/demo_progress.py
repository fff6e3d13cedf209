"""What happens to each file of a demo, as it happens: a display that moves, or plain lines."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from landrun.sanitize import printable
from landrun_ops.actions.demo import Journey, Stage
from landrun_ops.cli.tables import shortened

WORDS = {
    Stage.LANDED: "landed",
    Stage.STARTED: "run started",
    Stage.PROCESSING: "processing",
    Stage.RECORDED: "recorded",
}


class Progress(Protocol):
    """Shows what happens."""

    def doing(self, what: str) -> None:
        """Say what is going on as a whole."""

    def moved(self, journey: Journey) -> None:
        """Say that a file has come a stage further."""

    def trouble(self, line: str) -> None:
        """Say that something went wrong in the laptop's AWS."""


class PlainProgress:
    """A line for each change, with the seconds since the beginning."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def doing(self, what: str) -> None:
        """Write what is going on as a whole."""
        self._line(what)

    def moved(self, journey: Journey) -> None:
        """Write a file's new stage."""
        self._line(f"{printable(journey.name)}: {_news(journey)}")

    def trouble(self, line: str) -> None:
        """Write what went wrong."""
        self._line(line)

    def _line(self, text: str) -> None:
        self._console.print(f"{time.monotonic() - self._began:6.1f} s  {text}", soft_wrap=True)


class LiveProgress:
    """A row for each file that is on its way, as many as the screen holds."""

    def __init__(self, console: Console, journeys: Sequence[Journey]) -> None:
        self._console = console
        self._journeys = journeys
        self._what = ""
        self._spinner = Spinner("dots")

    def doing(self, what: str) -> None:
        """Show what is going on as a whole."""
        self._what = what
        self._spinner.update(text=Text(what))

    def moved(self, journey: Journey) -> None:
        """Nothing to do: the display reads the journeys when it redraws."""

    def trouble(self, line: str) -> None:
        """Write what went wrong above the display."""
        self._console.print(line, style="yellow", soft_wrap=True)

    def __rich__(self) -> RenderableType:
        """Draw the present."""
        rows = _fitting(self._journeys, self._console.height - 4)
        ended = sum(journey.ended for journey in self._journeys)
        below = Text(f"{ended} of {len(self._journeys)} recorded", style="dim")
        now = [self._spinner] if self._what else []
        return Group(_stages_table(rows, self._console.width), below, *now)


@contextmanager
def shown(console: Console, journeys: Sequence[Journey], *, live: bool) -> Iterator[Progress]:
    """Show progress while the block runs."""
    if not live:
        yield PlainProgress(console)
        return
    progress = LiveProgress(console, journeys)
    with Live(progress, console=console, refresh_per_second=8):
        yield progress
        progress.doing("")


def _news(journey: Journey) -> str:
    if journey.failure:
        return journey.failure
    return WORDS[journey.stage] if journey.stage else "waiting"


def _fitting(journeys: Sequence[Journey], height: int) -> Sequence[Journey]:
    """Choose what to show: failures and what moves first, in the files' own order."""
    if len(journeys) <= height:
        return journeys
    urgent = sorted(journeys, key=_urgency)[: max(1, height)]
    chosen = {id(journey) for journey in urgent}
    return [journey for journey in journeys if id(journey) in chosen]


def _urgency(journey: Journey) -> int:
    if journey.failure:
        return 0
    return 1 + Stage.RECORDED - (journey.stage or 0) if not journey.ended else 9


def _stages_table(journeys: Sequence[Journey], width: int) -> Table:
    stages = _stages(journeys[0]).cell_len if journeys else 0
    table = Table.grid(padding=(0, 2, 0, 0))
    for journey in journeys:
        name = shortened(printable(journey.name), max(12, width - stages - 2))
        table.add_row(Text(name), _stages(journey))
    return table


def _stages(journey: Journey) -> Text:
    line = Text()
    for stage, word in WORDS.items():
        mark, style = _mark(journey, stage)
        line.append(f"{mark} {word}  ", style=style)
    return line


def _mark(journey: Journey, stage: Stage) -> tuple[str, str]:
    """Choose what stands before a stage's word, telling enough without its colour."""
    if stage > (journey.stage or 0):
        refused = journey.refusal and stage is Stage.STARTED
        return ("✗", "bold red") if refused else ("·", "dim")
    if stage is Stage.RECORDED:
        return ("✗", "bold red") if journey.failure else ("✓", "bold green")
    return ("✓", "cyan" if stage is journey.stage else "green")
