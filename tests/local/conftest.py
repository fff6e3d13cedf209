"""The laptop's AWS for tests: each in a process of its own, as ``landrun local up`` is.

moto keeps its state in module globals, which other tests of this process use as well.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from landrun_ops.local import LocalAws

T = TypeVar("T")

UP = """
import json, sys, time
from pathlib import Path
from landrun_ops.local import LocalAws, LocalAwsError

project, state_dir, port, parameters = json.loads(sys.argv[1])
try:
    with LocalAws.up(
        Path(project), port=port, parameters=parameters, state_dir=Path(state_dir)
    ) as aws:
        print("ready", flush=True)
        while True:  # a signal just before an endless wait would not end it
            time.sleep(0.2)
except LocalAwsError as error:
    sys.exit(f"{type(error).__name__}: {error}")
except KeyboardInterrupt:
    pass
"""


class Laptop:
    """``LocalAws.up`` in a process of its own; ``said`` is what it wrote to stderr."""

    def __init__(
        self, project: Path, state_dir: Path, parameters: Mapping[str, str], port: int = 0
    ) -> None:
        self.state_dir = state_dir
        self.errors = state_dir.with_name(f"{state_dir.name}.stderr")
        self.errors.parent.mkdir(parents=True, exist_ok=True)
        arguments = json.dumps([str(project), str(state_dir), port, dict(parameters)])
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", UP, arguments], stdout=subprocess.PIPE, stderr=errors
            )
        assert self.process.stdout is not None
        self.is_up = self.process.stdout.readline() == b"ready\n"
        self.process.stdout.close()

    @property
    def said(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    @property
    def aws(self) -> LocalAws:
        assert self.is_up, self.said
        return LocalAws.attach(self.state_dir)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(40)


@pytest.fixture(scope="session")
def laptop() -> Iterator[Callable[..., Laptop]]:
    """``laptop(project, state_dir, parameters, port)`` starts one; all are stopped at the end."""
    with contextlib.ExitStack() as closing:

        def start(
            project: Path,
            state_dir: Path,
            parameters: Mapping[str, str] | None = None,
            port: int = 0,
        ) -> Laptop:
            started = Laptop(project, state_dir, parameters or {}, port)
            closing.callback(started.stop)
            return started

        yield start


@pytest.fixture(scope="session")
def aws(
    laptop: Callable[..., Laptop], root: Path, tmp_path_factory: pytest.TempPathFactory
) -> LocalAws:
    """The real template with its defaults, up for the whole session of this xdist worker."""
    return laptop(root, tmp_path_factory.mktemp("aws") / "state").aws


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """``eventually(ask, timeout=30)`` asks until the answer is true (no AssertionError counts too).

    Fails with the last answer or assertion when the seconds are over.
    """

    def wait(ask: Callable[[], T], *, timeout: float = 30, every: float = 0.1) -> T:
        deadline = time.monotonic() + timeout
        while True:
            late = time.monotonic() > deadline
            try:
                answer = ask()
            except AssertionError:
                if late:
                    raise
            else:
                if answer:
                    return answer
                assert not late, f"still {answer!r} after {timeout} seconds"
            time.sleep(every)

    return wait
