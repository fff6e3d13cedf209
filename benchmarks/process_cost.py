"""Run a command and return what it and its children took: time, and memory at the most."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.05


@dataclass(frozen=True)
class Cost:
    """What a command took.

    ``mib`` is the most memory that its processes held at once which the kernel cannot drop: without
    pages of mapped files, and with shared pages counted once (``Pss_Anon``, ``Pss_Shmem`` of
    proc(5)).
    """

    seconds: float
    mib: float


def measure(command: Sequence[str | Path], log: Path) -> Cost:
    """Run a command to its end, its output in ``log``. Raises RuntimeError when it fails."""
    most, began = 0.0, time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        while process.poll() is None:
            most = max(most, _memory(process.pid))
            time.sleep(EVERY)
    seconds = time.perf_counter() - began
    if process.returncode:
        said = log.read_text(encoding="utf-8", errors="replace").strip()[-400:]
        raise RuntimeError(f"{command[1]} ended with {process.returncode}: {said}")
    return Cost(seconds, most / 1024)


def _memory(pid: int) -> float:
    """Return the KiB of a process and its children, as far as they still run."""
    kib = 0.0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
            for line in rollup.splitlines():
                if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                    kib += float(line.split()[1])
    except (psutil.Error, OSError):
        pass
    return kib
