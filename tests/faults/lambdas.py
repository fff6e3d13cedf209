"""Lambda: processes of functions that are cold, busy, idle or dead, and what came of invocations.

An invocation takes an idle process or, while all are busy, a new one: two invocations interleave
by running the second inside a call of the first. A process that was killed is not used again.
"""

from __future__ import annotations

import importlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Metrics

from landrun import observability as landrun_telemetry
from landrun import settings as landrun_settings
from landrun_ops.local.patches import Patches

from .faulty import Faults, Faulty, Killed, Maker, Observer, Process
from .stack import SERVICES, DeployedStack, client

FUNCTIONS = {
    "ObjectCreated": "object_created",
    "Schedule": "schedule",
    "ExecutionStatus": "execution_status",
    "Reconcile": "reconcile",
}
_TELEMETRY = {
    "POWERTOOLS_METRICS_NAMESPACE": "landrun",
    "POWERTOOLS_SERVICE_NAME": "landrun-faults",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}


@dataclass(frozen=True)
class Outcome:
    """What came of one invocation: an answer, or the error that ended it (`Killed` included)."""

    event: dict[str, Any] = field(repr=False)
    answer: Any = None
    error: BaseException | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(frozen=True)
class Context:
    aws_request_id: str = "52fdfc07-2182-454f-963f-5f0f9a621d72"


def in_turn(act: Callable[[Any], Any], given: Iterable[Any]) -> list[Any]:
    """Map one call after the other, in place of threads: what dies, dies at a certain call."""
    return [act(one) for one in given]


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
        self._idle: dict[str, list[tuple[Process, Any]]] = {name: [] for name in FUNCTIONS}

    def invoke(self, function: str, event: dict[str, Any]) -> Outcome:
        """Invoke a function once; what ends it is in the outcome, never raised."""
        idle = self._idle[function]
        process, handler = idle.pop() if idle else self._cold(function)
        process.busy, process.invocation = True, process.invocation + 1
        try:
            outcome = Outcome(event, handler.handle(event, Context()))
        except (Exception, Killed) as error:
            outcome = Outcome(event, error=error)
        process.busy = False
        if not process.dead:
            idle.append((process, handler))
        return outcome

    def reconfigure(self, function: str, **variables: str) -> None:
        """Change a function's environment, as a deployment does: its processes are new then."""
        self.environments[function] |= variables
        self._idle[function].clear()

    def _cold(self, function: str) -> tuple[Process, Any]:
        process = Process(function)
        module = importlib.import_module(f"landrun.handlers.{FUNCTIONS[function]}")
        model = getattr(landrun_settings, f"{function}Settings")
        doors = {
            service: Faulty(
                client(service), service, self._faults, process, (self._observer,), self._make
            )
            for service in SERVICES
        }
        settings = model.from_environment(self.environments[function])
        one_by_one = {} if function == "ExecutionStatus" else {"mapper": in_turn}
        handler = module.build(settings, doors.__getitem__, clock=self._clock, **one_by_one)
        return process, handler

    def patch(self, patches: Patches) -> None:
        """Count metrics in place of printing them, and say nothing in logs."""
        for name, value in _TELEMETRY.items():
            _set_variable(patches, name, value)
        patches.set(landrun_telemetry, "single_metric", self._metric)
        patches.set(Metrics, "add_metric", lambda _, name, unit, value: self._count(name, value))

    def _count(self, name: str, value: float) -> None:
        self.metrics[name, ""] += value

    @contextmanager
    def _metric(self, name: str, unit: Any, value: float, **_: Any) -> Iterator[_Metric]:
        one = _Metric()
        yield one
        self.metrics[name, one.value] += value


class _Metric:
    """Stands for what Powertools' single_metric gives."""

    value = ""

    def add_dimension(self, name: str, value: str) -> None:
        self.value = value


def _set_variable(patches: Patches, name: str, value: str) -> None:
    if name in os.environ:
        patches.item(os.environ, name, value)
    else:
        os.environ[name] = value
        patches._undo.append(lambda: os.environ.pop(name))
