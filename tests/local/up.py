"""``LocalAws.up`` in a process of its own, that tests can steer while it is up.

Commands come as lines of JSON on stdin, one answer each goes to stdout:

- ``{"quota": 0}``: the most Processing instances at once; null for no limit;
- ``{"fault": "stepfunctions.StepFunctionResponse.start_execution", "nth": 4, "how": "hold"}``: the
  fourth such call from now on is made, and its answer kept back (``hold``); or that one and all
  later ones are refused (``refuse``);
- ``{"held": true}``: whether a call is being held;
- ``{"heal": true}``: no more faults, and what was held is answered;
- ``{"invocations": true}``: how often each function was invoked.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from moto.core.exceptions import AWSError

from landrun_ops.local import LocalAws, LocalAwsError, engine
from landrun_ops.local.lambda_runtime import LocalFunction
from landrun_ops.local.moto_patches import tasks

engines: list[Any] = []
invocations: Counter[str] = Counter()


def keep(install: Any) -> Any:
    def installed(**how: Any) -> Any:
        engines.append(install(**how))
        return engines[-1]

    return installed


def counted(invoke: Any) -> Any:
    def counting(self: LocalFunction, event: Any) -> Any:
        invocations[self.logical_id] += 1
        return invoke(self, event)

    return counting


def hurried(wait: Any, pace: float) -> Any:
    return lambda env, seconds: wait(env, seconds * pace)


class Faults:
    """What goes wrong in moto, at the door of a request's operation."""

    def __init__(self) -> None:
        self._undo: list[Any] = []
        self._go_on = threading.Event()
        self.held = threading.Event()

    def add(self, fault: str, nth: int, how: str) -> None:
        service, owner_name, operation = fault.split(".")
        owner = getattr(importlib.import_module(f"moto.{service}.responses"), owner_name)
        call, calls, one_at_a_time = getattr(owner, operation), Counter(), threading.Lock()

        def faulty(response: Any) -> Any:
            with one_at_a_time:
                calls["made"] += 1
                number = calls["made"]
            if how == "refuse" and number >= nth:
                raise AWSError("injected", "AccessDeniedException")
            answer = call(response)
            if how == "hold" and number == nth:
                self.held.set()
                self._go_on.wait(60)
            return answer

        setattr(owner, operation, faulty)
        self._undo.append(lambda: setattr(owner, operation, call))

    def heal(self) -> None:
        while self._undo:
            self._undo.pop()()
        self._go_on.set()
        self._go_on, self.held = threading.Event(), threading.Event()


faults = Faults()


def obey(command: dict[str, Any]) -> Any:
    if "quota" in command:
        engines[-1].jobs.quota = command["quota"]
    elif "fault" in command:
        faults.add(**command)
    elif "held" in command:
        return faults.held.is_set()
    elif "heal" in command:
        faults.heal()
    elif "invocations" in command:
        return invocations
    return None


def say(content: Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def serve() -> None:
    """Obey until a signal comes; looks every so often, as one just before a wait is not seen."""
    rest, listening = b"", [0]
    while True:
        ready, _, _ = select.select(listening, [], [], 0.2)
        if not ready:
            continue
        said = os.read(0, 65536)
        if not said:
            listening = []
        *lines, rest = (rest + said).split(b"\n")
        for line in lines:
            say(obey(json.loads(line)))


def main(project: str, state_dir: str, port: int, parameters: dict[str, str], pace: float) -> None:
    engine.install = keep(engine.install)
    LocalFunction.invoke = counted(LocalFunction.invoke)
    tasks.wait = hurried(tasks.wait, pace)
    for name in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore the first
        signal.signal(name, signal.default_int_handler)
    try:
        with LocalAws.up(
            Path(project), port=port, parameters=parameters, state_dir=Path(state_dir)
        ):
            say("ready")
            serve()
    except LocalAwsError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        pass


main(*json.loads(sys.argv[1]))
