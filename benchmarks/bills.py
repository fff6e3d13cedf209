"""Bills: what a month of landings costs in each mode, item by item, and what else would cost.

Requests are those that the real handlers make (`benchmarks.usage`), prices those of
``prices.toml``; what is neither measured nor priced is an assumption of the same file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from benchmarks import facts, usage

DAY = 86_400
TURN = {"messages": 1, "write_units": 32, "read_units": 8, "dynamodb_calls": 11}
"""What a run that waits for a concurrency slot uses besides: a message; four transactions, which
count twice, of an item with a token (over 1 KB) that an index holds as well: 6 write units to
request, 10 to acquire, 8 to note that it was resumed, 8 to release; and consistent reads before
each."""

SCANNED = 5_000
"""Manifests that reconcile looks at in a sweep (landrun.services.reconcile.MANIFESTS)."""

SWEEPS = 4 * 24
OUTPUTS = 3
"""Objects that each instance of a run leaves: a part, the rejected lines, the summary."""


@dataclass(frozen=True)
class Item:
    """A line of a bill."""

    service: str
    what: str
    quantity: float
    price: str

    @property
    def dollars(self) -> float:
        """What it comes to."""
        return self.quantity * facts.prices()[self.price].each


@dataclass(frozen=True)
class Bill:
    """What one way of doing a month's work costs.

    Attributes
    ----------
    way : str
        What is done.
    runs : float
        How many Processing jobs that takes.
    items : tuple of Item
        What moves data into jobs, and keeps the record.
    jobs : tuple of Item
        The jobs themselves.
    """

    way: str
    runs: float
    items: tuple[Item, ...]
    jobs: tuple[Item, ...]

    @property
    def moving(self) -> float:
        """Dollars for all but the jobs."""
        return sum(item.dollars for item in self.items)

    @property
    def working(self) -> float:
        """Dollars for the jobs."""
        return sum(item.dollars for item in self.jobs)

    @property
    def total(self) -> float:
        """Dollars in all."""
        return self.moving + self.working

    def by_service(self) -> dict[str, float]:
        """Sum up by service, all but the jobs."""
        found: dict[str, float] = {}
        for item in self.items:
            found[item.service] = found.get(item.service, 0.0) + item.dollars
        return found


def _known(name: str) -> Any:
    """Default to what was measured, else to what is assumed."""
    return field(default_factory=lambda: facts.known(name))


@dataclass(frozen=True)
class Month:
    """A month's work, and what things take. Times in seconds unless named otherwise."""

    landings: int = 1_000_000
    days: int = 30
    batch: int = 1
    max_objects: int = field(default_factory=lambda: facts.stack().max_objects)
    instance_type: str = field(default_factory=lambda: facts.stack().instance_type)
    instance_count: int = 1
    architecture: str = "arm64"
    object_bytes: float = _known("object_bytes")
    job_seconds: float = _known("job_seconds")
    objects_per_second: float = _known("objects_per_second")
    job_megabytes_per_second: float = _known("job_megabytes_per_second")
    handler_microseconds: float = _known("handler_microseconds")
    tick_microseconds: float = _known("tick_microseconds")
    s3_milliseconds: float = _known("s3_milliseconds")
    states_milliseconds: float = _known("states_milliseconds")
    dynamodb_milliseconds: float = _known("dynamodb_milliseconds")
    platform_log_bytes: float = _known("platform_log_bytes")
    cold_seconds: float = _known("cold_seconds")
    cold_every: float = _known("cold_every")

    def __post_init__(self) -> None:
        """Refuse what is no amount, and what has no price."""
        numbers = [f.name for f in fields(self) if isinstance(getattr(self, f.name), (int, float))]
        wrong = [name for name in numbers if not getattr(self, name) > 0]
        if wrong:
            raise ValueError(f"must be more than 0: {', '.join(wrong)}")
        for kind, name in (("instance", self.instance_type), ("compute", self.architecture)):
            if name not in (known := facts.priced(kind)):
                raise ValueError(f"prices.toml has no {name}, but {', '.join(known)}")

    # ---- how long things take --------------------------------------------------------------------

    def start_seconds(self, batch: int | None = None) -> float:
        """Say how long a function takes for a batch of landings that start runs: starts overlap."""
        waits = (self.s3_milliseconds + self.states_milliseconds) / 1e3
        return self._cpu("ObjectCreated", batch or self.batch) + waits

    def record_seconds(self, batch: int | None = None) -> float:
        """Say how long a function takes for a batch of landings that wait for a tick."""
        return self._cpu("ObjectCreated", batch or self.batch) + self.dynamodb_milliseconds / 1e3

    def status_seconds(self, *, ended: bool) -> float:
        """Say how long a function takes for one change of status."""
        waits = self.dynamodb_milliseconds + (2 * self.s3_milliseconds if ended else 0)
        return self._cpu("ExecutionStatus", 1) + waits / 1e3

    def turn_seconds(self) -> float:
        """Say how long a function takes to let a run wait, and later to let it go on."""
        transactions = 2
        calls = (TURN["dynamodb_calls"] + transactions) * self.dynamodb_milliseconds
        return self._cpu("ExecutionStatus", 1) + (calls + self.states_milliseconds) / 1e3

    def tick_seconds(self, landings: float) -> float:
        """Say how long a tick takes over so many landings."""
        each = self.tick_microseconds / 1e6 / self._cores("Schedule")
        return landings * each + (3 * self.s3_milliseconds + self.states_milliseconds) / 1e3

    def job_billed(self, objects: float) -> float:
        """Say how many seconds a job over so many objects bills."""
        work = objects * self.object_bytes / 1e6 / self.job_megabytes_per_second
        return self.job_seconds + objects / self.objects_per_second + work

    def share(self, objects: float) -> float:
        """Say over how many of a run's objects an instance works, or waits for one that does."""
        return max(objects / self.instance_count, min(objects, 1))

    def _cpu(self, function: str, events: int) -> float:
        return events * self.handler_microseconds / 1e6 / self._cores(function)

    def _cores(self, function: str) -> float:
        return facts.stack().memory[function] / facts.WHOLE_CORE

    # ---- what is done ----------------------------------------------------------------------------

    def arrival(self, *, bounded: bool = False) -> Bill:
        """Bill one run for each landing."""
        way = "arrival: a run for each object"
        way += ", with `MaxConcurrentRuns`" if bounded else ""
        items = [
            *self._landings("arrival", self.start_seconds()),
            *self._runs(self.landings, bounded=bounded),
        ]
        return self._bill(way, self.landings, items)

    def schedule(self, ticks_a_day: float, name: str) -> Bill:
        """Bill a tick's runs over all that has landed since the last."""
        ticks = ticks_a_day * self.days
        runs = min(self.landings, ticks * math.ceil(self.landings / ticks / self.max_objects))
        items = [
            *self._landings("waits", self.record_seconds()),
            *self._ticks(ticks, runs),
            *self._runs(runs, bounded=False),
        ]
        return self._bill(f"schedule: {name}", runs, items)

    def rule(self) -> Bill:
        """Bill a rule that starts an execution for each object, and nothing else."""
        items = [
            Item("EventBridge", "S3's events", self.landings, "event"),
            Item("Step Functions", "state transitions", self.landings * 3, "transition"),
        ]
        return self._bill("a rule straight into Step Functions: a job for each object",
                          self.landings, items)  # fmt: skip

    def airflow(self, ticks_a_day: float, name: str, price: str) -> Bill:
        """Bill an Airflow that is always there, and runs the same jobs as ticks would."""
        ticks = ticks_a_day * self.days
        runs = min(self.landings, ticks * math.ceil(self.landings / ticks / self.max_objects))
        items = [Item("Airflow", "hours", self.days * 24, price)]
        return self._bill(name, runs, items)

    def _bill(self, way: str, runs: float, items: list[Item]) -> Bill:
        return Bill(way, runs, tuple(items), tuple(self._jobs(runs)))

    def _landings(self, mode: str, seconds: float) -> Iterator[Item]:
        used, batches = usage.used(mode, self.batch), self.landings / self.batch
        yield Item("EventBridge", "S3's events", self.landings, "event")
        yield Item("SQS", "landings", self.landings + 2 * batches, "queue")
        yield from self._function("ObjectCreated", batches, seconds, used, "landings")

    def _ticks(self, ticks: float, runs: float) -> Iterator[Item]:
        yield Item("EventBridge", "ticks", ticks, "schedule")
        each, parts = self.landings / ticks, runs / ticks
        small, large = usage.used("tick", 1), usage.used("tick", 1001)
        one = usage.Usage(  # what a landing adds, beside what a tick and its runs take anyway
            write_units=(large.write_units - small.write_units) / 1000 * each,
            read_units=small.read_units + (large.read_units - small.read_units) / 1000 * each,
            log_bytes=small.log_bytes * parts,
        )
        for name, count in small.requests.items():
            one.requests[name] = math.ceil(count * parts)
        yield from self._function("Schedule", ticks, self.tick_seconds(each), one, "ticks")

    def _runs(self, runs: float, *, bounded: bool) -> Iterator[Item]:
        stack = facts.stack()
        states = stack.states_with_turn if bounded else stack.states
        # Start and end count, as AWS's own example has it (Step Functions pricing, example 1).
        yield Item("Step Functions", "state transitions", runs * (states + 2), "transition")
        yield Item("SQS", "changes of status", runs * 2 * 3, "queue")
        used = usage.used("run")
        both = self.status_seconds(ended=False) + self.status_seconds(ended=True)
        halves = usage.Usage(log_bytes=used.log_bytes / 2, write_units=used.write_units / 2)
        for name, count in used.requests.items():
            halves.requests[name] = count / 2  # type: ignore[assignment]
        yield from self._function("ExecutionStatus", 2 * runs, both / 2, halves, "status")
        if bounded:
            yield from self._turns(runs)

    def _turns(self, runs: float) -> Iterator[Item]:
        yield Item("SQS", "turns", runs * 3 * TURN["messages"], "queue")
        used = usage.Usage(write_units=TURN["write_units"], read_units=TURN["read_units"],
                           log_bytes=600)  # fmt: skip
        yield from self._function("ExecutionStatus", runs, self.turn_seconds(), used, "turns")

    def _function(
        self, name: str, invocations: float, seconds: float, used: usage.Usage, what: str
    ) -> Iterator[Item]:
        gigabytes = facts.stack().memory[name] / 1024
        yield Item("Lambda", f"invocations: {what}", invocations, "invocation")
        compute = f"compute.{self.architecture}"
        seconds += self.cold_seconds / self.cold_every
        yield Item("Lambda", f"GB-seconds: {what}", invocations * seconds * gigabytes, compute)
        yield from self._requests(invocations, used, what)
        logged = invocations * (used.log_bytes + self.platform_log_bytes)
        yield Item("CloudWatch", f"logs: {what}", logged, "log")

    def _requests(self, times: float, used: usage.Usage, what: str) -> Iterator[Item]:
        writes = used.requests["s3:PutObject"] + used.requests["s3:ListObjectsV2"]
        yield Item("S3", f"writes and lists: {what}", times * writes, "s3_write")
        yield Item("S3", f"reads: {what}", times * used.requests["s3:GetObject"], "s3_read")
        yield Item("DynamoDB", f"write units: {what}", times * used.write_units, "write_unit")
        yield Item("DynamoDB", f"read units: {what}", times * used.read_units, "read_unit")

    def _jobs(self, runs: float) -> Iterator[Item]:
        stack, instances = facts.stack(), runs * self.instance_count
        seconds = instances * self.job_billed(self.share(self.landings / runs))
        yield Item("SageMaker", "instance seconds", seconds, f"instance.{self.instance_type}")
        yield Item("SageMaker", "volume GB-seconds", seconds * stack.volume_gb, "volume")
        yield Item("S3", "inputs", self.landings + instances, "s3_read")
        yield Item("S3", "outputs", OUTPUTS * instances, "s3_write")

    def standing(self, runs: float) -> list[Item]:
        """List what a stack costs a month whether anything lands or not, and what it keeps."""
        sweeps = SWEEPS * self.days
        looked_at = sweeps * min(SCANNED, runs) + 2 * runs
        gigabytes = facts.stack().memory["Reconcile"] / 1024
        # With a maximum concurrency Lambda keeps five pollers at a queue, each asking every 20 s
        # (Lambda developer guide, "Configuring scaling behavior for SQS event source mappings").
        polls = 2 * 5 * DAY / 20 * self.days
        return [
            Item("SQS", "two queues being polled", polls, "queue"),
            Item("CloudWatch", "metrics that alarms read", facts.stack().alarm_metrics, "alarm"),
            Item("CloudWatch", "the dashboard", 1, "dashboard"),
            Item("CloudWatch", "metrics", facts.metrics(), "metric"),
            Item("KMS", "the topic's key", 1, "key"),
            Item("Lambda", "reconcile, 5 s a sweep", sweeps * 5 * gigabytes,
                 f"compute.{self.architecture}"),
            Item("DynamoDB", "reconcile's look-ups", looked_at, "read_unit"),
            Item("S3", "reconcile's listings", sweeps * math.ceil(min(SCANNED, runs) / 1000),
                 "s3_write"),
            Item("DynamoDB", "the month's rows, kept a month", 2 * runs * usage.row_bytes() / 1e9,
                 "table_storage"),
            Item("X-Ray", "traces, at most", self._traces(runs), "trace"),
        ]  # fmt: skip

    def _traces(self, runs: float) -> float:
        """Count traces: the first of each second, and 5 % of the rest (Lambda developer guide)."""
        traced = self.landings / self.batch + 3 * runs
        first = min(traced, self.days * DAY)
        return first + 0.05 * (traced - first)
