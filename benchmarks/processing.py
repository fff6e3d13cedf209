"""The processing script, compared with Polars, DuckDB and pandas doing the same job.

All read the same made-up messages (`benchmarks.generate`) from a warm page cache, use all cores,
and write the same rows: a way whose rows differ gives no figure. Then the script alone, with four
times the input: its memory should stay where it is. ``LANDRUN_BENCH_MB`` (300) is the size of the
JSONL of a full run.
"""

import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks import ROOT, generate
from benchmarks.measuring import Figure, in_turns, ratios

TITLE = "Processing"

SAME_JOB = ROOT / "benchmarks/competitors/same_job.py"
THEIR_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
OURS = "preprocess.py"
WAYS = (OURS, "Polars", "DuckDB", "pandas")
QUICK_MB, GROWTH = 10, 4
EVERY, KEPT = 0.05, ("Pss_Anon:", "Pss_Shmem:")
"""Seconds between two looks at memory, and which of it counts: no pages of mapped files, and pages
that processes share once (proc(5), smaps_rollup)."""


@dataclass(frozen=True)
class Cost:
    """The cost of a command.

    ``mib`` is the peak memory of its processes, without pages that the kernel can drop.
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
    """Return the memory of a process and its running children in KiB."""
    kib = 0.0
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        with suppress(OSError):  # it has ended meanwhile
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
            kept = [line for line in rollup.splitlines() if line.startswith(KEPT)]
            kib += sum(float(line.split()[1]) for line in kept)
    return kib


class Race:
    """One input file, and the cost of each way to process it."""

    def __init__(self, source: Path, scratch: Path) -> None:
        self.source, self._scratch = source, scratch
        self.costs: dict[str, list[Cost]] = defaultdict(list)
        self._rows: dict[str, str] = {}

    def run(self, way: str) -> float:
        """Run one way; RuntimeError if its rows differ from those of preprocess.py."""
        output, log = self._scratch / "output", self._scratch / "log"
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        os.sync()
        self.source.read_bytes()  # into the page cache
        cost = measure(_command(way, self.source, output), log)
        self.costs[way].append(cost)
        if way not in self._rows:
            measure([THEIR_PYTHON, SAME_JOB, "fingerprint", output], log)
            self._rows[way] = log.read_text(encoding="utf-8")
        if self._rows[way] != self._rows[OURS]:
            raise RuntimeError(f"{way} wrote other rows: {self._rows[way]}, {self._rows[OURS]}")
        return cost.seconds

    def figures(self, case: str) -> Iterator[Figure]:
        """Yield the time and memory of the other ways as ratios, then those of preprocess.py."""
        times = {way: [one.seconds for one in costs] for way, costs in self.costs.items()}
        memory = {way: [one.mib for one in costs] for way, costs in self.costs.items()}
        for way in WAYS[1:]:
            beside = ratios(times[way], times[OURS])
            yield Figure(f"{case}, {way}: time ÷ ours", "x", beside, (0.02, 100))
            beside = ratios(memory[way], memory[OURS])
            yield Figure(f"{case}, {way}: memory ÷ ours", "x", beside, (0.1, 50))
        megabytes = self.source.stat().st_size / 1e6
        speeds = [megabytes / seconds for seconds in times[OURS]]
        yield Figure(f"{case}, {OURS}: speed", "MB/s", speeds)
        yield Figure(f"{case}, {OURS}: peak memory", "MiB", memory[OURS])


def run(quick: bool, scratch: Path) -> Iterator[Figure]:
    """Yield the race for each format, then how memory grows with the input."""
    megabytes = QUICK_MB if quick else float(os.environ.get("LANDRUN_BENCH_MB", "300"))
    for suffix in (".jsonl",) if quick else (".jsonl", ".csv", ".parquet"):
        source = scratch / suffix[1:] / f"messages{suffix}"
        source.parent.mkdir()
        generate.write(source, megabytes)
        race = Race(source, scratch)
        in_turns({way: partial(race.run, way) for way in WAYS}, 1 if quick else 3)
        yield from race.figures(f"{suffix[1:].upper()}, {source.stat().st_size / 1e6:.0f} MB")
    yield from _growth(megabytes if quick else 1000, scratch, quick=quick)


def _growth(megabytes: float, scratch: Path, *, quick: bool) -> Iterator[Figure]:
    """Yield how memory grows; buckets of small inputs are not full yet, so those may grow more."""
    peaks = []
    for size in (megabytes, GROWTH * megabytes):
        source = scratch / f"{size:.0f}" / "messages.jsonl"
        source.parent.mkdir()
        generate.write(source, size)
        output = scratch / "output"
        shutil.rmtree(output, ignore_errors=True)
        peaks.append(measure(_command(OURS, source, output), scratch / "log").mib)
        source.unlink()
    case = f"JSONL, {GROWTH} times {megabytes:,.0f} MB"
    sane = (0.5, GROWTH) if quick else (0.5, 1.5)
    yield Figure(f"{case}: peak memory grows by", "x", [peaks[1] / peaks[0]], sane)


def _command(way: str, source: Path, output: Path) -> list[str | Path]:
    if way == OURS:
        script = ROOT / "src/processing/preprocess.py"
        return [sys.executable, script, "--input", source.parent, "--output", output]
    return [THEIR_PYTHON, SAME_JOB, way.lower(), source, output]
