"""The processing script beside pandas, DuckDB, Polars and PySpark, which do the same job.

All read the same made-up messages (`benchmarks/generate.py`) from a warm page cache and write the
same rows: a way whose sorted rows hash differently gives no figure. They use all cores. The full
run takes 1 GB of JSONL, 1 GB of CSV, and Parquet of as many rows as the JSONL.

``LANDRUN_BENCH_MB`` and ``LANDRUN_BENCH_ROUNDS`` make a full run smaller (1000 and 3 by default);
PySpark runs in the first round only, as it takes as long as all others together.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import generate, shares
from benchmarks.measuring import Aim, Figures, Options, Row, ratios
from benchmarks.tree import Cost, FailedError, measure

TITLE = "Processing: the job's script beside others that do the same"

ROOT = Path(__file__).parents[1]
PREPROCESS = ROOT / "src" / "processing" / "preprocess.py"
OTHERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
COMPETITORS = ROOT / "benchmarks" / "competitors"
OURS, SLOWEST = "preprocess.py", "PySpark"
OTHERS = {
    "Polars": "with_polars.py",
    "DuckDB": "with_duckdb.py",
    "pandas": "with_pandas.py",
    SLOWEST: "with_pyspark.py",
}
QUICK_MB = 25
JSON_BYTES = generate.ROW_BYTES[".jsonl"]


@dataclass
class Race:
    """One file, and what each way took for it."""

    source: Path
    scratch: Path
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    prints: dict[str, str] = field(default_factory=dict)

    def once(self, way: str) -> Cost:
        """Let a way do the job, whatever comes of it; its output is in ``output``."""
        output = self.scratch / "output"
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        # What others left to be written, or pushed out of memory, is not this way's to wait for.
        os.sync()
        with self.source.open("rb") as file:
            deque(iter(partial(file.read, 1 << 20), b""), maxlen=0)
        return measure(_command(way, self.source, output), self.scratch / "log")

    def take(self, way: str) -> None:
        """Let a way do the job once, and hold that it wrote what ours did."""
        cost = self.once(way)
        output = self.scratch / "output"
        self.costs.setdefault(way, []).append(cost)
        if way not in self.prints:
            self.prints[way] = _fingerprint(output, self.scratch / "log")
        if self.prints[way] != self.prints[OURS]:
            raise FailedError(f"{way} wrote other rows: {self.prints[way]}, {self.prints[OURS]}")

    def rounds(self, count: int, options: Options, called: str) -> None:
        """Let each way do the job so many times, the slowest once; each round begins with another.

        Ours begins the first, as the others' rows are held against it.
        """
        ways = (OURS, *OTHERS)
        for number in range(count):
            begin = number % len(ways)
            for way in (*ways[begin:], *ways[:begin]):
                if way != SLOWEST or (number == 0 and not options.quick):
                    options.progress(f"{called}, round {number + 1}: {way}")
                    self.take(way)


def run(options: Options) -> Iterator[Row]:
    """Yield, for each format, speed, memory and processor time of each way."""
    if not OTHERS_PYTHON.exists():
        raise SystemExit("no .venv-bench: sh benchmarks/install.sh first")
    megabytes = QUICK_MB if options.quick else float(os.environ.get("LANDRUN_BENCH_MB", "1000"))
    rounds = 1 if options.quick else int(os.environ.get("LANDRUN_BENCH_ROUNDS", "3"))
    for suffix in (".jsonl",) if options.quick else (".jsonl", ".csv", ".parquet"):
        race = _made(suffix, megabytes, options)
        yield from _bounds(race, options)
        race.rounds(rounds, options, suffix[1:])
        yield from rows(race, _case(race.source), aimed=not options.quick)
        yield from shares.rows(race.source)
        shutil.rmtree(race.source.parent)


def _made(suffix: str, megabytes: float, options: Options) -> Race:
    """Make the messages; Parquet of as many rows as the JSONL has, in a fifth of its bytes."""
    size = megabytes
    if suffix == ".parquet":
        size = megabytes * generate.ROW_BYTES[suffix] / JSON_BYTES
    folder = options.scratch / suffix[1:]
    folder.mkdir()
    source = folder / f"messages{suffix}"
    rows = generate.write(source, size)
    options.progress(f"{source.name}: {rows} rows, {source.stat().st_size / 1e6:.0f} MB")
    return Race(source, options.scratch)


def _command(way: str, source: Path, output: Path) -> list[str]:
    if way == OURS:
        folders = ["--input", str(source.parent), "--output", str(output)]
        return [sys.executable, str(PREPROCESS), *folders]
    return [str(OTHERS_PYTHON), str(COMPETITORS / OTHERS[way]), str(source), str(output)]


def _fingerprint(output: Path, log: Path) -> str:
    measure([str(OTHERS_PYTHON), str(COMPETITORS / "fingerprint.py"), str(output)], log)
    return log.read_text(encoding="utf-8").strip()


def _bounds(race: Race, options: Options) -> Iterator[Row]:
    wanted = {"read": "raw read"}
    if race.source.suffix == ".jsonl":
        wanted["orjson"] = "orjson alone, on all cores"
    for bound, named in wanted.items():
        script = [str(OTHERS_PYTHON), str(COMPETITORS / "bounds.py"), bound, str(race.source)]
        speeds = [_megabytes(race.source) / _told(script, options.scratch / "log") for _ in "123"]
        note = "a bound: it does nothing else"
        yield Row(_case(race.source), named, **Figures.of(speeds).parts(), unit="MB/s", note=note)


def _told(script: list[str], log: Path) -> float:
    measure(script, log)
    return float(log.read_text(encoding="utf-8"))


def rows(race: Race, case: str, *, aimed: bool) -> Iterator[Row]:
    """Yield what each way of a race took, and how much of ours that was."""
    ours = race.costs[OURS]
    for way, costs in race.costs.items():
        speed = Figures.of([_megabytes(race.source) / cost.seconds for cost in costs])
        peak = Figures.of([cost.peak for cost in costs])
        cpu = Figures.of([cost.cpu for cost in costs])
        yield Row(case, f"{way}: speed", **speed.parts(), unit="MB/s", key=way == OURS)
        yield Row(case, f"{way}: peak memory", **peak.parts(), unit="MiB", key=way == OURS)
        yield Row(case, f"{way}: processor", **cpu.parts(), unit="s")
    for figure, of in {"time": _seconds, "memory": _peak}.items():
        beside = {
            way: ratios([*map(of, costs)], [*map(of, ours[: len(costs)])])
            for way, costs in race.costs.items()
            if way != OURS
        }
        best = min(beside, key=lambda way: beside[way].value)
        for way, times in beside.items():
            note = f"{way} is better here" if times.value < 1 else ""
            note = note or ("the best of the others" if way == best else "")
            aim = Aim(">=", 1.0) if aimed else None
            named = f"{way}: {figure} ÷ ours"
            yield Row(case, named, **times.parts(), unit="x", aim=aim, note=note, key=way == best)


def _seconds(cost: Cost) -> float:
    return cost.seconds


def _peak(cost: Cost) -> float:
    return cost.peak


def _case(source: Path) -> str:
    return f"{source.suffix[1:].upper()}, {_megabytes(source):.0f} MB"


def _megabytes(source: Path) -> float:
    return source.stat().st_size / 1e6
