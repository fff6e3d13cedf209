"""What landed and started no run, by reason: from the metric that the functions count it by.

On AWS that is CloudWatch's; the laptop's AWS has no metrics, but keeps what its functions write:
the same counts in CloudWatch's embedded metric format, a line each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ServiceError
from landrun.models.events import OTHER_EVENTS
from landrun.models.status_change import timestamp
from landrun.sanitize import json_object
from landrun_ops.web.facts import milliseconds

NAMESPACE, METRIC = "landrun", "LandingsIgnored"

KNOWN_REASONS = (
    *("own-output", "prefix", "folder-marker", "suffix", "zero-bytes"),
    *sorted(event.lower().replace(" ", "-") for event in OTHER_EVENTS),
)
"""All reasons that the functions give."""

HOUR, DAY = 3600, 86_400
"""Seconds."""

HOURLY_FOR = timedelta(days=15)
"""For how long back hours are told apart; before that, days."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Objects that started no run.

    Attributes
    ----------
    counts : Mapping
        By reason and the beginning of an hour or a day, in epoch milliseconds: how many.
    step : int
        Seconds that each of those lasts.
    unknown : str
        Why nothing is known; empty when it is.
    """

    counts: Mapping[tuple[str, int], int] = field(default_factory=dict)
    step: int = HOUR
    unknown: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give them as JSON: when and why how many; each ``step`` seconds long."""
        listed = [
            {"at": timestamp(at), "reason": reason, "count": count}
            for (reason, at), count in sorted(self.counts.items(), key=lambda one: one[0][1])
        ]
        return {"step": self.step, "unknown": self.unknown or None, "counts": listed}


def from_metrics(cloudwatch: Any, service: str, since: datetime, now: datetime) -> Ignored:
    """Ask CloudWatch.

    Parameters
    ----------
    cloudwatch : CloudWatch client
        boto3's.
    service : str
        The stack's name, which its metrics have as ``service``.
    since, now : datetime
        The time that it is about.
    """
    step = HOUR if now - since <= HOURLY_FOR else DAY
    begin = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begin = begin if step == HOUR else begin.replace(hour=0)
    queries = [_query(reason, service, step) for reason in KNOWN_REASONS]
    try:
        with translated("cloudwatch:GetMetricData"):
            pages = cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=begin, EndTime=now
            )
            results = [result for page in pages for result in page["MetricDataResults"]]
    except ServiceError as error:
        return Ignored(unknown=f"CloudWatch does not tell: {error}")
    return Ignored(dict(_counts(results)), step)


def from_logs(folder: Path | None, since: datetime) -> Ignored:
    """Count what the functions of the laptop's AWS wrote since it was started."""
    if folder is None or not folder.is_dir():
        return Ignored(unknown="the logs of the laptop's functions are not here")
    counts: Counter[tuple[str, int]] = Counter()
    for log in sorted(folder.glob("*.log")):
        with log.open(encoding="utf-8", errors="replace") as lines:
            for reason, at, count in _counted(lines):
                if at >= milliseconds(since):
                    counts[reason, at - at % (HOUR * 1000)] += count
    return Ignored(counts)


def _counted(lines: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    for line in lines:
        match json_object(line) if METRIC in line else {}:
            case {"_aws": {"Timestamp": int(at)}, "Reason": str(reason), "LandingsIgnored": counts}:
                yield reason, at, int(sum(counts))


def _counts(results: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, int], int]]:
    for result in results:
        reason = result["Id"].replace("_", "-")
        for at, value in zip(result["Timestamps"], result["Values"], strict=True):
            if value:
                yield (reason, milliseconds(at)), int(value)


def _query(reason: str, service: str, step: int) -> dict[str, Any]:
    dimensions = {"Reason": reason, "service": service}
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": METRIC,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    asked = {"Stat": "Sum", "Period": step, "Metric": metric}
    return {"Id": reason.replace("-", "_"), "MetricStat": asked}
