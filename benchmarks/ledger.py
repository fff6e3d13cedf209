"""The ledger at a million runs: a sweep, a look at it, and the write of a status.

The rows are what the real function writes of the events on file, copied under other names and
times over a year: one in 100 has failed, one in 10,000 was stopped, a hundred are running. What
people and ``reconcile`` ask is asked by the code that ships.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks import burst
from benchmarks.measuring import Aim, Options, Row
from benchmarks.standins import Clients, json_service, response, unheard
from benchmarks.standins_dynamodb import Design, DynamoDB, Index, dollars
from benchmarks.standins_expressions import Item
from benchmarks.standins_history import PastExecutions, PastManifests
from benchmarks.tick import LANDINGS
from handler_loader import Context, load_handler

TITLE = "Reconcile and the ledger, over many runs"

RUNS = Design(
    "runs",
    "name",
    [Index("by-month", "month", "started_at"), Index("by-unfinished", "unfinished", "started_at")],
)
CONCURRENCY = Design(
    "concurrency", "name", [Index("by-status-and-start", "item_type", "status_and_start")]
)
"""The tables of src/stacks/storage.yaml."""

DYNAMODB_SECONDS, S3_SECONDS, STATES_SECONDS = 0.010, 0.020, 0.030
"""How long services take to answer: assumed; the megabytes of an answer take no time here."""

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
YEAR, REMEMBERED = timedelta(days=365), timedelta(days=90)
FAILED_ONE_IN, ABORTED_ONE_IN, RUNNING = 100, 10_000, 100
SWEEPS_A_MONTH = 4 * 24 * 365 / 12
LOADED_AT_ONCE = 20_000
ENOUGH = 0.01
"""Dollars that a look may cost."""

LONGEST = 840
"""Seconds that a sweep may take: the function's timeout in template.yaml."""

EVENTS = burst.EVENT.parent
RUN = "landrun-50f0421ea8585c9eb9688415b36b93f2"
OUTPUT = "landrun-outputbucket-6f5e4d3c2b1a"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:ProcessingStateMachine-8kQ2mZ4xT7pL"
"""Those of the events."""

