"""Run the suites, and write their medians and spreads to results.json.

python -m benchmarks [--quick] [suite…]
"""

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.measuring import Figure

SUITES = ("cold_start", "warm", "burst", "tables", "processing")
SCRATCH = ROOT / ".landrun" / "bench"
QUICK = SCRATCH / "quick.json"
RESULTS = ROOT / "benchmarks" / "results.json"

Results = dict[str, dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run suites; return 1 if a figure is outside its sane range."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes; results stay in .landrun"
    )
    parser.add_argument("suites", nargs="*", metavar="suite", help=", ".join(SUITES))
    given = parser.parse_args(arguments)
    unknown = set(given.suites) - set(SUITES)
    if unknown:
        parser.error(f"no suite {', '.join(sorted(unknown))}: there are {', '.join(SUITES)}")
    SCRATCH.mkdir(parents=True, exist_ok=True)
    path = QUICK if given.quick else RESULTS
    wrong = []
    for name in given.suites or SUITES:
        figures, about = measured(name, quick=given.quick)
        wrong += [f"{name}, {one.name}: {one.summary()}" for one in figures if not one.is_sane]
        write(path, name, about | {"figures": {one.name: one.summary() for one in figures}})
    print(f"figures are in {os.path.relpath(path)}")
    for one in wrong:
        print(f"this cannot be right: {one}", file=sys.stderr)
    return 1 if wrong else 0


def measured(name: str, *, quick: bool) -> tuple[list[Figure], dict[str, str]]:
    """Run one suite, and print each figure when it is measured."""
    suite = importlib.import_module(f"benchmarks.{name}")
    print(f"== {suite.TITLE}", flush=True)
    began, figures = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=SCRATCH) as scratch:
        for figure in suite.run(quick, Path(scratch)):
            figures.append(figure)
            print(f"   {figure.name}: {spelled(figure.summary())}", flush=True)
    print(f"   took {time.monotonic() - began:.0f} s", flush=True)
    return figures, {
        "title": suite.TITLE,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine(),
    }


def machine() -> str:
    """Name the machine: its processor, memory, and Python."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {python}"


def read(path: Path) -> Results:
    """Read the results; empty if nothing has been measured yet."""
    found: Results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def write(path: Path, name: str, suite: dict[str, Any]) -> None:
    """Write a suite's results and keep those of the others."""
    results = read(path) | {name: suite}
    ordered = {one: results[one] for one in SUITES if one in results}
    path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def spelled(summary: dict[str, Any]) -> str:
    """Format a median with its unit and spread.

    >>> spelled({"median": 1.234, "low": 1.0, "high": 2.0, "unit": "s"})
    '1.23 s (1 to 2)'
    """
    median, low, high = (
        f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004
        for value in (summary[one] for one in ("median", "low", "high"))
    )
    spread = "" if low == high else f" ({low} to {high})"
    return f"{median} {summary['unit']}".strip() + spread


if __name__ == "__main__":
    sys.exit(main())
