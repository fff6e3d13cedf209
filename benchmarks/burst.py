"""Ten thousand landings at once, against Step Functions' quota for starting executions.

The real function, as Lambda and SQS run it: ten at a time, each a process of its own with its own
clients, batches of ten, and a message that fails comes again after the visibility timeout.
Step Functions refuses as AWS does; botocore's waits are real, and so is the time. The bound is what
the quota alone would take: whoever asks for more than it gives cannot be faster.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any

import handler_loader
from benchmarks.measuring import Aim, Figures, Options, Row
from benchmarks.standins import ACCOUNT, S3, Bucket, Clients, StepFunctions, json_service, unheard
from handler_loader import Context, load_handler

TITLE = "A burst of landings against the quota of StartExecution"

SIZE, REFILL = 1300, 300
"""StartExecution in us-east-1 (Step Functions developer guide, "API action throttling")."""

LAMBDAS, BATCH, VISIBILITY = 10, 10, 360
"""MaximumConcurrency, BatchSize and VisibilityTimeout of template.yaml."""

PUT_SECONDS, START_SECONDS = 0.020, 0.030
"""How long S3 and Step Functions take to answer: assumed, as in a region's own network."""

EVENT = Path(__file__).parents[1] / "events" / "object-created.json"

ENVIRONMENT = handler_loader.ENVIRONMENT | {
    **ACCOUNT,
    "OUTPUT_BUCKET": "output",
    "LANDING_BUCKET": "landrun-landingbucket-1a2b3c4d5e6f",
    "LANDINGS_TABLE": "landings",
    "POWERTOOLS_SERVICE_NAME": "landrun",
    "POWERTOOLS_METRICS_NAMESPACE": "landrun",
}

Message = dict[str, Any]


@dataclass(frozen=True)
class Burst:
    """What became of one: seconds until the last start, refusals, messages that came again."""

    seconds: float
    throttled: int
    again: int


def run(options: Options) -> Iterator[Row]:
    """Start executions for landings that come all at once."""
    landings = 4_500 if options.quick else 10_000
    bound = (landings - SIZE) / REFILL
    bursts = []
    for number in range(1 if options.quick else 3):
        bursts.append(burst(landings))
        options.progress(f"{number + 1}: {bursts[-1]}")
    case = f"burst of {landings:,} landings"
    seconds = Figures.of([one.seconds for one in bursts])
    yield Row(case, "until all have started", unit="s", **seconds.parts())
    yield Row(
        case,
        "÷ the bound of the quota alone",
        unit="",
        **Figures.of([one.seconds / bound for one in bursts]).parts(),
        aim=Aim("<=", 1.2),
        note=f"the bound is {bound:.1f} s: {SIZE:,} at once, then {REFILL} per second",
        key=True,
    )
    throttled = Figures.of([one.throttled / landings for one in bursts])
    yield Row(
        case,
        "refused calls per start",
        unit="",
        **throttled.parts(),
        note="" if throttled.value else "the quota was never met: this machine was the bound",
    )
    again = Figures.of([float(one.again) for one in bursts])
    yield Row(
        case,
        "messages that had to come again",
        unit="",
        **again.parts(),
        aim=Aim("<=", 0),
        note=f"each would be {VISIBILITY} s late",
    )


def burst(landings: int) -> Burst:
    """Let so many landings be in the queue at once, and see them started, each once.

    Raises
    ------
    RuntimeError
        When an execution is missing, or was started twice.
    """
    bucket = Bucket(SIZE, REFILL)
    lambdas = [_Lambda(bucket) for _ in range(LAMBDAS)]
    queue = _Queue(messages(landings))
    for one in lambdas:
        one.ready()
    bucket.fill()
    began = time.monotonic()
    with ThreadPoolExecutor(LAMBDAS) as pollers:
        list(pollers.map(lambda one: _poll(queue, one), lambdas))
    ended = [one.end() for one in lambdas]
    times = [at for started, _ in ended for at in started.values()]
    names = {name for started, _ in ended for name in started}
    if not len(times) == len(names) == landings:
        raise RuntimeError(f"{landings} landings, {len(times)} starts of {len(names)} names")
    return Burst(max(times) - began, sum(throttled for _, throttled in ended), queue.again)


