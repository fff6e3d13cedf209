"""What landed and started no run, by reason, from the metric ``LandingsIgnored``.

The laptop's AWS has no metrics, but keeps what its functions write: the same counts in CloudWatch's
embedded metric format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun.models.events import OTHER_EVENTS
from landrun.sanitize import json_object

if TYPE_CHECKING:
    from landrun_ops.stack.stack import Stack

METRIC = "LandingsIgnored"
REASONS = (
    *("own-output", "prefix", "folder-marker", "suffix", "zero-bytes"),
    *sorted(event.lower().replace(" ", "-") for event in OTHER_EVENTS),
)
"""All reasons that the functions give."""

HOUR, DAY = 3600, 86_400
"""Seconds."""

HOURLY_FOR = timedelta(days=15)
"""Longer spans are counted by day."""


class IgnoredCount(BaseModel):
    """How many objects started no run for one reason, in the ``step`` that begins at a time."""

    at: datetime
    reason: str
    count: int


class Ignored(BaseModel):
    """Objects that started no run; ``unknown`` says why nothing is known of them."""

    step: int = HOUR
    unknown: str = ""
    counts: list[IgnoredCount] = []


def count_ignored(stack: Stack, logs: Path | None, since: datetime, now: datetime) -> Ignored:
    """Count in CloudWatch or, for a laptop's stack, in the logs of its functions."""
    if stack.laptop:
        return from_logs(logs, since)
    return from_metrics(stack.client("cloudwatch"), stack.name, since, now)


def from_metrics(cloudwatch: Any, service: str, since: datetime, now: datetime) -> Ignored:
    """Ask CloudWatch; metrics have the stack's name as ``service``."""
    step = HOUR if now - since <= HOURLY_FOR else DAY
    begin = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    queries = [_query(reason, service, step) for reason in REASONS]
    try:
        with translated("cloudwatch:GetMetricData"):
            pages = cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries,
                StartTime=begin if step == HOUR else begin.replace(hour=0),
                EndTime=now,
            )
            results = [result for page in pages for result in page["MetricDataResults"]]
    except ServiceError as error:
        return Ignored(unknown=f"CloudWatch does not tell: {error}")
    counts = [
        IgnoredCount(at=at, reason=result["Id"].replace("_", "-"), count=int(value))
        for result in results
        for at, value in zip(result["Timestamps"], result["Values"], strict=True)
        if value
    ]
    return Ignored(step=step, counts=counts)


def _query(reason: str, service: str, step: int) -> dict[str, Any]:
    dimensions = [{"Name": "Reason", "Value": reason}, {"Name": "service", "Value": service}]
    metric = {"Namespace": "landrun", "MetricName": METRIC, "Dimensions": dimensions}
    statistic = {"Stat": "Sum", "Period": step, "Metric": metric}
    return {"Id": reason.replace("-", "_"), "MetricStat": statistic}


def from_logs(folder: Path | None, since: datetime) -> Ignored:
    """Count what the functions of the laptop's AWS wrote since it was started."""
    if folder is None or not folder.is_dir():
        return Ignored(unknown="the logs of the laptop's functions are not here")
    counts: Counter[tuple[datetime, str]] = Counter()
    for log in sorted(folder.glob("*.log")):
        for at, reason, count in _counts_in(log):
            if at >= since:
                counts[at.replace(minute=0, second=0, microsecond=0), reason] += count
    listed = [IgnoredCount(at=at, reason=why, count=n) for (at, why), n in sorted(counts.items())]
    return Ignored(counts=listed)


def _counts_in(log: Path) -> Iterator[tuple[datetime, str, int]]:
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match json_object(line) if METRIC in line else {}:
                case {"_aws": {"Timestamp": int(at)}, "Reason": str(reason), "LandingsIgnored": n}:
                    yield datetime.fromtimestamp(at / 1000, UTC), reason, int(sum(n))
