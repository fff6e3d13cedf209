"""A command under a limit of memory, and what it took: as a container has it, or nearly."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Usage:
    """What a command did: its exit code (negative: a signal), output, and what it took."""

    code: int
    output: str
    seconds: float
    peak_mib: float
    killed: bool = False


class Cgroup:
    """A control group of our own (version 1 or 2) with a limit of memory and no swap beyond it."""

    def __init__(self, limit: int) -> None:
        self._old = (_V1 / "memory.limit_in_bytes").exists()
        self._folder = (_V1 if self._old else _V2) / f"landrun-{uuid.uuid4().hex[:8]}"
        self._folder.mkdir()
        (self._folder / self._name("memory.max", "memory.limit_in_bytes")).write_text(str(limit))

    def _name(self, new: str, old: str) -> str:
        return old if self._old else new

    def enter(self) -> None:
        """Put the calling process into it."""
        (self._folder / "cgroup.procs").write_text(str(os.getpid()))

    def held(self) -> int:
        """Say how many bytes its processes hold now, without the cache of files."""
        name = self._name("anon", "total_rss")
        return int(self._table("memory.stat")[name])

    def killed(self) -> bool:
        """Say whether the kernel killed a process for want of memory."""
        events = self._table(self._name("memory.events", "memory.oom_control"))
        return events.get("oom_kill", "0") != "0"

    def _table(self, name: str) -> dict[str, str]:
        return dict(line.split() for line in (self._folder / name).read_text().splitlines())

    def close(self) -> None:
        """Remove it."""
        for _ in range(50):
            try:
                self._folder.rmdir()
            except OSError:
                time.sleep(0.1)
            else:
                return


def cgroup(limit: int) -> Cgroup | None:
    """Make a control group, or say with ``None`` that this machine does not let us."""
    try:
        return Cgroup(limit)
    except OSError:
        return None


def run(command: Sequence[str], limit: int, timeout: float, **environment: str) -> Usage:
    """Run a command that may hold ``limit`` bytes.

    Without control groups the limit is each process's own (``RLIMIT_DATA``), and the peak that of
    its largest process.
    """
    box = cgroup(limit)
    began = time.monotonic()

    def enter() -> None:
        if box is None:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        else:
            box.enter()

    with (
        tempfile.TemporaryFile("w+", errors="backslashreplace") as said,
        subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=enter,  # noqa: PLW1509 - nothing else runs in this process
        ) as process,
    ):
        peak = _watched(process, box, began + timeout)
        said.seek(0)
        output = said.read()
    seconds = time.monotonic() - began
    if box is None:
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return Usage(process.returncode, output, seconds, peak / MIB)
    usage = Usage(process.returncode, output, seconds, peak / MIB, box.killed())
    box.close()
    return usage


def _watched(process: subprocess.Popen[Any], box: Cgroup | None, deadline: float) -> int:
    """Wait for the end, or make it; give the most that was held, looked at every 20 ms."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, box.held() if box else 0)
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0.02)
    return peak
