"""``LocalAws.up`` in a process of its own, that tests can steer while it is up.

Commands come as lines of JSON on stdin, and are answered by a line on stdout each:

- ``{"quota": 0}``: the most Processing instances at once; null for no limit;
- ``{"refuse": "stepfunctions.StepFunctionResponse.start_execution"}``: every such call is refused
  as a missing permission does; null for none.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from moto.core.exceptions import AWSError

from landrun_ops.local import LocalAws, LocalAwsError, engine
from landrun_ops.local.moto_patches import tasks
from landrun_ops.local.patches import Patches

engines: list[Any] = []
refusing = Patches()


def keep(install: Any, **how: Any) -> Any:
    engines.append(install(**how))
    return engines[-1]


def hurried(pace: float) -> Any:
    return lambda wait, env, seconds: wait(env, seconds * pace)


def refuse(operation: str) -> None:
    service, owner, name = operation.split(".")

    def refused(*_: Any) -> Any:
        raise AWSError("injected", "AccessDeniedException")

    responses = importlib.import_module(f"moto.{service}.responses")
    refusing.set(getattr(responses, owner), name, refused)


def obey(command: dict[str, Any]) -> None:
    if "quota" in command:
        engines[-1].jobs.quota = command["quota"]
    else:
        refusing.undo()
        if command["refuse"]:
            refuse(command["refuse"])


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
    patches = Patches()
    patches.wrap(engine, "install", keep)
    patches.wrap(tasks, "wait", hurried(pace))
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
