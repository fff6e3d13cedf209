"""Run the suites, print one table, and write their figures down.

python -m benchmarks [--quick] [suite…]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from benchmarks import table
from benchmarks.measuring import Options, Suite

SUITES = ("cold_start", "warm", "burst", "tick", "ledger", "processing", "real", "memory")
QUICK = Path(".landrun/bench/quick.json")
PACKAGES = {
    ".venv": ("aws-lambda-powertools", "boto3", "moto", "orjson", "polars", "pydantic"),
    ".venv-bench": ("duckdb", "pandas", "pyspark"),
    ".venv-sam": ("aws-sam-cli",),
    ".landrun/sam/runtime": ("awslambdaric",),
    ".landrun/bench/notebook": ("sagemaker", "stepfunctions"),
}
"""What is named with its version: what is measured, and what it is measured against, by folder."""

SITE = "lib/python*/site-packages"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run suites; 0 also when aims were missed, which the table says."""
    given = _parser().parse_args(arguments)
    results = table.RESULTS if not given.quick else QUICK
    if given.quick and not given.suites:
        results.unlink(missing_ok=True)
    suites: dict[str, Any] = {}
    for name in given.suites or SUITES:
        measured = _measured(name, quick=given.quick)
        suites = _in_order(_standing(results) | {name: measured})
        results.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"suites": suites}, indent=1, ensure_ascii=False)
        results.write_text(f"{text}\n", "utf-8")
    asked = {name: suites[name] for name in given.suites or suites}
    table.show(asked, Console())
    missed = [row for suite in asked.values() for row in suite["rows"] if row["met"] is False]
    print(f"{len(missed)} aim(s) missed; figures are in {os.path.relpath(results)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure landrun beside what it replaces. Figures of other suites stay.",
        epilog="Example: python -m benchmarks --quick warm burst",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, under two minutes in all"
    )
    parser.add_argument("suites", nargs="*", metavar="suite", help=", ".join(SUITES))
    return parser


def _standing(results: Path) -> dict[str, Any]:
    """Read what stands by now: others may have measured meanwhile."""
    if not results.exists():
        return {}
    suites: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))["suites"]
    return suites


def _in_order(suites: dict[str, Any]) -> dict[str, Any]:
    return {name: suites[name] for name in (*SUITES, *suites) if name in suites}


def _measured(name: str, *, quick: bool) -> dict[str, Any]:
    if name not in SUITES:
        _parser().error(f"no suite {name!r}: there are {', '.join(SUITES)}")
    suite = cast(Suite, importlib.import_module(f"benchmarks.{name}"))
    began = time.monotonic()
    print(f"== {suite.TITLE}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix=f"landrun-{name}-", dir=_scratch()) as scratch:
        rows = [row.to_json() for row in _told(suite.run(Options(quick, Path(scratch), _tell)))]
    return {
        "title": suite.TITLE,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "machine": _machine(),
        "versions": _versions(),
        "rows": rows,
    }


def _scratch() -> Path:
    """A folder on a disk: what /tmp is made of differs."""
    folder = Path(".landrun/bench")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _told(rows: Iterable[Any]) -> Iterable[Any]:
    for row in rows:
        said = f"{row.case}: {row.figure}: {table.figure(row)} {table.outcome(row)}"
        print(said.rstrip(), file=sys.stderr, flush=True)
        yield row


def _tell(text: str) -> None:
    print(f"   {text}", file=sys.stderr, flush=True)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB,"
        f" {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "?")


def _versions() -> dict[str, str]:
    """Name the version of each package that is installed; some only are once they are needed."""
    found = {}
    for folder, names in PACKAGES.items():
        paths = [str(path) for path in (Path(folder), *Path(folder).glob(SITE)) if path.is_dir()]
        for one in metadata.distributions(path=paths):
            name = one.name.lower().replace("_", "-")
            found |= {name: one.version} if name in names else {}
    return dict(sorted(found.items()))


if __name__ == "__main__":
    sys.exit(main())
