"""Cold starts of the functions that start runs, compared with bare boto3 and the notebook's way.

Each round starts a new process for each way, imports its handler (Lambda's INIT) and calls it once.
All run on this Python with the same compiled packages. Processor time is measured, because other
load on the machine changes it little. To see where it goes:
``python -X importtime -c "import landrun.handlers.object_created"``.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import ROOT
from benchmarks.landings import ENVIRONMENT, EVENTS
from benchmarks.measuring import Figure, in_turns, ratios

TITLE = "Cold start"

STARTERS = ("object_created", "schedule")
BARE, NOTEBOOK = "bare boto3", "the notebook's way"
LANDED, TICK = EVENTS / "object-created.json", EVENTS / "schedule-tick.json"
WAYS = {
    "object_created": ("landrun.handlers.object_created", LANDED),
    "schedule": ("landrun.handlers.schedule", TICK),
    BARE: ("bare_handler", LANDED),
    NOTEBOOK: ("notebook_handler", LANDED),
}
FOLDERS = (ROOT / "src/functions", ROOT / "benchmarks/competitors")

Starts = dict[str, list[tuple[float, float]]]


def run(quick: bool, scratch: Path) -> Iterator[Figure]:
    """Start the ways alternately; yield the time of each, and the ratios."""
    starts: Starts = defaultdict(list)
    wholes = in_turns({way: partial(_whole, way, starts) for way in WAYS}, 2 if quick else 15)
    inits = {way: [init for init, _ in found] for way, found in starts.items()}
    for name in STARTERS:
        case = f"cold start, {name}"
        beside = ratios(wholes[name], wholes[BARE])
        yield Figure(f"{case}: whole first event ÷ bare boto3's", "x", beside, (0.5, 4))
        beside = ratios(inits[NOTEBOOK], inits[name])
        yield Figure(f"{case}: notebook's INIT ÷ ours", "x", beside, (1.5, 50))
        beside = ratios(wholes[NOTEBOOK], wholes[name])
        yield Figure(f"{case}: notebook's ÷ ours, until the first start", "x", beside, (1.5, 50))
    for way, found in starts.items():
        whole = [1000 * one for one in wholes[way]]
        yield Figure(f"{way}: INIT and first call", "ms", whole)
        yield Figure(f"{way}: first call after INIT", "ms", [1000 * call for _, call in found])


def _whole(way: str, starts: Starts) -> float:
    """Start a process of one way; return the processor time until its first event is handled."""
    module, event = WAYS[way]
    script = [sys.executable, str(ROOT / "benchmarks/first_event.py"), module, str(event)]
    environment = ENVIRONMENT | {
        "PYTHONPATH": ":".join(map(str, FOLDERS)),
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
    }
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{way}: {(done.stdout + done.stderr)[-2000:]}")
    init, call = json.loads(done.stdout.splitlines()[-1])
    starts[way].append((init, call))
    return float(init + call)
