"""Runs as the runs table has them, made up: successes, failures, hostile texts."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache

from landrun_ops.web.facts import facts
from landrun_ops.web.ignored import Ignored, IgnoredCount
from landrun_ops.web.page import Report
from records import record

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOSTILE = (
    "</script><script>window.hacked = true</script>",
    "<img src=x onerror='window.hacked = true'>.csv",
    "\u202egpj.exe",
    "$data ${{run}} a\x1b[2Jb\x00c quote\"'`&amp;<!--",
    "\u2028 e\u0301 \u4f60\u597d \U0001f600",
    "x" * 1000,
    "__proto__",
)
TRIGGERS = (
    {"Kind": "object-created", "Bucket": "b"},
    {"Kind": "schedule", "ScheduledTime": "2026-11-22T03:00:00Z"},
    {"Kind": "manual", "StartedBy": "arn:aws:sts::123456789012:assumed-role/ops/mira"},
)


def report_of(rows):
    """What a report of these rows shows."""
    counts = [
        IgnoredCount(at=NOW - timedelta(days=29), reason="folder-marker", count=212),
        IgnoredCount(at=NOW - timedelta(hours=5), reason="prefix", count=41),
    ]
    return Report(
        stack="landrun",
        region="us-east-1",
        laptop=False,
        made_at=NOW,
        since=NOW - timedelta(days=30),
        ignored=Ignored(counts=counts),
        runs=[facts(record(row), laptop=False) for row in rows],
    )


@cache
def runs(count, *, hostile=False):
    """Rows of so many runs of a month, newest first: always the same ones."""
    texts = HOSTILE if hostile else ["incoming/orders.csv.gz"]
    return [_row(place, count, texts[place % len(texts)]) for place in range(count)]


def _row(place, count, text):
    at = NOW - timedelta(hours=1, days=29 * place / count)
    began = at + timedelta(seconds=60 + place * 7 % 240)
    stopped = began + timedelta(seconds=20 + place * 13 % 299)
    size = 30_000 + place * 7919**2 % 10**8
    name = f"landrun-{place:08x}{place:024x}"
    job = {
        "ProcessingJobName": f"{name}-fe320c42",
        "ProcessingStartTime": int(began.timestamp() * 1000),
        "ProcessingEndTime": int(stopped.timestamp() * 1000),
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}},
    }
    row = {
        "name": name,
        "status": "FAILED" if place % 20 == 7 else "SUCCEEDED",
        "started_at": at.isoformat(),
        "stopped_at": stopped.isoformat(),
        "duration_seconds": round((stopped - at).total_seconds(), 3),
        "trigger": TRIGGERS[place % 3] | {"Key": text, "Size": size},
        "output_processed_message": f"s3://landrun-outputs/processed/{name}/",
        "job_name": job["ProcessingJobName"],
        "instance_seconds": round((stopped - began).total_seconds(), 3),
    }
    if row["status"] == "FAILED":
        return row | {"exit_message": f"not readable: {text}", "cause": json.dumps(job)}
    summary = {"rows_in": size // 120, "rows_out": size // 125, "duplicates": size // 5000}
    wrote = {"output_objects": 3, "output_bytes": size // 3}
    return row | {"output": json.dumps(job), "summary": summary} | wrote
