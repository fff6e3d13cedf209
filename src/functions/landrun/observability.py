"""Logs and CloudWatch metrics, set up the same way in each function.

Powertools reads its settings from the environment: ``POWERTOOLS_SERVICE_NAME``,
``POWERTOOLS_METRICS_NAMESPACE`` and ``POWERTOOLS_LOG_LEVEL``.
"""

import warnings

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from landrun.sanitize import plain_json


def create_logger() -> Logger:
    """Make a function's logger; its JSON escapes all that could disguise a log line."""
    return Logger(json_serializer=plain_json)


def create_metrics() -> Metrics:
    """Make a function's metrics; an invocation that has nothing to count is no reason to warn."""
    warnings.filterwarnings("ignore", "No application metrics to publish")
    return Metrics()


def count(name: str, value: float = 1) -> None:
    """Add to a metric that has no dimension beside the service.

    All instances of Powertools' `Metrics` share what they have counted.
    """
    Metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


def count_by(name: str, dimension: str, value: str) -> None:
    """Add one to a metric that has a dimension, such as ``LandingsIgnored`` by ``Reason``."""
    with single_metric(name=name, unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(dimension, value)
