"""Metrics, as one number each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from landrun_ops.doctor.aws_reader import Sight

PERIOD: Final = 300
"""Seconds."""


def metric(
    sight: Sight,
    name: str,
    dimensions: Mapping[str, str],
    statistic: str,
    span: tuple[datetime, datetime],
) -> float | None:
    """Fetch a metric over a span of time; None where CloudWatch has no data of it.

    Parameters
    ----------
    name : str
        Namespace and metric, with a space between them.
    statistic : str
        ``Sum`` is added up over the span, of others the largest counts.
    span : tuple of datetime
        From when until when.

    Raises
    ------
    ServiceError
        When CloudWatch says no, or does not answer.
    """
    namespace, _, metric_name = name.partition(" ")
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    answer = sight.ask(
        "cloudwatch:GetMetricData",
        MetricDataQueries=[
            {
                "Id": "asked",
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": metric_name,
                        "Dimensions": named,
                    },
                    "Period": PERIOD,
                    "Stat": statistic,
                },
            }
        ],
        StartTime=_even(span[0]),
        EndTime=_even(span[1]) + timedelta(seconds=PERIOD),
    )
    values = answer["MetricDataResults"][0]["Values"]
    if not values:
        return None
    return float(sum(values) if statistic == "Sum" else max(values))


def _even(time: datetime) -> datetime:
    """Cut to whole periods, as CloudWatch does."""
    return time - timedelta(seconds=time.timestamp() % PERIOD)
