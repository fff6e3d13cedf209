"""What is simulated, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from benchmarks import facts
from benchmarks.bills import DAY, Month
from benchmarks.queueing import Held, percentile

Mode = Literal["arrival", "turns", "schedule"]
Profile = Literal["even", "burst"]
BURST_BEGINS, BURST_ENDS = 10 * 3600, 11 * 3600


def _quota(name: str) -> float:
    value: float = field(default_factory=lambda: facts.quotas()[name].value)
    return value


@dataclass(frozen=True)
class Setup:
    """What is simulated: what lands, how the stack is set up, and what AWS allows.

    Rates are a second. ``stacks`` divide what lands among them: each has bounds of its own, but
    not quotas, which are the account's.
    """

    objects_a_day: int = 1_000_000
    mode: Mode = "arrival"
    profile: Profile = "even"
    ticks_a_day: int = 24
    days: int = 2
    slot: float = 60.0
    stacks: int = 1
    prefixes: int = 1
    at_once: int = field(default_factory=lambda: facts.stack().at_once)
    instances: float = _quota("instances")
    start_executions: float = _quota("start_executions")
    start_executions_burst: float = _quota("start_executions_burst")
    open_executions: float = _quota("open_executions")
    state_transitions: float = _quota("state_transitions")
    event_deliveries: float = _quota("event_deliveries")
    partition_writes: float = _quota("partition_writes")
    table_writes: float = _quota("table_writes")
    prefix_writes: float = _quota("prefix_writes")
    create_jobs: float = _quota("create_jobs")
    start_seconds: float = field(default_factory=lambda: facts.known("start_seconds"))
    month: Month = field(default_factory=Month)

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return round(self.days * DAY / self.slot)

    def landed_by(self, slot: int) -> int:
        """Say how many objects have landed before a slot."""
        days, seconds = divmod(slot * self.slot, DAY)
        if self.profile == "even":
            share = seconds / DAY
        else:  # half of a day's objects in one hour of it
            into = min(max(seconds - BURST_BEGINS, 0), BURST_ENDS - BURST_BEGINS)
            share = seconds / DAY / 2 + into / (BURST_ENDS - BURST_BEGINS) / 2
        return round((days + share) * self.objects_a_day)

    def job_slots(self, objects: float) -> int:
        """Say for how many slots a job takes its instance, from being asked for to its end."""
        seconds = self.start_seconds + self.month.job_billed(objects)
        return max(1, round(seconds / self.slot))


@dataclass
class Outcome:
    """What became of it.

    Attributes
    ----------
    landed, done, failed, inside
        Objects: at the end each that landed is one of the others.
    inside_by_day
        How many were on their way at the end of each day.
    waits, last_waits
        For how many slots how many objects were on their way, of all and of those that were done
        on the last day: the first begins with nothing on its way.
    held
        What held them back.
    peaks
        The most of something at a time.
    tries, runs, job_seconds
        Calls for a job that a quota refused, jobs that began, instance seconds billed.
    """

    setup: Setup
    landed: int = 0
    done: int = 0
    failed: int = 0
    inside: int = 0
    inside_by_day: list[int] = field(default_factory=list)
    waits: Counter[int] = field(default_factory=Counter)
    last_waits: Counter[int] = field(default_factory=Counter)
    held: Held = field(default_factory=Held)
    peaks: Counter[str] = field(default_factory=Counter)
    tries: int = 0
    runs: int = 0
    job_seconds: float = 0.0

    @property
    def keeps_up(self) -> bool:
        """Whether a day ends with no more on its way than the day before did.

        Each day is like the last: what is on its way at the end may differ by a rounding only.
        """
        *_, before, last = [0, *self.inside_by_day]
        return not self.failed and last <= before + 1

    def within(self, share: float) -> float | None:
        """Say in how many seconds this share of what was done on the last day was done."""
        slots = percentile(self.last_waits, share)
        return None if slots is None else slots * self.setup.slot
