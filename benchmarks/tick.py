"""A tick over many landings: what it takes to collect them, and that it grows as they do.

The real function against stand-ins for DynamoDB, S3 and Step Functions that take a region's time to
answer. What waits was recorded by the real function once, and copied under other keys.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import log
from pathlib import Path
from typing import Any

from benchmarks import burst
from benchmarks.measuring import Aim, Figures, Options, Row, interleaved
from benchmarks.standins import S3, Clients, StepFunctions, json_service, unheard
from benchmarks.standins_dynamodb import Design, DynamoDB, Index, dollars
from benchmarks.standins_expressions import Item
from handler_loader import Context, load_handler

TITLE = "A tick over many landings"

LANDINGS = Design(
    "landings",
    "id",
    [
        Index(
            "by-waiting",
            "waiting",
            "id",
            frozenset({"bucket", "recorded_at", "claimed_by", "claimed_at", "claimed_for"}),
        )
    ],
)
"""The table of src/stacks/storage.yaml."""

DYNAMODB_SECONDS, S3_SECONDS, START_SECONDS = 0.004, 0.020, 0.030
"""How long services take to answer: assumed, as in a region's own network."""

MOST = 10_000
"""MaxObjectsPerRun of template.yaml."""

CORES = 1024 / 1769
"""What a function of 1,024 MB has (Lambda developer guide, "Configure function memory")."""

LONGEST = 900
"""Seconds that a function may take (Lambda, "Quotas")."""

TICK = {
    "ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/group/tick",
    "ScheduledTime": "2026-11-22T08:00:00Z",
}
ENVIRONMENT = burst.ENVIRONMENT | {
    "START_ON": "schedule",
    "MAX_OBJECTS_PER_RUN": str(MOST),
    "SCHEDULED_INPUT": "",
    "SCHEDULE_TIMEZONE": "UTC",
}


@dataclass(frozen=True)
class Cost:
    """What one tick took; memory in MB above what the process had, stand-ins' objects taken off."""

    seconds: float
    cpu: float
    memory: float
    requests: int
    writes: float
    reads: float
    runs: int


def run(options: Options) -> Iterator[Row]:
    """Tick over three sizes in turn."""
    sizes = (1_000, 2_000, 5_000) if options.quick else (10_000, 30_000, 100_000)
    costs: dict[str, list[Cost]] = {f"{size:,} landings": [] for size in sizes}

    def measuring(size: int) -> float:
        costs[f"{size:,} landings"].append(measured(size, options.scratch))
        return costs[f"{size:,} landings"][-1].seconds

    ways = {f"{size:,} landings": (lambda size=size: measuring(size)) for size in sizes}
    interleaved(ways, 1 if options.quick else 2, options.progress)
    for size in sizes:
        yield from _rows(size, costs[f"{size:,} landings"], key=size == sizes[-1])
    yield from _growth(sizes, [costs[f"{size:,} landings"] for size in sizes])
    yield from _recording()


def _rows(size: int, costs: list[Cost], *, key: bool) -> Iterator[Row]:
    case = f"a tick over {size:,} landings"
    one = costs[0]
    yield Row(
        case,
        "seconds",
        unit="s",
        **Figures.of([cost.seconds for cost in costs]).parts(),
        note=f"{one.runs} runs of {MOST:,} at most; stand-ins answer in 4 to 30 ms",
        key=key,
    )
    each = Figures.of([cost.seconds / size * 1e6 for cost in costs])
    yield Row(case, "time per landing", unit="µs", **each.parts())
    lambda_seconds = Figures.of([max(cost.seconds, cost.cpu / CORES) for cost in costs])
    yield Row(
        case,
        "seconds with the CPU that the function has",
        unit="s",
        **lambda_seconds.parts(),
        aim=Aim("<=", LONGEST),
        note=f"CPU time, DynamoDB's stand-in's too, over {CORES:.2f} of a core like this machine's",
    )
    memory = Figures.of([cost.memory for cost in costs])
    yield Row(case, "memory above an idle function", unit="MB", **memory.parts(), key=key)
    yield Row(case, "DynamoDB requests per landing", one.requests / size, "")
    yield Row(case, "write units per landing", one.writes / size, "")
    yield Row(case, "read units per landing", one.reads / size, "")
    price = dollars(one.reads, one.writes)
    yield Row(case, "DynamoDB", price, "$", key=key, note="on demand, us-east-1")


