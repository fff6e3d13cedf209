"""Ten thousand landings in each mode, without luck, through the real handlers.

    PYTHONPATH=tests python -m faults.soak [--landings N] [--seed N]

Exit code 1 when an invariant did not hold.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from .soak_world import Soaked, soak

MODES = ("arrival", "schedule")
SHOWN = 20
"""Violations that are printed."""


def main(arguments: list[str] | None = None) -> int:
    """Soak both modes, each in a process of its own; say what happened and what is wrong."""
    parser = argparse.ArgumentParser(prog="soak", description=str(__doc__).splitlines()[0])
    parser.add_argument("--landings", type=int, default=10_000, help="in each mode")
    parser.add_argument("--seed", type=int, default=1, help="the same gives the same, to the call")
    chosen = parser.parse_args(arguments)
    live = partial(soak, landings=chosen.landings, seed=chosen.seed)
    with ProcessPoolExecutor(len(MODES), get_context("spawn")) as processes:
        return max(map(report, MODES, processes.map(live, MODES)))


def report(mode: str, lived: Soaked) -> int:
    """Print what a soak came to; return its exit code."""
    faults = ", ".join(f"{count:,} {name}" for name, count in sorted(lived.faults.items()))
    sys.stdout.write(
        f"{mode}: {lived.landings:,} versions landed, {lived.executions:,} executions,"
        f" {lived.notifications:,} failures notified; faults: {faults};"
        f" {len(lived.violations)} violations\n"
    )
    for violation in lived.violations[:SHOWN]:
        sys.stdout.write(f"    {violation}\n")
    return 1 if lived.violations else 0


if __name__ == "__main__":
    sys.exit(main())
