"""Runs followed to their end on the terminal: a line whenever what one does has changed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.status import Status

from landrun.errors import LandrunError, ServiceError
from landrun.models.run_record import RunRecord
from landrun.models.status_change import described_change
from landrun.services.collect_landings import at_once
from landrun_ops.cli.console import complain, console, is_live, note, say, typed
from landrun_ops.cli.tables import counts_text, digits
from landrun_ops.cli.target import Target
from landrun_ops.stack.run_progress import Phase, Watcher, repeated
from landrun_ops.stack.stack import Stack
from landrun_ops.units import spelled

CLOSELY = 10
"""Runs whose executions are looked at; of more, only their rows, for Step Functions' quotas."""

RECORD_SECONDS = 15.0
"""How long the runs table may take to have a run's end: the event takes a second or two."""

SILENCE_SECONDS = 30.0
"""How long no run may start before `landrun doctor` is named."""


@dataclass(slots=True)
class Followed:
    """What a run processes, followed from before that run starts to its end.

    ``find`` returns the run's row of the runs table, None as long as there is none; ``arn`` is the
    execution's, where it is known before. ``state`` says what the run does or how it ended.
    ``recorded`` is False if Step Functions had its end, and the runs table had not.
    """

    label: str
    find: Callable[[], RunRecord | None]
    arn: str = ""
    run: RunRecord | None = None
    recorded: bool = True
    state: str = ""
    ended_at: float = math.inf

    def __str__(self) -> str:
        """Say which it is: the label, and what is enough of the run's name to type."""
        return " ".join(filter(None, (self.label, digits(self.name))))

    @property
    def name(self) -> str:
        """The run's name; empty as long as it is not known."""
        return self.run.name if self.run else self.arn.rpartition(":")[2]

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.run is not None and self.run.finished

    @property
    def succeeded(self) -> bool:
        """Whether the run has ended well."""
        return self.run is not None and self.run.succeeded

    def look(self, stack: Stack, now: float, *, closely: bool) -> None:
        """Look at the run; ``now`` is of a monotonic clock."""
        self.run = self.find()
        arn = self.run.execution_arn if self.run else self.arn
        if arn and closely and not self.ended:
            progress = Watcher(stack, arn).look()
            if progress.phase is not Phase.ENDED:
                self.state = str(progress)
                return
            self.ended_at = min(self.ended_at, now)
            if now - self.ended_at > RECORD_SECONDS:
                self.run = RunRecord.from_status_change(described_change(progress.described))
                self.recorded = False
        if self.run and not closely:
            self.state = "run started"
        if self.run and self.run.finished:
            self.state = ending(self.run)


def ending(run: RunRecord) -> str:
    """Say in a line how a run ended."""
    took = spelled(run.duration_seconds or 0)
    if not run.succeeded:
        return f"{run.status} after {took}: {run.reason or 'the run gave no reason'}"
    rows = counts_text(run)
    return f"SUCCEEDED in {took}{f': rows {rows}' if rows else ''}"


@contextmanager
def spinner(text: str) -> Iterator[Status]:
    """Show on stderr what is going on, where a display may move."""
    status = console(stderr=True).status(text)
    try:
        if is_live(stderr=True):
            status.start()
        yield status
    finally:
        status.stop()


def follow(
    stack: Stack,
    followed: Sequence[Followed],
    target: Target | None = None,
    *,
    patience: float = math.inf,
    quiet: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Write a line whenever what a run does has changed, until all have ended.

    Ends go to stdout unless ``quiet``, everything else to stderr. Without a target, as for a demo
    whose stack ends with it, only ends are written. Raises LandrunError when runs have not started
    and nothing has changed for ``patience`` seconds; ServiceError when AWS refuses a call, or
    cannot be reached for five minutes.
    """
    began = changed = clock()
    hint = target and f"no run has started yet: {typed(target, 'doctor')}"
    with _goes_on(target), spinner("waiting") as status:
        for news in _looks(stack, followed, clock, sleep):
            for one in news:
                changed = clock()
                if one.ended or target:
                    line = f"{changed - began:6.1f} s  {one}: {one.state}"
                    _write(status, line, say if one.ended and not quiet else note)
            status.update(f"{sum(one.ended for one in followed):,} of {len(followed):,} ended")
            silent = 0.0 if all(one.name for one in followed) else clock() - changed
            if hint and silent >= SILENCE_SECONDS:
                _write(status, hint, note)
                hint = None
            if silent > patience:
                raise LandrunError(
                    f"no run has started within {patience:.0f} s: look for the reason with landrun"
                    " doctor, or wait longer with --patience"
                )
    if target:
        for name in dict.fromkeys(one.name for one in followed if not one.succeeded):
            complain(f"why: {typed(target, 'show', name)}")


def _looks(
    stack: Stack,
    followed: Sequence[Followed],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[list[Followed]]:
    """Look until all have ended; yield whose state is new, each run once: a tick's reads many."""
    said: set[tuple[str, str]] = set()

    def look() -> list[Followed]:
        pending = [one for one in followed if not one.ended]
        closely = len(pending) <= CLOSELY
        at_once(lambda one: one.look(stack, clock(), closely=closely), pending)
        states = {(one.name, one.state): one for one in followed if one.state}
        news = [one for state, one in states.items() if state not in said]
        said.update(states)
        return news

    for news in repeated(look, clock=clock, sleep=sleep):
        yield news
        if all(one.ended for one in followed):
            return


@contextmanager
def _goes_on(target: Target | None) -> Iterator[None]:
    """Say that runs go on when the waiting does not."""
    try:
        yield
    except (KeyboardInterrupt, ServiceError):
        if target:
            runs, stop = typed(target, "runs"), typed(target, "stop", "RUN")
            complain(f"no longer waiting; what was started goes on: {runs}; to end it: {stop}")
        raise


def _write(status: Status, line: str, write: Callable[[str], None]) -> None:
    """Write a line above the spinner; without the spinner, so that stdout stays stdout."""
    status.stop()
    write(line)
    if is_live(stderr=True):
        status.start()