def _growth(sizes: tuple[int, ...], costs: list[list[Cost]]) -> Iterator[Row]:
    """Say how it grows: the exponent is 1 where twice as much takes twice as long."""
    times = log(sizes[-1] / sizes[0])
    case = f"from {sizes[0]:,} to {sizes[-1]:,} landings"
    least, most = costs[0], costs[-1]
    seconds = [log(b.seconds / a.seconds) / times for a, b in zip(least, most, strict=True)]
    yield Row(
        case,
        "exponent of growth, seconds",
        unit="",
        **Figures.of(seconds).parts(),
        aim=Aim("<=", 1.1),
        key=True,
    )
    requests = log(most[0].requests / least[0].requests) / times
    yield Row(case, "exponent of growth, requests", requests, "", aim=Aim("<=", 1.01))
    units = log(most[0].writes / least[0].writes) / times
    yield Row(case, "exponent of growth, write units", units, "", aim=Aim("<=", 1.01))


def _recording() -> Iterator[Row]:
    """Count what it takes for a landing to come to wait."""
    database = DynamoDB([LANDINGS])
    _recorded(database, 100)
    case = "a landing comes to wait"
    yield Row(case, "DynamoDB requests", database.calls.total() / 100, "")
    yield Row(case, "write units", database.write_units / 100, "")


def measured(size: int, scratch: Path) -> Cost:
    """Tick over so many landings in a process of its own, whose memory is all the tick's."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(theirs, size, str(scratch)), daemon=True)
    process.start()
    theirs.close()
    cost = Cost(**ours.recv())
    process.join()
    return cost


def _serve(pipe: Any, size: int, scratch: str) -> None:
    pipe.send(asdict(tick(size, Path(scratch))))


def tick(size: int, scratch: Path) -> Cost:
    """Tick over so many landings.

    Raises
    ------
    RuntimeError
        When some of them were not collected, or more than once.
    """
    os.environ.update(ENVIRONMENT)
    path = scratch / f"landings-{size}.sqlite"
    path.unlink(missing_ok=True)
    database, storage, step_functions = DynamoDB([LANDINGS], path), S3(), StepFunctions()
    database.load(LANDINGS.name, waiting(size))
    gives = Clients(
        dynamodb=(json_service(database), DYNAMODB_SECONDS),
        s3=(storage, S3_SECONDS),
        stepfunctions=(json_service(step_functions), START_SECONDS),
    )
    database.forget_counts()
    idle = _memory_from_now()
    began, cpu = time.monotonic(), time.process_time()
    with unheard():
        answer = load_handler("schedule", ENVIRONMENT, gives).handler(TICK, Context())
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    used = (_most_memory() - idle) / 1e3 - sum(len(b) for b, _ in storage.objects.values()) / 1e6
    if answer["Objects"] != size or database.indexed(LANDINGS.name, "by-waiting"):
        raise RuntimeError(f"{size} landings, {answer['Objects']} collected")
    calls = database.calls.total()
    costs = (database.write_units, database.read_units, len(step_functions.started))
    database.close()
    path.unlink()
    return Cost(seconds, cpu, max(used, 0.0), calls, *costs)


def waiting(count: int) -> Iterator[Item]:
    """Make up items of landings that wait, each of an object of its own."""
    from landrun.adapters.landings_table import landing_id  # noqa: PLC0415
    from landrun.models.landing import Landing  # noqa: PLC0415

    database = DynamoDB([LANDINGS])
    [landing] = _recorded(database, 1)
    item = database("GetItem", {"TableName": "landings", "Key": {"id": {"S": landing_id(landing)}}})
    like = item["Item"]
    for number in range(count):
        key = f"incoming/2026/11/22/messages-{number:06}.jsonl"
        own = landing_id(Landing(landing.bucket, key, None, landing.sequencer, None, ""))
        named = {"id": own, "key": key, "waiting": own[0], "version_id": f"version-{number:024}"}
        yield like | {name: {"S": value} for name, value in named.items()}


def _recorded(database: DynamoDB, count: int) -> list[Any]:
    """Record landings by the real function's door."""
    from landrun.adapters.landings_table import LandingsTable  # noqa: PLC0415
    from landrun.models.events import parse_object_created  # noqa: PLC0415

    os.environ.update(burst.ENVIRONMENT)
    client = Clients(dynamodb=(json_service(database), 0.0))("dynamodb")
    door = LandingsTable(client, LANDINGS.name, lambda: datetime(2026, 11, 22, 8, tzinfo=UTC))
    landings = [parse_object_created(message["body"]) for message in burst.messages(count)]
    for landing in landings:
        door.record(landing)
    return landings


def _memory_from_now() -> int:
    """Forget the process's highest memory so far (proc(5), clear_refs); give what it has, in kB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _most_memory()


def _most_memory() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])
