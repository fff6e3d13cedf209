"""Lambda: processes of functions that are cold, busy, idle or dead, and what came of invocations.

An invocation takes an idle process or, while all are busy, a new one: two invocations interleave
by running the second inside a call of the first. A process that was killed is not used again.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

from handler_loader import Context, load_handler
from landrun.services import collect_landings
from landrun_ops.local.patches import Patches

from .direct import direct_client as client
from .faulty import Faults, Faulty, Killed, Maker, Observer, Process
from .stack import DeployedStack

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
    def ok(self) -> bool:
        return self.error is None


class Functions:
    """The stack's functions, with the environments that the template gives them.

    Parameters
    ----------
    stack, faults, clock
        The World's.
    observer : callable
        Told of each call that was made.
    make : callable
        Makes the calls.

    Attributes
    ----------
    metrics : Counter
        What was counted, by (metric, value of its dimension or "").
    """

    def __init__(
        self,
        stack: DeployedStack,
        faults: Faults,
        clock: Callable[[], datetime],
        observer: Observer,
        make: Maker,
    ) -> None:
        self.metrics: Counter[tuple[str, str]] = Counter()
        self.environments = {name: stack.environment(f"{name}Function") for name in FUNCTIONS}
        self._faults, self._clock = faults, clock
        self._observer, self._make = observer, make
        self._idle: dict[str, list[tuple[Process, ModuleType]]] = {name: [] for name in FUNCTIONS}

    def invoke(self, function: str, event: dict[str, Any]) -> Outcome:
        """Invoke a function once; what ends it is in the outcome, never raised."""
        idle = self._idle[function]
        process, module = idle.pop() if idle else self._cold(function)
        process.busy, process.invocation = True, process.invocation + 1
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                outcome = Outcome(event, module.handler(event, Context()))
        except (Exception, Killed) as error:
            outcome = Outcome(event, error=error)
        self._count(printed.getvalue())
        process.busy = False
        if not process.dead:
            idle.append((process, module))
        return outcome

    def _count(self, printed: str) -> None:
        """Read metrics as CloudWatch does: from the lines that a function prints."""
        for line in printed.splitlines():
            found = json.loads(line)
            [directive] = found["_aws"]["CloudWatchMetrics"]
            [dimensions] = directive["Dimensions"]
            [value] = [found[name] for name in dimensions if name != "service"] or [""]
            for metric in directive["Metrics"]:
                self.metrics[metric["Name"], value] += sum(found[metric["Name"]])

    def reconfigure(self, function: str, **variables: str) -> None:
        """Change a function's environment, as a deployment does: its processes are new then."""
        self.environments[function] |= variables
        self._idle[function].clear()

    def _cold(self, function: str) -> tuple[Process, ModuleType]:
        process = Process(function)

        def faulty(service: str) -> Faulty:
            watched = (self._observer,)
            return Faulty(client(service), service, self._faults, process, watched, self._make)

        environment = self.environments[function] | QUIET
        name = FUNCTIONS[function]
        return process, load_handler(name, environment, faulty, self._clock, overlapping=False)

    def patch(self, patches: Patches) -> None:
        """Let claims come one after the other, so that what dies, dies at a certain call."""
        patches.set(collect_landings, "CONNECTIONS", 1)
