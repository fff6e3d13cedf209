"""Lambda: processes of functions that are cold, busy, idle or dead, and what came of invocations.

An invocation takes an idle process or, while all are busy, a new one: two invocations interleave
by running the second inside a call of the first. A process that was killed is not used again.
"""

import io
import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from handler_loader import Context, load_handler
from landrun.errors import LandrunError
from landrun.observability import create_metrics

from .direct import direct_client
from .faulty import Killed, Process, faulty

FUNCTIONS = {
    "ObjectCreated": "object_created",
    "Schedule": "schedule",
    "ExecutionStatus": "execution_status",
    "Reconcile": "reconcile",
}


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


_IDLE = defaultdict(list)
"""Idle processes by function and environment; other Worlds may have left them."""


class Functions:
    """A World's functions, with the environments that the template gives them.

    ``metrics`` has what was counted, by (metric, value of its dimension or "").
    """

    def __init__(self, world):
        self.metrics, self.logs = Counter(), []
        self.environments = {name: world.stack.environment(f"{name}Function") for name in FUNCTIONS}
        self._world = world
        create_metrics()  # ignores a warning; pytest forgets that after each test

    def invoke(self, function, event):
        """Invoke a function once; what ends it is in the outcome.

        A plain exception, which is not landrun's own, is a fault of its code: it is raised.
        """
        idle = _IDLE[function, frozenset(self.environments[function].items())]
        process = idle.pop() if idle else self._cold(function)
        process.world = self._world
        process.busy, process.invocation = True, process.invocation + 1
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                outcome = Outcome(event, process.module.handler(event, Context()))
        except (LandrunError, Killed) as error:
            outcome = Outcome(event, error=error)
        self._read(printed.getvalue())
        process.busy = False
        if not process.dead:
            idle.append(process)
        return outcome

    def _read(self, printed):
        """Read logs, and metrics as CloudWatch does: from the lines that a function prints."""
        for line in (json.loads(text) for text in printed.splitlines() if text != "null"):
            if "_aws" not in line:
                self.logs.append(line)
                continue
            [directive] = line["_aws"]["CloudWatchMetrics"]
            [dimensions] = directive["Dimensions"]
            [value] = [line[name] for name in dimensions if name != "service"] or [""]
            for metric in directive["Metrics"]:
                self.metrics[metric["Name"], value] += sum(line[metric["Name"]])

    def reconfigure(self, function, **variables):
        """Change a function's environment, as a deployment does: its processes are new then."""
        self.environments[function] |= variables

    def _cold(self, function):
        process = Process(function, self._world)
        process.module = load_handler(
            FUNCTIONS[function],
            self.environments[function],
            lambda service: faulty(direct_client(service), service, process),
            lambda: process.world.clock(),  # noqa: PLW0108 - a later World has another
        )
        if hasattr(process.module, "threads"):
            process.module.threads = InTurn(1)
        return process
