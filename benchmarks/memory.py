"""The processing script's memory as its input grows sixteenfold: it should stay where it is.

The full run takes 1, 4 and 16 GB of JSONL, one after the other (``LANDRUN_BENCH_GB="1 4"`` takes
less): the disk must hold the largest about twice over. The quick run takes 0.05 and 0.2 GB, in
which the script's buckets are not full yet, and so aims at nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from benchmarks import generate
from benchmarks.measuring import Aim, Options, Row
from benchmarks.processing import PREPROCESS
from benchmarks.tree import Cost, measure

TITLE = "Memory: the processing script as its input grows"

QUICK_GB, FULL_GB = "0.05 0.2", "1 4 16"


def run(options: Options) -> Iterator[Row]:
    """Yield speed and memory for each size, then how much the largest took beside the smallest."""
    asked = QUICK_GB if options.quick else os.environ.get("LANDRUN_BENCH_GB", FULL_GB)
    sizes = sorted(map(float, asked.split()))
    costs = {size: _cost(size, options) for size in sizes}
    for size, cost in costs.items():
        case = f"JSONL, {size:g} GB"
        yield Row(case, "peak memory", cost.peak, "MiB", key=not options.quick)
        yield Row(case, "speed", size * 1000 / cost.seconds, "MB/s")
        yield Row(case, "processor", cost.cpu, "s")
    growth = costs[sizes[-1]].peak / costs[sizes[0]].peak
    times = f"{sizes[-1] / sizes[0]:g} times the input"
    aim = None if options.quick else Aim("<=", 1.25)
    yield Row(f"JSONL, {times}", "peak memory grows by", growth, "x", aim=aim, key=True)


def _cost(size: float, options: Options) -> Cost:
    folder, output = options.scratch / "input", options.scratch / "output"
    folder.mkdir()
    generate.write(folder / "messages.jsonl", size * 1000)
    options.progress(f"{size:g} GB: made")
    folders = ["--input", str(folder), "--output", str(output)]
    try:
        scratch = {**os.environ, "TMPDIR": str(options.scratch)}
        return measure(
            [sys.executable, str(PREPROCESS), *folders], options.scratch / "log", scratch
        )
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(output, ignore_errors=True)
