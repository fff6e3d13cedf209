"""Run a command and say what it and all that it started took: time, processor, memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.05


class FailedError(Exception):
    """A command that was to be measured failed; the message ends with what it said last."""


@dataclass(frozen=True)
class Cost:
    """What a command took.

    ``cpu`` is in seconds over all its processes, to their last sample; ``peak`` in MiB is the most
    that they held at once of memory that the kernel cannot drop: pages of mapped files are left
    out, and pages that processes share count once (``Pss_Anon`` and ``Pss_Shmem`` of proc(5)).
    """

    seconds: float
    cpu: float
    peak: float


def measure(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a command to its end, its output in ``log``.

    Raises
    ------
    FailedError
        It ended with another status than 0.
    """
    cpu: dict[int, float] = {}
    peak = 0.0
    began = time.perf_counter()
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)
        while process.poll() is None:
            peak = max(peak, sum(_sample(p, cpu) for p in _tree(process.pid)))
            time.sleep(EVERY)
    seconds = time.perf_counter() - began
    if process.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip()[-400:]
        raise FailedError(f"{' '.join(command[:3])} … ended with {process.returncode}: {last}")
    return Cost(seconds, sum(cpu.values()), peak / 1024)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _sample(process: psutil.Process, cpu: dict[int, float]) -> float:
    """Note what a process has used of the processor; give its memory in KiB, 0 when it is gone."""
    try:
        times = process.cpu_times()
        cpu[process.pid] = times.user + times.system
        return _kept(Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii"))
    except (psutil.Error, OSError):
        return 0.0


def _kept(rollup: str) -> float:
    lines = [line.split() for line in rollup.splitlines()]
    return sum(float(line[1]) for line in lines if line[0] in ("Pss_Anon:", "Pss_Shmem:"))
