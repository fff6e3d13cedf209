"""Which share of the processing script's time is parsing, cleaning, duplicates and writing.

Its stages are timed from outside, on one core, over one task and its buckets: so that the next step
is known.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks.measuring import Row

ROOT = Path(__file__).parents[1]
# Module and function of each stage; what a stage calls of another one counts there.
STAGES = {
    "parsing": (("work", "_rows"),),
    "cleaning": (("work", "clean_rows"),),
    "duplicates": (("staging", "Staging.add"), ("buckets", "firsts"), ("staging", "Staging.flush")),
    "writing": (("staging", "append"), ("buckets", "_write")),
}  # fmt: skip


def rows(source: Path) -> Iterator[Row]:
    """Yield the shares in per cent of processor time."""
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.shares", str(source)]
    found = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    case = f"{source.suffix[1:].upper()}, share of the script's processor time"
    for stage, share in orjson.loads(found.stdout).items():
        yield Row(case, stage, round(100 * share, 1), "%", note="one core, one task of 32 MiB")


class Stopwatch:
    """Processor time by stage; an inner stage's time is not its outer one's."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._stage = "rest"
        self._since = time.process_time()

    def turn(self, stage: str) -> str:
        """Go on to a stage; give the one before."""
        now = time.process_time()
        self.spent[self._stage] += now - self._since
        before, self._stage, self._since = self._stage, stage, now
        return before

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function, or one that yields."""

        def timed(*given: Any, **named: Any) -> Any:
            before = self.turn(stage)
            try:
                result = function(*given, **named)
            finally:
                self.turn(before)
            return self._steps(stage, result) if isinstance(result, Iterator) else result

        return timed

    def _steps(self, stage: str, steps: Iterator[Any]) -> Iterator[Any]:
        while True:
            before = self.turn(stage)
            try:
                step = next(steps, None)
            finally:
                self.turn(before)
            if step is None:
                return
            yield step


def _measured(source: Path) -> dict[str, float]:
    """Do the job's work here: its first task, and the buckets that come of it."""
    sys.path.insert(0, str(ROOT / "src" / "processing"))
    from messages import buckets, plan, tasks, work  # noqa: PLC0415 - not a package of ours
    from messages.options import Reading, Rules  # noqa: PLC0415

    watch = Stopwatch()
    _wrap(watch)
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        scratch = Path(folder)
        found = [work.inspect(source, source.name, Reading(), scratch / "unpacked")]
        task = plan.tasks(found, cut=True)[0]
        watch.turn("rest")
        watch.spent.clear()
        done = work.run(task, scratch, plan.shape(found, 1, 8000).buckets)
        output = buckets.output_of([done.schema], Rules(), [task.number], 64 * 1024**2)
        for number, weight in done.weights.items():
            bucket = tasks.Bucket(tuple(scratch.glob(f"{number:05d}.*")), weight)
            buckets.finish(bucket, output, scratch / f"part{number}")
        watch.turn("rest")
    whole = sum(watch.spent.values())
    return {stage: watch.spent[stage] / whole for stage in (*STAGES, "rest")}


def _wrap(watch: Stopwatch) -> None:
    for stage, functions in STAGES.items():
        for module, path in functions:
            holder: Any = sys.modules[f"messages.{module}"]
            *outer, name = path.split(".")
            for part in outer:
                holder = getattr(holder, part)
            setattr(holder, name, watch.timed(stage, getattr(holder, name)))


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(_measured(Path(sys.argv[1]))))
