"""How the time of a tick grows with the landings, and that of a search with the runs table.

The deployed function collects landings, and the reader of ``landrun runs`` searches for runs. A
stand-in of DynamoDB answers their queries with generated rows. Compared with the notebook's way:
list a prefix and start one execution; ask Step Functions for failed executions.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from math import log
from pathlib import Path

from benchmarks import landings
from benchmarks.landings import DYNAMODB_SECONDS, ENVIRONMENT, MACHINE, START_SECONDS
from benchmarks.measuring import Figure, Samples, in_turns, ratios
from benchmarks.standins import Aws, Call, start_execution
from handler_loader import Context, load_handler
from landrun.adapters.clients import client
from landrun_ops.stack.runs_table import RunFilter, RunsReader
from records import item

TITLE = "Ticks and the runs table"

TICK = {
    "ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/group/tick",
    "ScheduledTime": "2026-11-22T08:00:00Z",
}
COLLECTING = ENVIRONMENT | {"START_ON": "schedule", "SCHEDULED_INPUT": ""}
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ROW_BYTES = 2900
"""A row of the runs table with the summary of its job, as DynamoDB measures items."""

PAGE_ROWS = 1_048_576 // ROW_BYTES
"""A query reads at most a megabyte before it filters (DynamoDB API reference, Query)."""

FAILED_ONE_IN, LOOKED_FOR = 100, 20
SECONDS = {
    "Query": DYNAMODB_SECONDS,
    "ListExecutions": START_SECONDS,
    "DescribeExecution": START_SECONDS,
}


def run(quick: bool, scratch: Path) -> Iterator[Figure]:
    """Yield how a tick grows, then the time to search for failed runs."""
    os.environ.update(ENVIRONMENT)
    rounds = 2 if quick else 3
    yield from _ticks((200, 800) if quick else (1000, 10_000), rounds)
    yield from _looks((10_000, 1_000_000), rounds)


def _ticks(sizes: tuple[int, int], rounds: int) -> Iterator[Figure]:
    small, large = sizes
    calls: Samples = defaultdict(list)
    ways = {f"{size}": partial(tick, size, calls) for size in sizes}
    found = in_turns(ways | {"listing": partial(listing, large)}, rounds)
    times, case = log(large / small), f"from {small:,} to {large:,} landings"
    exponents = [log(ratio) / times for ratio in ratios(found[f"{large}"], found[f"{small}"])]
    yield Figure(f"tick, {case}: exponent of growth, processor time", "", exponents, (0.3, 1.7))
    grown = [log(ratio) / times for ratio in ratios(calls[f"{large}"], calls[f"{small}"])]
    yield Figure(f"tick, {case}: exponent of growth, requests", "", grown, (0.9, 1.01))
    each = [seconds / large * 1e6 for seconds in found[f"{large}"]]
    yield Figure(f"tick over {large:,} landings: own time", "µs a landing", each)
    each = [count / large for count in calls[f"{large}"]]
    yield Figure(f"tick over {large:,} landings: requests", "a landing", each, (2, 2.5))
    each = [seconds / large * 1e6 for seconds in found["listing"]]
    yield Figure(f"listing a prefix of {large:,} objects: own time", "µs an object", each)


def tick(size: int, calls: Samples) -> float:
    """Return the processor time of a tick. Raises RuntimeError if it left a landing behind."""
    waiting: dict[str, Call] = {}

    def query(call: Call) -> Call:
        [shard] = call["ExpressionAttributeValues"].values()
        return {"Items": [one for one in waiting.values() if one["waiting"] == shard]}

    def update_item(call: Call) -> Call:
        key, returns = call["Key"]["id"]["S"], call["ReturnValues"]
        if returns == "ALL_OLD":  # object_created records a landing
            values = {name[1:]: value for name, value in call["ExpressionAttributeValues"].items()}
            waiting[key] = call["Key"] | values
        elif returns == "ALL_NEW":  # the tick claims it
            return {"Attributes": waiting[key]}
        else:  # and marks it as processed
            del waiting[key]
        return {}

    aws = Aws({"Query": query, "UpdateItem": update_item, "StartExecution": start_execution})
    with aws.answering(), landings.unheard():
        recording = load_handler("object_created", COLLECTING, client)
        for batch in landings.batches(size):
            recording.handler(batch, Context())
        aws.calls.clear()
        collecting = load_handler("schedule", COLLECTING, client)
        began = time.process_time()
        answer = collecting.handler(TICK, Context())
        seconds = time.process_time() - began
    if waiting or answer["Objects"] != size:
        raise RuntimeError(f"a tick over {size} landings left {len(waiting)}: {answer}")
    calls[f"{size}"].append(aws.calls.total())
    return seconds


def listing(size: int) -> float:
    """Return the processor time of listing a prefix and starting one execution for all of it."""
    with Aws({"StartExecution": start_execution}, keys=size).answering():
        s3, states = client("s3"), client("stepfunctions")
        began = time.process_time()
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="landings", Prefix="incoming/")
        found = sum(len(page["Contents"]) for page in pages)
        states.start_execution(stateMachineArn=MACHINE, name="daily", input="{}")
        seconds = time.process_time() - began
    if found != size:
        raise RuntimeError(f"{found} of {size} objects were listed")
    return seconds


def _looks(sizes: tuple[int, int], rounds: int) -> Iterator[Figure]:
    small, large = sizes
    read: Samples = defaultdict(list)
    ways = {f"{size}": partial(look, size, read) for size in sizes}
    found = in_turns(ways | {"Step Functions": ask_step_functions}, rounds)
    case = f"the newest {LOOKED_FOR} failed runs"
    grown = ratios(read[f"{large}"], read[f"{small}"])
    yield Figure(f"{case}, of {large:,} ÷ of {small:,}: rows read", "x", grown, (0.5, 2))
    beside = ratios(found["Step Functions"], found[f"{large}"])
    yield Figure(f"{case}, of {large:,}: Step Functions' own calls ÷ ours", "x", beside, (0.3, 100))
    yield Figure(f"{case}, of {large:,}: rows read", "rows", read[f"{large}"])
    yield Figure(f"{case}, of {large:,}: landrun runs --status failed", "s", found[f"{large}"])


def look(size: int, read: Samples) -> float:
    """Return the seconds to search for failed runs among a year's runs."""
    rows = 0

    def query(call: Call) -> Call:
        nonlocal rows
        month = call["ExpressionAttributeValues"][":month"]["S"]
        start = call.get("ExclusiveStartKey", {}).get("name", {"S": f"run-{size // 12}"})
        end = int(start["S"].removeprefix("run-"))
        page = range(end - 1, max(0, end - PAGE_ROWS) - 1, -1)
        rows += len(page)
        failed = [number for number in page if number % FAILED_ONE_IN == 0]
        found = [item({"name": f"run-{n}", "month": month, "status": "FAILED"}) for n in failed]
        answer = {"Items": found, "ScannedCount": len(page), "Count": len(found)}
        last = item({"name": f"run-{end - len(page)}"})
        keys = {name: last[name] for name in ("name", "month", "started_at")}
        return answer | ({"LastEvaluatedKey": keys} if len(page) == PAGE_ROWS else {})

    with Aws({"Query": query}, SECONDS).answering():
        reader = RunsReader(client("dynamodb"), "runs")
        began = time.perf_counter()
        failed = RunFilter(status=frozenset({"FAILED"}))
        found = list(islice(reader.newest(NOW, only=failed), LOOKED_FOR))
        seconds = time.perf_counter() - began
    if len(found) != LOOKED_FOR:
        raise RuntimeError(f"{len(found)} of {LOOKED_FOR} failed runs were found")
    read[f"{size}"].append(rows)
    return seconds


def ask_step_functions() -> float:
    """Return the seconds to ask Step Functions for the failed runs and their inputs."""
    arn = MACHINE.replace(":stateMachine:", ":execution:")
    known = {"stateMachineArn": MACHINE, "status": "FAILED", "startDate": 1700000000.0}
    entries = [known | {"executionArn": f"{arn}:{n}", "name": f"{n}"} for n in range(LOOKED_FOR)]
    operations = {
        "ListExecutions": lambda _: {"executions": entries},
        "DescribeExecution": lambda call: entries[0] | call | {"input": "{}"},
    }
    with Aws(operations, SECONDS).answering():
        states = client("stepfunctions")
        began = time.perf_counter()
        failed = states.list_executions(stateMachineArn=MACHINE, statusFilter="FAILED")
        for one in failed["executions"]:
            states.describe_execution(executionArn=one["executionArn"])
        return time.perf_counter() - began
