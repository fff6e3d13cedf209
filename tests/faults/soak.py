"""Ten thousand landings in each mode, without luck, through the real handlers.

    PYTHONPATH=tests python -m faults.soak [--landings N] [--seed N] [--json] [--folder FOLDER]

Each mode has a process of its own. Leaves its figures in the folder for the report; exit code 1
when an invariant did not hold, or a figure is not what it must be.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import report
from .report import Figures

SHOWN = 20
"""Violations that are printed."""


def child(mode: str, landings: int, seed: int, pipe: Connection) -> None:
    """Soak one mode; send how far it is, then what it came to."""
    from .soak_world import soak  # noqa: PLC0415  (the parent needs no AWS)

    try:
        counted, wrong = soak(mode, landings, seed, pipe.send)
        pipe.send((counted.to_json(), wrong))
    except BaseException:
        pipe.send((None, [traceback.format_exc()]))
        raise


def soaked(landings: int, seed: int, screen: Progress) -> Iterator[tuple[str, Any, list[str]]]:
    """Soak all modes at once; give each one's figures (None: it broke) and violations."""
    spawn = multiprocessing.get_context("spawn")
    open_pipes: dict[Connection, str] = {}
    bars, processes = {}, []
    for mode in report.MODES:
        ours, theirs = spawn.Pipe(duplex=False)
        process = spawn.Process(target=child, args=(mode, landings, seed, theirs), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        open_pipes[ours] = mode
        bars[mode] = screen.add_task(mode, total=landings)
    while open_pipes:
        for pipe in wait(list(open_pipes)):
            said = _heard(pipe)
            if isinstance(said, int):
                mode = open_pipes[pipe]
                phase = mode if said < landings else f"{mode}, to rest"
                screen.update(bars[mode], completed=said, description=phase)
            else:
                yield open_pipes.pop(pipe), *said
    for process in processes:
        process.join()


def _heard(pipe: Any) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        return None, ["the process died"]


def main(arguments: list[str] | None = None) -> int:
    """Soak both modes, show their figures, leave them for the report."""
    chosen = _arguments(arguments)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:17}"), BarColumn(), MofNCompleteColumn())
    began = time.monotonic()
    wrong: list[str] = []
    found = {mode: Figures() for mode in report.MODES}
    with Progress(*columns, TimeElapsedColumn(), console=console) as screen:
        for mode, counted, violations in soaked(chosen.landings, chosen.seed, screen):
            wrong += [f"{mode}: {violation}" for violation in violations]
            if counted:
                found[mode] = Figures.from_json(counted)
                report.leave(chosen.folder, f"soak-{mode}", mode, found[mode])
    shown = report.table(found, report.SOAK)
    wrong += report.problems(shown, report.SOAK)
    if chosen.json:
        print(json.dumps({mode: found[mode].to_json() for mode in found}))  # noqa: T201
    else:
        report.show(shown, report.SOAK)
    for line in wrong[:SHOWN]:
        console.print(line, style="red", highlight=False, markup=False)
    took = time.monotonic() - began
    console.print(f"{len(wrong)} wrong; seed {chosen.seed}, took {took:.0f} s", highlight=False)
    return 1 if wrong else 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=str(__doc__).splitlines()[0])
    parser.add_argument("--landings", type=int, default=10_000, help="in each mode")
    parser.add_argument("--seed", type=int, default=1, help="the same gives the same, to the call")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--folder", type=Path, default=report.FOLDER, help="where figures are left")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
