"""src/stacks/monitoring.yaml by itself, with the values that the stack gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local.template import read

Json = dict[str, Any]

PARAMETERS = {
    "Service": "landrun-" + "x" * 120,  # 128 characters: the longest name of a stack
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:landrun-topic",
    "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:landrun",
    "MaxLandingAgeInSeconds": "900",
    "MaxWaitForTickInSeconds": "93600",
    "StartOn": "arrival",
}


def resolved(node: Any, values: Json) -> Any:
    """Evaluate Ref and Sub; what ``values`` lacks stands for itself, as ``<Name>``."""
    if isinstance(node, list):
        return [resolved(item, values) for item in node]
    if not isinstance(node, dict):
        return node
    if "Ref" in node:
        return values.get(node["Ref"], f"<{node['Ref']}>")
    if "Fn::Sub" in node:
        return re.sub(r"\$\{([^}]+)\}", lambda m: values.get(m[1], f"<{m[1]}>"), node["Fn::Sub"])
    return {key: resolved(value, values) for key, value in node.items()}


@pytest.fixture(scope="module")
def monitoring(root: Path) -> Json:
    return read(root / "src/stacks/monitoring.yaml")


@pytest.fixture(scope="module")
def resources(monitoring: Json) -> Json:
    values = {name: f"<{name}>" for name in monitoring["Parameters"]} | PARAMETERS
    found: Json = resolved(monitoring["Resources"], values | {"AWS::Region": "us-east-1"})
    return found


@pytest.fixture(scope="module")
def alarms(resources: Json) -> Json:
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


@pytest.fixture(scope="module")
def dashboard(resources: Json) -> Json:
    body: Json = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"])
    return body


def watched(alarm: Json) -> list[Json]:
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


@pytest.fixture(scope="session")
def metrics_of() -> Callable[[Json], list[Json]]:
    """``metrics_of(alarm)`` is what an alarm looks at: Namespace, MetricName, Dimensions."""
    return watched


@pytest.fixture(scope="session")
def given() -> Json:
    """What the template's parameters are here; the others stand for themselves, as ``<Name>``."""
    return PARAMETERS


@pytest.fixture(scope="module")
def dashboard_url(monitoring: Json) -> str:
    values = PARAMETERS | {"AWS::Region": "us-east-1"}
    return str(resolved(monitoring["Outputs"]["DashboardUrl"]["Value"], values))
