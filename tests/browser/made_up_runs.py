"""Runs as the runs table has them, made up: weekdays and nights, gaps, failures, hostile texts."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from landrun_ops.web.facts import facts
from landrun_ops.web.ignored import Ignored, IgnoredCount
from landrun_ops.web.page import Report
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
DAYS, GAP = 30, (6, 7, 8, 19)
"""How many days, and which of them have no run."""

HOSTILE = (
    "</script><script>window.hacked = true</script>",
    "<img src=x onerror='window.hacked = true'>.csv",
    "\u202egpj.exe",
    "a\x1b[2Jb\x00c",
    "$data ${run} {run}",
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


def report_of(rows: list[dict[str, Any]]) -> Report:
    """What a report of these rows shows."""
    counts = (("prefix", 5, 41), ("folder-marker", 805, 212))
    ignored = [
        IgnoredCount(at=NOW - timedelta(hours=hours), reason=reason, count=count)
        for reason, hours, count in counts
    ]
    return Report(
        stack="landrun",
        region="eu-west-1",
        laptop=False,
        made_at=NOW,
        since=NOW - timedelta(days=DAYS),
        ignored=Ignored(counts=ignored),
        runs=[facts(record(row), laptop=False) for row in rows],
    )


@cache
def ledger(count: int, *, hostile: bool = False) -> list[dict[str, Any]]:
    """Rows of so many runs, newest first: always the same ones."""
    chance = random.Random(count)
    rows = [_row(chance, at, hostile=hostile) for at in _times(chance, count)]
    for row in rows[:: max(1, count // 7)]:
        if row["status"] == "FAILED":
            row["rerun_of"] = rows[0]["name"]
    return rows[::-1]


def _times(chance: random.Random, count: int) -> list[datetime]:
    times: list[datetime] = []
    while len(times) < count:
        day = chance.random() * DAYS
        at = NOW - timedelta(days=DAYS) + timedelta(days=day)
        quiet = (not 6 < at.hour < 20) * 0.7 + (at.weekday() > 4) * 0.2
        if not (count > 20 and int(day) in GAP) and chance.random() >= quiet:
            times.append(at)
    return sorted(times)


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
        "status": "RUNNING",
        "started_at": _iso(at),
        "trigger": _trigger(chance, at, key, size),
        "output_processed_message": f"s3://landrun-outputs/processed/{name}/",
        "execution_arn": f"arn:aws:states:eu-west-1:123456789012:execution:machine:{name}",
    }
    if end > NOW or NOW - at < timedelta(minutes=9):
        return row
    job = {
        "ProcessingJobName": f"{name}-fe320c42",
        "ProcessingStartTime": int((at.timestamp() + waited) * 1000),
        "ProcessingEndTime": int((at.timestamp() + waited + worked) * 1000),
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"}
        },
    }
    row |= {
        "stopped_at": _iso(end),
        "duration_seconds": round((end - at).total_seconds(), 3),
        "job_name": job["ProcessingJobName"],
        "instance_seconds": round(worked, 3),
    }
    if chance.random() > (0.35 if 12 < (NOW - at).days < 15 else 0.03):
        summary = _summary(chance, key, size)
        outputs = {"output_objects": 3, "output_bytes": int(size * chance.uniform(0.2, 0.5))}
        return row | outputs | {"status": "SUCCEEDED", "output": json.dumps(job), "summary": summary}
    return row | _failure(chance, job, file, hostile=hostile)


def _trigger(chance: random.Random, at: datetime, key: str, size: int) -> dict[str, Any]:
    kind = chance.choices(("object-created", "schedule", "manual"), (82, 14, 4))[0]
    more = {
        "object-created": {"Bucket": "landings", "Key": key, "Size": size},
        "schedule": {"ScheduledTime": _iso(at)},
        "manual": {"StartedBy": "arn:aws:sts::123456789012:assumed-role/ops/mira"},
    }
    return {"Kind": kind, **more[kind]}


def _summary(chance: random.Random, key: str, size: int) -> dict[str, Any]:
    rows = size // 120 + 1
    dropped = {
        "duplicates": int(rows * chance.uniform(0, 0.06)),
        "empty": int(rows * chance.uniform(0, 0.02)),
        "rejected": int(rows * chance.uniform(0, 0.2 if chance.random() > 0.9 else 0.01)),
    }
    counts = {"rows_in": rows, "rows_out": rows - sum(dropped.values()), **dropped}
    return {**counts, "files": [{"name": key, "bytes": size}]}


def _failure(
    chance: random.Random, job: dict[str, Any], file: str, *, hostile: bool
) -> dict[str, Any]:
    status = chance.choice(["FAILED"] * 8 + ["TIMED_OUT", "ABORTED"])
    if status != "FAILED":
        return {"status": status}
    digits = f"{chance.getrandbits(64):016X}"
    said = chance.choice(REASONS).format(file=file, number=chance.randrange(99), digits=digits)
    said = f"{chance.choice(HOSTILE)} {'long ' * 300}" if hostile else said
    cause = json.dumps(job | {"ExitMessage": said})
    return {"status": status, "error": "States.TaskFailed", "exit_message": said, "cause": cause}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
