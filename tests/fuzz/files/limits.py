"""A command under a limit of memory, and what it took: as a container has it, or nearly."""

from __future__ import annotations

import os
import resource
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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

    def peak(self) -> int:
        """Give the most memory its processes ever held, the cache of files included; in bytes."""
        name = self._name("memory.peak", "memory.max_usage_in_bytes")
        return int((self._folder / name).read_text())

    def killed(self) -> bool:
        """Say whether the kernel killed a process for want of memory."""
        name = self._name("memory.events", "memory.oom_control")
        text = (self._folder / name).read_text()
        return sum(
            int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")
        )

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

    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
            check=False,
            preexec_fn=enter,
        )
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        code, output = 124, (late.stdout or b"").decode("utf-8", "backslashreplace")
    seconds = time.monotonic() - began
    if box is None:
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return Usage(code, output, seconds, peak)
    usage = Usage(code, output, seconds, box.peak() / MIB, box.killed())
    box.close()
    return usage