def messages(count: int) -> list[Message]:
    """Make up SQS messages of landings, each of an object of its own, from the event on file."""
    [record] = json.loads(EVENT.read_text(encoding="utf-8"))["Records"]
    body = json.loads(record["body"])
    found = []
    for number in range(count):
        s3_object = body["detail"]["object"] | {
            "key": f"incoming/2026/11/22/messages-{number:06}.jsonl",
            "version-id": f"version-{number:024}",
            "sequencer": f"{number + 1:018X}",
        }
        detail = body["detail"] | {"object": s3_object}
        text = json.dumps(body | {"detail": detail})
        found.append(record | {"messageId": f"message-{number}", "body": text})
    return found


class _Queue:
    """SQS: messages that are visible, and those that will be."""

    def __init__(self, found: list[Message]) -> None:
        self._visible = deque(found)
        self._hidden: deque[tuple[float, Message]] = deque()
        self._left = len(found)
        self._lock = Lock()
        self.again = 0

    def receive(self) -> list[Message] | None:
        """Give a batch, empty when there is nothing now; None when all is done."""
        with self._lock:
            while self._hidden and self._hidden[0][0] <= time.monotonic():
                self._visible.append(self._hidden.popleft()[1])
            count = min(BATCH, len(self._visible))
            return [self._visible.popleft() for _ in range(count)] if self._left else None

    def done(self, batch: list[Message], failed: set[str]) -> None:
        """Delete what is done; what failed is seen again after the visibility timeout."""
        seen = time.monotonic() + VISIBILITY
        with self._lock:
            failures = [message for message in batch if message["messageId"] in failed]
            self._hidden += ((seen, message) for message in failures)
            self._left -= len(batch) - len(failures)
            self.again += len(failures)


def _poll(queue: _Queue, function: _Lambda) -> None:
    """Bring batches to a function until there are none."""
    while (batch := queue.receive()) is not None:
        if batch:
            queue.done(batch, function.invoke(batch))
        else:
            time.sleep(0.05)


class _Lambda:
    """One execution environment: a process that handles one batch at a time."""

    def __init__(self, bucket: Bucket) -> None:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")  # shares the quota
        self._process = context.Process(target=_serve, args=(theirs, bucket), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe: Connection[Any, Any] = ours

    def ready(self) -> None:
        """Wait until it has been set up: cold starts are measured elsewhere."""
        self._pipe.recv()

    def invoke(self, batch: list[Message]) -> set[str]:
        """Handle a batch; give the ids of the messages that failed."""
        self._pipe.send(batch)
        answer: dict[str, Any] = self._pipe.recv()
        return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}

    def end(self) -> tuple[dict[str, float], int]:
        """End it; say what it has started when, and how often it was refused."""
        self._pipe.send(None)
        started: tuple[dict[str, float], int] = self._pipe.recv()
        self._process.join()
        return started


def _serve(pipe: Connection[Any, Any], bucket: Bucket) -> None:
    """Be a Lambda: the handler with its own clients, until there is no more."""
    os.environ.update(ENVIRONMENT)
    # One inherited from the parent would share its wake-ups with all other children.
    asyncio.set_event_loop(asyncio.new_event_loop())
    step_functions = StepFunctions(bucket.take)
    gives = Clients(
        s3=(S3(), PUT_SECONDS), stepfunctions=(json_service(step_functions), START_SECONDS)
    )
    with unheard():
        function = load_handler("object_created", ENVIRONMENT, gives)
        pipe.send("ready")
        while (batch := pipe.recv()) is not None:
            pipe.send(function.handler({"Records": batch}, Context()))
    pipe.send((step_functions.started, step_functions.throttled))
