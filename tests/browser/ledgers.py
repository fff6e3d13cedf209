"""Ledgers as landrun writes them, made up: weekdays and nights, gaps, failures, hostile texts."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from landrun_ops.web.ignored import Ignored
from landrun_ops.web.reading import Report, read
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
DAYS = 30
GAP = (6, 7, 8, 19)
"""Days without any run."""

HOSTILE = (
    "</script><script>window.hacked = true</script>",
    "<img src=x onerror='window.hacked = true'>.csv",
    "\u202egpj.exe",
    "a\x1b[2Jb\x00c",
    "{{data}} ${run} {run}",
    "quote\"'`&amp;<!--",
    "\u2028 e\u0301 \u4f60\u597d \U0001f600",
    "x" * 1000,
    "__proto__",
    "javascript:alert(1)",
)
REASONS = (
    "no file could be used: incoming/{file}: not readable as Parquet: it is too short",
    "the job was stopped at its time limit of 3600 seconds (MaxRuntimeInSeconds)",
    "MemoryError: Unable to allocate {number}.2 GiB for an array with shape ({number},)",
    "ClientError: Failed to download data. AccessDenied (status code: 403; request id: {digits})",
    "AlgorithmError: column 'sender_{number}' not found in incoming/{file}, exit code: 1",
)
LAST_RUNS_FOR = timedelta(minutes=9)
"""What began so shortly before NOW is still running."""


@cache
def ledger(count: int, *, hostile: bool = False) -> list[dict[str, Any]]:
    """Rows of so many runs, newest first: always the same ones."""
    chance = random.Random(count)
    times = sorted(at for at, _ in zip(_times(chance, count), range(count), strict=False))
    rows = [_row(chance, at, hostile=hostile) for at in times]
    for row in rows[:: max(1, count // 7)]:
        if row["status"] == "FAILED":
            row["rerun_of"] = rows[0]["name"]
    return rows[::-1]


def report_of(rows: list[dict[str, Any]], ignored: Ignored | None = None) -> Report:
    """What a report of these rows shows."""
    runs, more = read(map(record, rows), 10_000)
    hour = int(NOW.timestamp() * 1000) - 5 * 3_600_000
    some = Ignored({("prefix", hour): 41, ("folder-marker", hour - 800 * 3_600_000): 212})
    return Report(
        stack="landrun",
        region="eu-west-1",
        made_at=NOW,
        since=NOW - timedelta(days=DAYS),
        runs=runs,
        more=more,
        ignored=ignored or some,
    )


def _times(chance: random.Random, count: int) -> Iterator[datetime]:
    while True:
        day = chance.random() * DAYS
        at = NOW - timedelta(days=DAYS) + timedelta(days=day)
        quiet = (not 6 < at.hour < 20) * 0.7 + (at.weekday() > 4) * 0.2
        if (count > 20 and int(day) in GAP) or chance.random() < quiet:
            continue
        yield at


def _row(chance: random.Random, at: datetime, *, hostile: bool) -> dict[str, Any]:
    name = f"landrun-{uuid.UUID(int=chance.getrandbits(128)).hex}"
    file = f"{chance.choice(('orders', 'chat', 'returns'))}-{chance.randrange(10_000):04}.csv.gz"
    key = f"incoming/{chance.choice(HOSTILE) if hostile else f'{at:%Y/%m/%d}/{file}'}"
    size = int(10 ** chance.uniform(4.5, 8.3))
    waited = chance.lognormvariate(4.6, 0.35) + (chance.random() < 0.06) * chance.uniform(0, 5000)
    worked = 20 + size / 1e6 * chance.uniform(0.6, 1.8) + chance.lognormvariate(2.5, 0.6)
    end = at + timedelta(seconds=waited + worked + 2)
    row = {
        "name": name,
        "status": _status(chance, at, end),
        "started_at": _iso(at),
        "trigger": _trigger(chance, at, key, size),
        "redrive_count": 0,
        "execution_arn": f"arn:aws:states:eu-west-1:123456789012:execution:machine:{name}",
        "output_processed_message": f"s3://landrun-outputs/processed/{name}/",
    }
    if row["status"] == "RUNNING":
        return row
    job = _job(name, at.timestamp() + waited, worked)
    row |= {
        "stopped_at": _iso(end),
        "duration_seconds": round((end - at).total_seconds(), 3),
        "job_name": job["ProcessingJobName"],
        "instance_seconds": round(worked, 3),
    }
    if row["status"] == "SUCCEEDED":
        return row | {"output": json.dumps(job)} | _success(chance, key, size)
    return row | _failure(chance, row["status"], job, file, hostile=hostile)


def _status(chance: random.Random, at: datetime, end: datetime) -> str:
    bad = 0.35 if 12 < (NOW - at).days < 15 else 0.03
    if NOW - at < LAST_RUNS_FOR or end > NOW:
        return "RUNNING"
    if chance.random() > bad:
        return "SUCCEEDED"
    return chance.choice(["FAILED"] * 8 + ["TIMED_OUT", "ABORTED"])


def _trigger(chance: random.Random, at: datetime, key: str, size: int) -> dict[str, Any]:
    kind = chance.choices(("object-created", "schedule", "manual"), (82, 14, 4))[0]
    if kind == "object-created":
        return {"Kind": kind, "Bucket": "landings", "Key": key, "Size": size}
    if kind == "schedule":
        return {"Kind": kind, "ScheduleArn": "arn:aws:scheduler:::s", "ScheduledTime": _iso(at)}
    return {"Kind": kind, "StartedBy": "arn:aws:sts::123456789012:assumed-role/ops/mira"}


def _job(name: str, began: float, worked: float) -> dict[str, Any]:
    return {
        "ProcessingJobName": f"{name}-fe320c42",
        "ProcessingStartTime": int(began * 1000),
        "ProcessingEndTime": int((began + worked) * 1000),
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"}
        },
    }


def _success(chance: random.Random, key: str, size: int) -> dict[str, Any]:
    rows = size // 120 + 1
    many = chance.random() > 0.9
    dropped = {
        "duplicates": int(rows * chance.uniform(0, 0.06)),
        "empty": int(rows * chance.uniform(0, 0.02)),
        "rejected": int(rows * chance.uniform(0, 0.2 if many else 0.01)),
    }
    out = rows - sum(dropped.values())
    files = [{"name": key, "bytes": size}]
    return {
        "summary": {"rows_in": rows, "rows_out": out, **dropped, "files": files},
        "output_objects": 3,
        "output_bytes": int(size * chance.uniform(0.2, 0.5)),
    }


def _failure(
    chance: random.Random, status: str, job: dict[str, Any], file: str, *, hostile: bool
) -> dict[str, Any]:
    if status != "FAILED":
        return {"error": "States.Timeout"} if status == "TIMED_OUT" else {}
    reason = chance.choice(REASONS).format(
        file=file, number=chance.randrange(99), digits=f"{chance.getrandbits(64):016X}"
    )
    said = f"{chance.choice(HOSTILE)} {'long ' * 300}" if hostile else reason
    return {
        "error": "States.TaskFailed",
        "exit_message": said,
        "cause": json.dumps(job | {"ExitMessage": said}),
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
