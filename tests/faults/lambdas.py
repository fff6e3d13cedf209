"""Lambda: processes of functions that are cold, busy, idle or dead, and what came of invocations.

An invocation takes an idle process or, while all are busy, a new one: two invocations interleave
by running the second inside a call of the first. A process that was killed is not used again.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handler_loader import Context, Printed, load_handler
from landrun.errors import LandrunError
from landrun.observability import create_metrics
from landrun.services import collect_landings

from .direct import direct_client
from .faulty import Killed, Process, faulty

client = direct_client
"""Makes a process's clients; tests/permissions puts others in."""

FUNCTIONS = {
    "ObjectCreated": "object_created",
    "Schedule": "schedule",
    "ExecutionStatus": "execution_status",
    "Reconcile": "reconcile",
}
QUIET = {"POWERTOOLS_LOG_LEVEL": "CRITICAL", "POWERTOOLS_SERVICE_NAME": "landrun-faults"}


@dataclass(frozen=True)
class Outcome:
    """What came of one invocation: an answer, or the error that ended it (`Killed` included)."""

    event: dict[str, Any] = field(repr=False)
    answer: Any = None
    error: BaseException | None = None

    @property
    def ok(self):
        return self.error is None


class InTurn(ThreadPoolExecutor):
    """Has made a call before it takes the next: what happens is the same each time."""

    def submit(self, *given, **named):
        future = super().submit(*given, **named)
        wait([future])
        return future


_KEPT: dict[tuple[bool, str, frozenset[tuple[str, str]]], list[Process]] = defaultdict(list)
"""Idle processes that earlier Worlds have left, by clients, function and environment."""


class Functions:
    """A World's functions, with the environments that the template gives them.

    ``metrics`` has what was counted, by (metric, value of its dimension or "").
    """

    def __init__(self, world):
        self.metrics: Counter[tuple[str, str]] = Counter()
        self.logs: list[dict[str, Any]] = []
        self.environments = {
            name: world.stack.environment(f"{name}Function") | QUIET for name in FUNCTIONS
        }
        self._world = world
        self._idle: dict[str, list[Process]] = {name: [] for name in FUNCTIONS}

    def invoke(self, function, event):
        """Invoke a function once; what ends it is in the outcome.

        A plain exception, which is not landrun's own, is a fault of its code: it is raised.
        """
        idle = self._idle[function]
        process = idle.pop() if idle else self._cold(function)
        process.busy, process.invocation = True, process.invocation + 1
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                outcome = Outcome(event, process.module.handler(event, Context()))
        except (LandrunError, Killed) as error:
            outcome = Outcome(event, error=error)
        self._read(Printed(printed.getvalue()))
        process.busy = False
        if not process.dead:
            idle.append(process)
        return outcome

    def _read(self, printed):
        """Read metrics as CloudWatch does: from the lines that a function prints."""
        self.logs += printed.logs
        for line in printed.metrics:
            [directive] = line["_aws"]["CloudWatchMetrics"]
            [dimensions] = directive["Dimensions"]
            [value] = [line[name] for name in dimensions if name != "service"] or [""]
            for metric in directive["Metrics"]:
                self.metrics[metric["Name"], value] += sum(line[metric["Name"]])

    def reconfigure(self, function, **variables):
        """Change a function's environment, as a deployment does: its processes are new then."""
        self.environments[function] |= variables
        self._idle[function].clear()

    def _cold(self, function):
        """Give a new process; to import a handler takes long, so an earlier World's will do."""
        kept = self._kept(function)
        process = kept.pop() if kept else self._loaded(function)
        process.world = self._world
        return process

    def _kept(self, function):
        variables = frozenset(self.environments[function].items())
        return _KEPT[client is direct_client, function, variables]

    def _loaded(self, function):
        process = Process(function)

        def clock():
            now: datetime = process.world.clock()
            return now

        process.module = load_handler(
            FUNCTIONS[function],
            self.environments[function],
            lambda service: faulty(client(service), service, process),
            clock,
        )
        if hasattr(process.module, "threads"):
            process.module.threads = InTurn(1)
        return process

    def keep(self):
        for function, idle in self._idle.items():
            self._kept(function).extend(idle)

    def patch(self, patches):
        """Let claims come one after the other, so that what dies, dies at a certain call."""
        patches.set(collect_landings, "CONNECTIONS", 1)
        create_metrics()  # ignores a warning; pytest forgets that after each test