ENVIRONMENT = burst.ENVIRONMENT | {
    "STATE_MACHINE_ARN": MACHINE,
    "OUTPUT_BUCKET": OUTPUT,
    "RUNS_TABLE": RUNS.name,
    "LANDINGS_TABLE": LANDINGS.name,
    "CONCURRENCY_TABLE": CONCURRENCY.name,
    "MAX_CONCURRENT_RUNS": "0",
    "MAX_OBJECTS_PER_RUN": "10000",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:landrun",
}
SUMMARY = {
    "rows_in": 1200,
    "rows_out": 1130,
    "duplicates": 40,
    "empty": 20,
    "rejected": 10,
    "files": [{"key": "incoming/2026/11/22/messages.jsonl", "rows_in": 1200, "rows_out": 1130}],
}
PUBLISHED = (
    "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)


@dataclass(frozen=True)
class Asked:
    """What something took of DynamoDB, and of time."""

    seconds: float
    requests: int
    reads: float
    writes: float

    @property
    def price(self) -> float:
        """Dollars, on demand."""
        return dollars(self.reads, self.writes)


def run(options: Options) -> Iterator[Row]:
    """Write statuses, then look at a ledger of many runs, and sweep over it."""
    size = 10_000 if options.quick else 1_000_000
    ledger = Ledger(size, options.scratch, options.progress)
    try:
        yield from _status_rows(ledger.writes)
        for case, asked in looks(ledger):
            yield from _look_rows(f"{case}, of {size:,} runs", asked)
        for number, (case, asked) in enumerate(sweeps(ledger)):
            yield from _sweep_rows(f"{case}, of {size:,} runs", asked, key=number == 0)
    finally:
        ledger.database.close()


def _status_rows(writes: dict[str, Asked]) -> Iterator[Row]:
    for status, asked in writes.items():
        case = f"recording that a run is {status}"
        yield Row(case, "DynamoDB requests", asked.requests, "")
        yield Row(case, "write units", asked.writes, "")
    whole = writes["running"].price + writes["succeeded"].price
    yield Row("recording a run that succeeds", "DynamoDB per million", whole * 1e6, "$", key=True)
    failing = writes["running"].price + writes["failed"].price
    yield Row("recording a run that fails", "DynamoDB per million", failing * 1e6, "$")


def _look_rows(case: str, asked: Asked) -> Iterator[Row]:
    note = f"{asked.requests} requests of 10 ms, transfer left out"
    yield Row(case, "seconds", asked.seconds, "s", note=note)
    yield Row(case, "DynamoDB", asked.price, "$", aim=Aim("<=", ENOUGH), key="failed" in case)


def _sweep_rows(case: str, asked: Asked, *, key: bool) -> Iterator[Row]:
    note = f"{asked.requests} requests, {asked.reads:,.0f} read units"
    yield Row(case, "seconds", asked.seconds, "s", aim=Aim("<=", LONGEST), key=key)
    yield Row(case, "DynamoDB", asked.price, "$", note=note)
    if key:
        monthly = asked.price * SWEEPS_A_MONTH
        yield Row(case, "DynamoDB, every 15 minutes for a month", monthly, "$", key=True)


def looks(ledger: Ledger) -> Iterator[tuple[str, Asked]]:
    """Look at the ledger as ``landrun runs`` and ``landrun show`` do."""
    from landrun.errors import ConfigurationError  # noqa: PLC0415
    from landrun.models.run_record import UNFINISHED  # noqa: PLC0415
    from landrun_ops.stack.run_filter import RunFilter, SearchLimit  # noqa: PLC0415
    from landrun_ops.stack.runs_table import RunsReader  # noqa: PLC0415

    runs = RunsReader(ledger.clients("dynamodb"), RUNS.name)

    def newest(count: int = 20, **given: Any) -> Asked:
        return ledger.asked(lambda: list(islice(runs.newest(NOW, count + 1, **given), count)))

    def named(text: str) -> Asked:
        with suppress(ConfigurationError):
            return ledger.asked(lambda: runs.named(text, NOW))
        return ledger.last

    ended_badly = RunFilter(status=frozenset({"FAILED", "TIMED_OUT", "ABORTED"}))
    nobody = RunFilter(status=frozenset({"TIMED_OUT"}))
    yield "landrun runs", newest()
    yield "landrun runs --since 1d --limit 1000", newest(1000, since=NOW - timedelta(days=1))
    yield (
        "landrun runs --status running",
        newest(only=RunFilter(status=UNFINISHED), limit=SearchLimit()),
    )
    yield "landrun runs --status failed", newest(only=ended_badly, limit=SearchLimit())
    yield (
        "landrun runs --status timed-out, of which there is none",
        newest(only=nobody, limit=SearchLimit()),
    )
    no_key = RunFilter(kind="object-created", contains="no such key")
    yield "landrun runs --contains what no key has", newest(only=no_key, limit=SearchLimit())
    yield "landrun show, a whole name", named(ledger.name(1))
    newest_name = ledger.name(ledger.size - 1)
    yield "landrun show, 8 digits of a new run", named(newest_name.rpartition("-")[2][:8])
    yield "landrun show, 8 digits of no run", named("00000000")


def sweeps(ledger: Ledger) -> Iterator[tuple[str, Asked]]:
    """Reconcile: as every 15 minutes, and as after the sweeps of days were lost."""
    from landrun.adapters.checkpoints import Checkpoints  # noqa: PLC0415

    checkpoints = Checkpoints(ledger.clients("dynamodb"), LANDINGS.name)
    for case, ago in (("a sweep", timedelta(minutes=25)), ("a sweep after a year without", YEAR)):
        checkpoints.save("executions", {"back_to": (NOW - ago).isoformat()})
        with unheard():
            function = load_handler("reconcile", ENVIRONMENT, ledger.clients, lambda: NOW)
            asked = ledger.asked(partial(function.handler, {}, Context()))
        yield case, asked  # not unheard: whoever takes it may have something to say


class Ledger:
    """A ledger of many runs, and what works on it.

    Attributes
    ----------
    database, clients
        The stand-ins.
    writes : dict
        What recording each status took.
    size : int
        How many runs there are.
    """

    def __init__(self, size: int, scratch: Path, told: Callable[[str], None]) -> None:
        os.environ.update(ENVIRONMENT)
        self.size = size
        self.database = DynamoDB([RUNS, LANDINGS, CONCURRENCY], scratch / "runs.sqlite", cache=500)
        forgotten = size - int(size * (REMEMBERED / YEAR))
        self._past = PastExecutions(MACHINE, self._execution, range(forgotten, size))
        storage = PastManifests([self.name(number) for number in range(size)])
        storage.objects[OUTPUT, f"processed/{RUN}/summary.json"] = (
            json.dumps(SUMMARY).encode(),
            {},
        )
        self.clients = Clients(
            dynamodb=(json_service(self.database), DYNAMODB_SECONDS),
            s3=(storage, S3_SECONDS),
            stepfunctions=(json_service(self._past), STATES_SECONDS),
            sns=(lambda request: response(request, 200, PUBLISHED), 0.0),
            sagemaker=(json_service(lambda *_: {}), 0.0),
        )
        self._like: dict[str, Item] = {}
        self.writes: dict[str, Asked] = {}
        for status in ("running", "succeeded", "running", "failed"):
            self._record(status)
        began = time.monotonic()
        for start in range(0, size, LOADED_AT_ONCE):
            numbers = range(start, min(size, start + LOADED_AT_ONCE))
            self.database.load(RUNS.name, map(self._row, numbers))
        told(f"{size:,} rows after {time.monotonic() - began:.0f} s")

    def _record(self, status: str) -> None:
        """Record a status by the real function, and keep the row that it writes."""
        event = json.loads((EVENTS / f"execution-{status}.json").read_text(encoding="utf-8"))
        with unheard():
            function = load_handler("execution_status", ENVIRONMENT, self.clients, lambda: NOW)
            handle = partial(function.handler, event, Context())
            self.writes[status] = self.asked(lambda: _must_succeed(handle()))
        self._like[status] = self.database.items(RUNS.name)[0]
        if status != "running":
            self.database.clear(RUNS.name)  # the next one is about the same run

    def asked(self, act: Callable[[], Any]) -> Asked:
        """Count what something takes; `last` keeps it, should it raise."""
        self.database.forget_counts()
        began, counted = time.monotonic(), self.database
        try:
            act()
        finally:
            seconds, requests = time.monotonic() - began, counted.calls.total()
            self.last = Asked(seconds, requests, counted.read_units, counted.write_units)
        return self.last

    def _row(self, number: int) -> Item:
        status = self._status(number)
        like = dict(self._like["failed" if status == "ABORTED" else status.lower()])
        name, started = self.name(number), _spelled(self._started(number))
        own = {
            "name": name,
            "month": started[:7],
            "started_at": started,
            "status": status,
            "execution_arn": self._past.arn(name),
            "input_message": like["input_message"]["S"].replace(RUN, name),
        }
        key = {"Key": {"S": f"incoming/2026/messages-{number:07}.jsonl"}}
        own_values = {attribute: {"S": value} for attribute, value in own.items()}
        return like | own_values | {"trigger": {"M": like["trigger"]["M"] | key}}

    def _status(self, number: int) -> str:
        if number >= self.size - RUNNING:
            return "RUNNING"
        if number % ABORTED_ONE_IN == 1:
            return "ABORTED"
        return "FAILED" if number % FAILED_ONE_IN == 0 else "SUCCEEDED"

    def name(self, number: int) -> str:
        """Name a run, 0 being the oldest: as scattered as names are."""
        digits = UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128).hex
        return f"landrun-{digits}"

    def _started(self, number: int) -> datetime:
        """Say when a run started: evenly over the year."""
        return NOW - YEAR * ((self.size - number) / self.size)

    def _execution(self, number: int) -> dict[str, Any]:
        started, status = self._started(number).timestamp(), self._status(number)
        entry = {"name": self.name(number), "status": status, "startDate": started}
        return entry if status == "RUNNING" else entry | {"stopDate": started + 30}


def _must_succeed(answer: dict[str, Any]) -> None:
    if answer["batchItemFailures"]:
        raise RuntimeError("the status was not recorded")


def _spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
