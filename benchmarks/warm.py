"""A warm ``object_created``: its own time per event, and whether a batch's starts overlap.

The handler first calls services that answer at once, so that only its own work is measured, then
services that take as long as real ones. Compared with a bare handler that only starts executions.
"""

import os
import runpy
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from benchmarks.landings import (
    BARE,
    BATCH,
    ENVIRONMENT,
    S3_SECONDS,
    START_SECONDS,
    batches,
    unheard,
)
from benchmarks.measuring import Figure, in_turns, ratios
from handler_loader import Context, load_handler

TITLE = "Warm handler"

Handler = Callable[[dict[str, Any], Any], Any]


def run(quick: bool, scratch: Path) -> Iterator[Figure]:
    """Yield the handler's own time per event, then that of a batch of ten beside one landing."""
    os.environ.update(ENVIRONMENT)
    count, rounds = (300, 3) if quick else (2000, 15)
    clients = services()
    ways = {"ours": ours(clients), "bare": bare(clients)}
    for size in (1, BATCH):
        given = list(batches(count, size))
        cpu = {name: partial(_microseconds, way, given, count) for name, way in ways.items()}
        found = in_turns(cpu, rounds)
        added = [one - other for one, other in zip(found["ours"], found["bare"], strict=True)]
        yield Figure(f"batches of {size}: handler's own time", "µs an event", added, (1, 20_000))
        yield Figure(f"batches of {size}: bare handler", "µs an event", found["bare"])
    waiting = ours(services(S3_SECONDS, START_SECONDS))
    sizes = {str(size): partial(_milliseconds, waiting, size) for size in (1, BATCH)}
    found = in_turns(sizes, rounds)
    beside = ratios(found[str(BATCH)], found["1"])
    yield Figure(f"services that take 20 and 30 ms: batch of {BATCH} ÷ one", "x", beside, (0.3, 6))


def _microseconds(handler: Handler, given: list[dict[str, Any]], events: int) -> float:
    """Return the processor time for an event."""
    began = time.process_time()
    for batch in given:
        _handled(handler, batch)
    return (time.process_time() - began) / events * 1e6


def _milliseconds(handler: Handler, size: int) -> float:
    [batch] = batches(size, size)
    began = time.perf_counter()
    _handled(handler, batch)
    return (time.perf_counter() - began) * 1000


def _handled(handler: Handler, batch: dict[str, Any]) -> None:
    with unheard():
        answer = handler(batch, Context())
    if answer["batchItemFailures"]:
        raise RuntimeError(f"failed: {answer}")


def ours(clients: dict[str, Any]) -> Handler:
    """Load the function with these clients."""
    handler: Handler = load_handler("object_created", ENVIRONMENT, clients.get).handler
    return handler


def bare(clients: dict[str, Any]) -> Handler:
    """Load the bare handler with these clients."""
    with patch("boto3.client", clients.get):
        handler: Handler = runpy.run_path(BARE)["handler"]
    return handler


def services(s3: float = 0, start: float = 0) -> dict[str, Any]:
    """Return clients without a real service, whose calls take the given seconds."""

    def answered(seconds: float, **_: Any) -> dict[str, Any]:
        if seconds:
            time.sleep(seconds)
        return {"executionArn": "arn:aws:states:…", "startDate": datetime(2100, 1, 1, tzinfo=UTC)}

    return {
        "s3": SimpleNamespace(put_object=partial(answered, s3)),
        "stepfunctions": SimpleNamespace(start_execution=partial(answered, start)),
        "sqs": None,
    }
