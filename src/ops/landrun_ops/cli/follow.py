"""Follows runs to their end on the terminal: a line for each change."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from landrun.errors import LandrunError, ServiceError
from landrun.models.run_record import RunRecord
from landrun.models.status_change import described_change
from landrun.services.collect_landings import at_once
from landrun_ops.cli.console import complain, note, say, typed
from landrun_ops.cli.tables import counts_text, digits
from landrun_ops.cli.target import Target
from landrun_ops.stack.run_progress import Phase, Watcher, repeated
from landrun_ops.stack.stack import Stack
from landrun_ops.units import spelled

CLOSELY = 10
"""How many runs are followed by their executions; of further runs only the rows are read, because
of Step Functions' quotas."""

RECORD_SECONDS = 15.0
"""Seconds to wait for a run's end in the runs table; the event takes a second or two."""

SILENCE_SECONDS = 30.0
"""Seconds without a started run after which `landrun doctor` is suggested."""


@dataclass(slots=True)
class Followed:
    """One followed item: a landed file or a run, from before the run starts to its end.

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
        """Return the label and the short name of the run."""
        return " ".join(filter(None, (self.label, digits(self.name))))

    @property
    def name(self) -> str:
        """The run's name; empty while it is unknown."""
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
        """Update the state of the run; ``now`` is a monotonic time."""
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
    """Write a line for each change of a run, until all have ended.

    Ends go to stdout unless ``quiet``, everything else to stderr. Without a target, only ends are
    written. Raises LandrunError when runs have not started and nothing has changed for
    ``patience`` seconds; ServiceError when AWS refuses a call, or cannot be reached for five
    minutes.
    """
    began = clock()
    try:
        looks = repeated(lambda: _look(stack, followed, clock()), clock=clock, sleep=sleep)
        for one in _changes(looks, followed, target, patience, clock):
            if one.ended or target:
                write = say if one.ended and not quiet else note
                write(f"{clock() - began:6.1f} s  {one}: {one.state}")
    except (KeyboardInterrupt, ServiceError):
        if target:
            runs, stop = typed(target, "runs"), typed(target, "stop", "RUN")
            complain(f"no longer waiting; started runs go on: {runs}; to end one: {stop}")
        raise
    if target:
        for name in dict.fromkeys(one.name for one in followed if not one.succeeded):
            complain(f"why: {typed(target, 'show', name)}")


def _changes(
    looks: Iterable[Mapping[tuple[str, str], Followed]],
    followed: Sequence[Followed],
    target: Target | None,
    patience: float,
    clock: Callable[[], float],
) -> Iterator[Followed]:
    """Poll until all have ended or patience is over; yield those that changed."""
    changed = clock()
    said: set[tuple[str, str]] = set()
    hint = target and f"no run has started yet: {typed(target, 'doctor')}"
    for states in looks:
        for state in [one for one in states if one not in said]:
            changed = clock()
            yield states[state]
        said.update(states)
        if all(one.ended for one in followed):
            return
        silent = 0.0 if all(one.name for one in followed) else clock() - changed
        if hint and silent >= SILENCE_SECONDS:
            note(hint)
            hint = None
        if silent > patience:
            raise LandrunError(
                f"no run has started within {patience:.0f} s: look for the reason with landrun"
                " doctor, or wait longer with --patience"
            )


def _look(
    stack: Stack, followed: Sequence[Followed], now: float
) -> dict[tuple[str, str], Followed]:
    """Poll those that have not ended; return the name and state of each."""
    pending = [one for one in followed if not one.ended]
    closely = len(pending) <= CLOSELY
    at_once(lambda one: one.look(stack, now, closely=closely), pending)
    return {(one.name, one.state): one for one in followed if one.state}
