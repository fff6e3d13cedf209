"""What an event costs in requests: the real handlers, fed real payloads, and what they used.

AWS is a stand-in that answers at once and counts: requests by operation, DynamoDB's units by the
bytes of the items, and what the function wrote to its log.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import ModuleType
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

import handler_loader
from benchmarks.facts import ROOT
from benchmarks.units import item_bytes, units
from handler_loader import Context, load_handler

NOW = datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
ENVIRONMENT = handler_loader.ENVIRONMENT | {
    "LANDING_BUCKET": "acme-messages",
    "OUTPUT_BUCKET": "landrun-output",
    "MAX_OBJECTS_PER_RUN": "10000",
    "MAX_CONCURRENT_RUNS": "0",
    "LANDINGS_TABLE": "landings",
    "RUNS_TABLE": "runs",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:landrun",
    "DEAD_LETTER_QUEUE_URL": "https://queue.example/landrun",
    "SCHEDULED_INPUT": "",
    "SCHEDULE_TIMEZONE": "UTC",
    "POWERTOOLS_SERVICE_NAME": "landrun",
    "POWERTOOLS_METRICS_NAMESPACE": "landrun",
    "AWS_REGION": "us-east-1",
}
SUMMARY = {
    "rows_in": 44, "rows_out": 36, "duplicates": 2, "empty": 3, "rejected": 3, "bytes_in": 100_000,
    "files": [{"file": "incoming/orders.jsonl", "rows_in": 44, "rows_out": 36, "rejected": 3}],
    "seconds": 1.5, "version": "0.1.0", "parts": ["part-00000.parquet"],
}  # fmt: skip
"""About what preprocess writes for one file."""

SORTS = {"runs": ("month", "unfinished"), "landings": ("waiting",)}
"""The attributes that put an item of a table into an index of it, as src/storage has them."""


@dataclass
class Usage:
    """What was used, in all.

    Attributes
    ----------
    requests : Counter
        By operation, as ``s3:PutObject``.
    write_units, read_units : float
        DynamoDB's request units, indexes included.
    log_bytes : float
        What the function wrote to its log itself.
    index_units : Counter
        Of the write units, those of indexes, by the attribute that is their key.
    """

    requests: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0
    log_bytes: float = 0.0
    index_units: Counter[str] = field(default_factory=Counter)


@dataclass
class Counting:
    """boto3's clients as far as the handlers use them: counts, and answers what lets them go on."""

    usage: Usage = field(default_factory=Usage)
    log: io.StringIO = field(default_factory=io.StringIO)
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)  # a batch's messages overlap

    def forget(self) -> None:
        """Begin again at nothing used; what is stored stays."""
        self.usage = Usage()
        self.log.seek(0)
        self.log.truncate()

    def client(self, service: str) -> Any:
        """Give the client of a service."""
        return _Client(self, service)

    def call(self, service: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Count one request and answer it."""
        name = f"{service}:{''.join(word.title() for word in operation.split('_'))}"
        answer = getattr(self, f"_{service}_{operation}", None)
        with self.lock:
            self.usage.requests[name] += 1
            found: dict[str, Any] = answer(asked) if answer else {}
        return found

    def _stepfunctions_start_execution(self, asked: dict[str, Any]) -> dict[str, Any]:
        arn = f"{asked['stateMachineArn'].replace('stateMachine', 'execution')}:{asked['name']}"
        return {"executionArn": arn, "startDate": NOW}

    def _s3_put_object(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.objects[asked["Key"]] = (asked["Body"], asked.get("Metadata", {}))
        return {}

    def _s3_get_object(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["Key"].endswith("summary.json"):
            return {"Body": io.BytesIO(json.dumps(SUMMARY).encode())}
        if asked["Key"] not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "none"}}, "GetObject")
        body, about = self.objects[asked["Key"]]
        return {"Body": io.BytesIO(body), "Metadata": about}

    def _s3_list_objects_v2(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Contents": [{"Key": f"processed/{n}", "Size": 1} for n in range(2)]}

    def _dynamodb_query(self, asked: dict[str, Any]) -> dict[str, Any]:
        [wanted] = asked["ExpressionAttributeValues"].values()
        rows = self.tables.get(asked["TableName"], {}).values()
        found = [row for row in rows if row.get("waiting") == wanted]
        # Eventually consistent: half a unit for 4 KB, of all that the query reads together.
        self.usage.read_units += units(sum(map(item_bytes, found)), 4096) / 2
        return {"Items": found}

    def _dynamodb_put_item(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._write(asked["TableName"], asked["Item"])
        return {}

    def _dynamodb_update_item(self, asked: dict[str, Any]) -> dict[str, Any]:
        table, [key] = asked["TableName"], [value["S"] for value in asked["Key"].values()]
        before = self.tables.get(table, {}).get(key, {})
        names, values = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"]
        sets, _, removes = asked["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
        item = {**before, **asked["Key"]}
        for pair in sets.split(", "):
            name, value = pair.split(" = ")
            item[names[name]] = values[value]
        for name in filter(None, removes.split(", ")):
            item.pop(names[name], None)
        self._write(table, item)
        return {"Attributes": item if asked["ReturnValues"] == "ALL_NEW" else before}

    def _write(self, table: str, item: dict[str, Any]) -> None:
        """Put an item, and count the units of it and of each index that has it before or after.

        An index takes one write when its entry comes, goes or changes, and two when its key does
        (DynamoDB developer guide, "Global secondary indexes: provisioned throughput").
        """
        key = (item.get("name") or item["id"])["S"]
        rows = self.tables.setdefault(table, {})
        before = rows.get(key, {})
        rows[key] = item
        was, now = (units(item_bytes(one), 1024) for one in (before, item))
        self.usage.write_units += max(was, now)
        for sort in SORTS[table]:
            gone, comes = before.get(sort), item.get(sort)
            moved = gone != comes  # out of one place of the index, into another
            entry = (was if gone else 0, now if comes else 0)
            taken = sum(entry) if moved else max(entry)
            self.usage.index_units[sort] += taken
            self.usage.write_units += taken


@dataclass(frozen=True)
class _Client:
    world: Counting
    service: str

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return lambda **asked: self.world.call(self.service, operation, asked)

    def get_paginator(self, operation: str) -> Any:
        """Give what pages through an operation: one page."""
        return _Pages(self, operation)


@dataclass(frozen=True)
class _Pages:
    client: _Client
    operation: str

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield {"Items": [], **self.client.world.call(self.client.service, self.operation, asked)}


def event(name: str) -> dict[str, Any]:
    """Read a payload of events/."""
    found: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))
    return found


def _batch(name: str, size: int) -> dict[str, Any]:
    """Give a batch of landings of different keys."""
    [record] = event(name)["Records"]
    text = record["body"]
    keyed = [text.replace("messages", f"messages-{n}") if n else text for n in range(size)]
    return {"Records": [{**record, "body": b, "messageId": str(n)} for n, b in enumerate(keyed)]}


_DRIVEN = itertools.count()


@lru_cache
def row_bytes() -> int:
    """Measure the row of a run that has succeeded."""
    world = Counting()
    _driven(world, "run", 1)
    [row] = world.tables["runs"].values()
    return item_bytes(row)


@lru_cache
def used(what: str, batch: int = 1) -> Usage:
    """Say what a batch of events uses.

    Parameters
    ----------
    what : str
        ``arrival`` and ``waits``: landings that start their runs, or wait for a tick; ``run``: the
        two events of a run that succeeds; ``tick``: a tick over landings that wait.
    batch : int
        How many events at once; of a run, always one.
    """
    world = Counting()
    _driven(world, what, batch)
    world.usage.log_bytes = len(world.log.getvalue().encode())
    return world.usage


def _driven(world: Counting, what: str, batch: int) -> None:
    # A logger keeps the stream that it began with, and there is one for each service: so each time
    # another, of the same length.
    service = {"POWERTOOLS_SERVICE_NAME": f"landrun-{next(_DRIVEN):03}"}
    with mock.patch.dict(os.environ, ENVIRONMENT | service), contextlib.redirect_stdout(world.log):
        _DRIVERS[what](world, batch)


def _arrival(world: Counting, batch: int, start_on: str = "arrival") -> None:
    function = _loaded(world, "object_created", START_ON=start_on)
    _expect_none_failed(function.handler(_batch("object-created", batch), Context()))


def _loaded(world: Counting, name: str, **variables: str) -> ModuleType:
    environment = {**ENVIRONMENT, **variables, **_service()}
    return load_handler(name, environment, world.client, lambda: NOW)


def _service() -> dict[str, str]:
    return {"POWERTOOLS_SERVICE_NAME": os.environ["POWERTOOLS_SERVICE_NAME"]}


def _waits(world: Counting, batch: int) -> None:
    _arrival(world, batch, "schedule")


def _run(world: Counting, _batch_size: int) -> None:
    function = _loaded(world, "execution_status")
    for name in ("execution-running", "execution-succeeded"):
        _expect_none_failed(function.handler(event(name), Context()))


def _tick(world: Counting, batch: int) -> None:
    _waits(world, batch)
    world.forget()  # recording them is the landings' business
    function = _loaded(world, "schedule", START_ON="schedule")
    answer = function.handler(event("schedule-tick"), Context())
    if answer["Objects"] != batch:
        raise RuntimeError(f"the tick took {answer['Objects']} of {batch} landings")


def _expect_none_failed(answer: dict[str, Any]) -> None:
    if answer["batchItemFailures"]:
        raise RuntimeError(f"the stand-in did not do: {answer}")


_DRIVERS: dict[str, Callable[[Counting, int], None]] = {
    "arrival": _arrival,
    "waits": _waits,
    "run": _run,
    "tick": _tick,
}
