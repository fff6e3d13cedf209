"""Thousands of landings at once, against Step Functions' quota for starting executions.

The function runs as Lambda and SQS run it: ten processes, each with its own clients and batches of
ten. The stand-in of Step Functions throttles as AWS does, and botocore's waits are real. The quota
alone sets a lower bound on the time. Compared with the bare handler.
"""

import asyncio
import multiprocessing
import os
import runpy
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.landings import BARE, ENVIRONMENT, S3_SECONDS, START_SECONDS, batches, unheard
from benchmarks.measuring import Figure, in_turns, ratios
from benchmarks.standins import Aws, Call, Quota, start_execution
from handler_loader import Context, load_handler
from landrun.adapters.clients import client

TITLE = "Burst of landings against the quota of StartExecution"

SIZE, REFILL = 1300, 300
"""StartExecution's bucket and refill a second in us-east-1, us-west-2 and eu-west-1 (Step Functions
developer guide, "Service quotas")."""

LAMBDAS = 10
"""MaximumConcurrency of template.yaml."""

FORK = multiprocessing.get_context("fork")
SECONDS = {"PutObject": S3_SECONDS, "StartExecution": START_SECONDS}


def run(quick: bool, scratch: Path) -> Iterator[Figure]:
    """Start executions for landings that arrive all at once."""
    landings = 2200 if quick else 10_000
    ways = {name: partial(burst, name, landings) for name in ("ours", "bare boto3")}
    found = in_turns(ways, 1 if quick else 3)
    case, bound = f"burst of {landings:,} landings", (landings - SIZE) / REFILL
    beside = [seconds / bound for seconds in found["ours"]]
    yield Figure(f"{case}: ÷ the bound of the quota alone", "x", beside, (0.9, 40))
    yield Figure(f"{case}: ÷ bare boto3's", "x", ratios(*found.values()), (0.05, 20))
    for name, seconds in found.items():
        yield Figure(f"{case}: {name}", "s", seconds)


def burst(way: str, landings: int) -> float:
    """Return the seconds until all have started; RuntimeError if one is missing or doubled."""
    quota, ready = Quota(SIZE, REFILL), FORK.Barrier(LAMBDAS + 1)
    queue = list(batches(landings))
    with FORK.Pool(LAMBDAS, _begin, (way, quota, ready)) as pool:
        ready.wait(60)
        began = time.monotonic()
        handled = list(pool.imap_unordered(_handle, queue, chunksize=1))
        seconds = time.monotonic() - began
    names = [name for started, _ in handled for name in started]
    failed = sum(failures for _, failures in handled)
    if failed or not len(names) == len(set(names)) == landings:
        raise RuntimeError(f"{way}: {landings} landings, {len(names)} starts, {failed} failed")
    return seconds


_handler: Any = None
_stack = ExitStack()
_started: list[str] = []
_inherited: list[asyncio.AbstractEventLoop] = []


def _begin(way: str, quota: Quota, ready: Any) -> None:
    """Act as one execution environment of Lambda, with its own clients and handler."""
    global _handler  # noqa: PLW0603 - one for each process, as in Lambda
    os.environ.update(ENVIRONMENT)
    # A forked process shares the wake-ups of its parent's loop, and would end them if it closed it.
    _inherited.append(asyncio.get_event_loop_policy().get_event_loop())
    asyncio.set_event_loop(asyncio.new_event_loop())

    def start(call: Call) -> Call:
        quota.take()
        _started.append(call["name"])
        return start_execution(call)

    _stack.enter_context(Aws({"StartExecution": start}, SECONDS).answering())
    if way == "ours":
        _handler = load_handler("object_created", ENVIRONMENT, client).handler
    else:
        _handler = runpy.run_path(BARE)["handler"]
    ready.wait(60)


def _handle(batch: Call) -> tuple[list[str], int]:
    """Handle a batch; return the names that were started, and how many messages failed."""
    _started.clear()
    with unheard():
        answer = _handler(batch, Context())
    return list(_started), len(answer["batchItemFailures"])
