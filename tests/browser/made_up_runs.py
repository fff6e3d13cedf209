"""Runs as the runs table has them, made up: busy days, failures, hostile texts."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache

from landrun_ops.web.facts import facts
from landrun_ops.web.ignored import Ignored, IgnoredCount
from landrun_ops.web.page import Report
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
DAYS = 30
HOSTILE = (
    "</script><script>window.hacked = true</script>",
    "<img src=x onerror='window.hacked = true'>.csv",
    "\u202egpj.exe",
    "$data ${{run}} a\x1b[2Jb\x00c quote\"'`&amp;<!--",
    "\u2028 e\u0301 \u4f60\u597d \U0001f600",
    "x" * 1000,
    "__proto__",
)
REASONS = (
    "no file could be used: incoming/{n}.csv: not readable as Parquet: it is too short",
    "ClientError: Failed to download data. AccessDenied (status code: 403; request id: {n:016X})",
)


def report_of(rows):
    """What a report of these rows shows."""
    early, late = NOW - timedelta(days=29), NOW - timedelta(hours=5)
    other = IgnoredCount(at=late, reason="prefix", count=41)
    marker = IgnoredCount(at=early, reason="folder-marker", count=212)
    return Report(
        stack="landrun",
        region="eu-west-1",
        laptop=False,
        made_at=NOW,
        since=NOW - timedelta(days=DAYS),
        ignored=Ignored(counts=[marker, other]),
        runs=[facts(record(row), laptop=False) for row in rows],
    )


@cache
def runs(count, *, hostile=False):
    """Rows of so many runs, newest first: always the same ones."""
    chance = random.Random(count)
    times = (NOW - timedelta(days=chance.random() * DAYS) for _ in range(count))
    return [_row(chance, at, hostile=hostile) for at in sorted(times, reverse=True)]


def _row(chance, at, *, hostile):
    name = f"landrun-{uuid.UUID(int=chance.getrandbits(128)).hex}"
    key = chance.choice(HOSTILE) if hostile else f"{at:%Y/%m/%d}/{chance.randrange(99)}.csv.gz"
    size = int(10 ** chance.uniform(4.5, 8.3))
    landed = {"Kind": "object-created", "Bucket": "b", "Key": f"incoming/{key}", "Size": size}
    tick = {"Kind": "schedule", "ScheduledTime": _iso(at)}
    by_hand = {"Kind": "manual", "StartedBy": "arn:aws:sts::123456789012:assumed-role/ops/mira"}
    row = {
        "name": name,
        "status": "RUNNING",
        "started_at": _iso(at),
        "trigger": chance.choices((landed, tick, by_hand), (82, 14, 4))[0],
        "output_processed_message": f"s3://landrun-outputs/processed/{name}/",
        "execution_arn": f"arn:aws:states:eu-west-1:123456789012:execution:machine:{name}",
    }
    began = at + timedelta(seconds=chance.lognormvariate(4.6, 0.5))
    worked = 20 + size / 1e6 * chance.uniform(0.6, 1.8)
    stopped = began + timedelta(seconds=worked)
    if stopped > NOW:
        return row
    job = {
        "ProcessingJobName": f"{name}-fe320c42",
        "ProcessingStartTime": int(began.timestamp() * 1000),
        "ProcessingEndTime": int(stopped.timestamp() * 1000),
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}},
    }
    row |= {
        "stopped_at": _iso(stopped),
        "duration_seconds": round((stopped - at).total_seconds(), 3),
        "job_name": job["ProcessingJobName"],
        "instance_seconds": round(worked, 3),
    }
    status = chance.choices(("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"), (93, 5, 1, 1))[0]
    if status == "FAILED":
        said = chance.choice(HOSTILE if hostile else REASONS).format(n=chance.getrandbits(40))
        return row | {"status": status, "exit_message": said, "cause": json.dumps(job)}
    if status != "SUCCEEDED":
        return row | {"status": status}
    read, dropped = size // 120 + 1, size // 5000
    summary = {"rows_in": read, "rows_out": read - dropped, "duplicates": dropped}
    summary |= {"empty": 0, "rejected": 0}
    wrote = {"output_objects": 3, "output_bytes": size // 3}
    return row | {"status": status, "output": json.dumps(job), "summary": summary} | wrote


def _iso(at):
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
