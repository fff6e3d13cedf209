"""Runs as the runs table has them, made up: busy days, failures, hostile texts."""

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
    "the job was stopped at its time limit of 3600 seconds (MaxRuntimeInSeconds)",
    "ClientError: Failed to download data. AccessDenied (status code: 403; request id: {n:016X})",
    "AlgorithmError: column 'sender_{n}' not found in incoming/{n}.csv, exit code: 1",
)


def report_of(rows: list[dict[str, Any]]) -> Report:
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
def runs(count: int, *, hostile: bool = False) -> list[dict[str, Any]]:
    """Rows of so many runs, newest first: always the same ones."""
    chance, rows = random.Random(count), list[dict[str, Any]]()
    while len(rows) < count:
        at = NOW - timedelta(days=chance.random() * DAYS)
        if chance.random() > (not 6 < at.hour < 20) * 0.7 + (at.weekday() > 4) * 0.2:
            rows.append(_row(chance, at, hostile=hostile))
    return sorted(rows, key=lambda row: str(row["started_at"]), reverse=True)


def _row(chance: random.Random, at: datetime, *, hostile: bool) -> dict[str, Any]:
    name = f"landrun-{uuid.UUID(int=chance.getrandbits(128)).hex}"
    file = f"{at:%Y/%m/%d}/{chance.choice(('orders', 'chat'))}-{chance.randrange(10_000):04}.csv.gz"
    key = f"incoming/{chance.choice(HOSTILE) if hostile else file}"
    size, waited = int(10 ** chance.uniform(4.5, 8.3)), chance.lognormvariate(4.6, 0.5)
    worked = 20 + size / 1e6 * chance.uniform(0.6, 1.8)
    row = {
        "name": name,
        "status": "RUNNING",
        "started_at": _iso(at),
        "trigger": chance.choices(
            (
                {"Kind": "object-created", "Bucket": "landings", "Key": key, "Size": size},
                {"Kind": "schedule", "ScheduledTime": _iso(at)},
                {"Kind": "manual", "StartedBy": "arn:aws:sts::123456789012:assumed-role/ops/mira"},
            ),
            (82, 14, 4),
        )[0],
        "output_processed_message": f"s3://landrun-outputs/processed/{name}/",
        "execution_arn": f"arn:aws:states:eu-west-1:123456789012:execution:machine:{name}",
    }
    if NOW - at < timedelta(seconds=waited + worked):
        return row
    began = at.timestamp() + waited
    job = {
        "ProcessingJobName": f"{name}-fe320c42",
        "ProcessingStartTime": int(began * 1000),
        "ProcessingEndTime": int((began + worked) * 1000),
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}},
    }
    row |= {
        "stopped_at": _iso(at + timedelta(seconds=waited + worked)),
        "duration_seconds": round(waited + worked, 3),
        "job_name": job["ProcessingJobName"],
        "instance_seconds": round(worked, 3),
    }
    if chance.random() < (0.35 if 12 < (NOW - at).days < 15 else 0.03):
        status = chance.choice(["FAILED"] * 8 + ["TIMED_OUT", "ABORTED"])
        said = chance.choice(HOSTILE if hostile else REASONS).format(n=chance.getrandbits(40))
        why = {"exit_message": said, "cause": json.dumps(job)} if status == "FAILED" else {}
        return row | why | {"status": status}
    read = size // 120 + 1
    dropped = {what: int(read * chance.uniform(0, 0.05)) for what in ("duplicates", "rejected")}
    summary = {"rows_in": read, "rows_out": read - sum(dropped.values()), "empty": 0, **dropped}
    wrote = {"output_objects": 3, "output_bytes": int(size * chance.uniform(0.2, 0.5))}
    return row | {"status": "SUCCEEDED", "output": json.dumps(job), "summary": summary} | wrote


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
