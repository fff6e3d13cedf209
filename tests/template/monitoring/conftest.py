"""The alarms and the dashboard of the deployed stack: of its own queues, functions and machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Json = dict[str, Any]


@pytest.fixture(scope="session")
def alarms(stack: Any) -> Json:
    found: Json = stack.of_type("AWS::CloudWatch::Alarm")
    return found


@pytest.fixture(scope="session")
def dashboard(stack: Any) -> Json:
    body: Json = json.loads(
        stack.of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]
    )
    return body


@pytest.fixture(scope="session")
def metrics_of() -> Callable[[Json], list[Json]]:
    """``metrics_of(alarm)`` is what an alarm reads: Namespace, MetricName, Dimensions."""

    def read(alarm: Json) -> list[Json]:
        if "Metrics" not in alarm:
            return [alarm]
        return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]

    return read
