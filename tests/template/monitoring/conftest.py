"""The alarms and the dashboard of the deployed stack: of its own queues, functions and machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

Json = dict[str, Any]


@pytest.fixture(scope="session")
def alarms(stack):
    found: Json = stack.of_type("AWS::CloudWatch::Alarm")
    return found


@pytest.fixture(scope="session")
def dashboard(stack):
    body: Json = json.loads(
        stack.of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]
    )
    return body


@pytest.fixture(scope="session")
def metrics_of():
    """``metrics_of(alarm)`` is what an alarm reads: Namespace, MetricName, Dimensions."""

    def read(alarm):
        if "Metrics" not in alarm:
            return [alarm]
        return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]

    return read
