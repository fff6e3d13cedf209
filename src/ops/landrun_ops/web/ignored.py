"""Counts landed objects that started no run, by reason, from the metric ``LandingsIgnored``.

The laptop's AWS has no metrics, but keeps its functions' logs, which hold the same counts in
CloudWatch's embedded metric format.
"""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun.models.events import OTHER_EVENTS
from landrun.sanitize import json_object
from landrun_ops.stack.stack import Stack

METRIC = "LandingsIgnored"
REASONS = (
    *("own-output", "prefix", "folder-marker", "suffix", "zero-bytes"),
    *sorted(event.lower().replace(" ", "-") for event in OTHER_EVENTS),
)
"""All reasons that the functions give."""


class IgnoredCount(BaseModel):
    """How many objects started no run for one reason within one hour."""

    at: datetime
    reason: str
    count: int


class Ignored(BaseModel):
    """Objects that started no run; ``unknown`` says why they could not be counted."""

    unknown: str = ""
    counts: list[IgnoredCount] = []


def count_ignored(stack: Stack, logs: Path | None, since: datetime, now: datetime) -> Ignored:
    """Count in CloudWatch or, for a laptop's stack, in the logs of its functions."""
    if stack.laptop:
        return from_logs(logs, since)
    return from_metrics(stack.client("cloudwatch"), stack.name, since, now)


def from_metrics(cloudwatch: Any, service: str, since: datetime, now: datetime) -> Ignored:
    """Ask CloudWatch, by the hour; metrics have the stack's name as ``service``."""
    queries = []
    for reason in REASONS:
        values = {"Reason": reason, "service": service}
        dimensions = [{"Name": name, "Value": value} for name, value in values.items()]
        metric = {"Namespace": "landrun", "MetricName": METRIC, "Dimensions": dimensions}
        statistic = {"Stat": "Sum", "Period": 3600, "Metric": metric}
        queries.append({"Id": reason.replace("-", "_"), "MetricStat": statistic})
    try:
        with translated("cloudwatch:GetMetricData"):
            pages = cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=_hour(since), EndTime=now
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
    return Ignored(counts=counts)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def from_logs(folder: Path | None, since: datetime) -> Ignored:
    """Count from the logs of the laptop's functions since it was started."""
    if folder is None or not folder.is_dir():
        return Ignored(unknown="the logs of the laptop's functions are not here")
    counts: Counter[tuple[datetime, str]] = Counter()
    for log in folder.glob("*.log"):
        with log.open(encoding="utf-8", errors="replace") as lines:
            for at, reason, count in filter(None, map(_metric, lines)):
                if at >= since:
                    counts[_hour(at), reason] += count
    listed = [IgnoredCount(at=at, reason=why, count=n) for (at, why), n in sorted(counts.items())]
    return Ignored(counts=listed)


def _metric(line: str) -> tuple[datetime, str, int] | None:
    match json_object(line) if METRIC in line else {}:
        case {"_aws": {"Timestamp": int(at)}, "Reason": str(reason), "LandingsIgnored": counts}:
            return datetime.fromtimestamp(at / 1000, UTC), reason, int(sum(counts))
    return None
