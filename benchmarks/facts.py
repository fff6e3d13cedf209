"""What the cost page and the simulation start from: prices, quotas, the template, measurements.

Each has one place: ``prices.toml``, ``quotas.toml``, ``template.yaml`` with the machine's
definition, and ``results.json``. What is in none of them is an assumption, and is shown as one.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from landrun_ops.workflow.definition_file import parse

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results.json"
WHOLE_CORE = 1769
"""MB of memory at which a function has one core; less gives a share of it (Lambda developer guide,
"Configure Lambda function memory")."""


@dataclass(frozen=True)
class Price:
    """What one unit costs, in dollars."""

    name: str
    dollars: float
    per: str
    units: float
    source: str

    @property
    def each(self) -> float:
        """Dollars for one."""
        return self.dollars / self.units


@dataclass(frozen=True)
class Quota:
    """What AWS allows."""

    name: str
    value: float
    unit: str
    says: str
    raised: str
    source: str
    assumed: bool = False


@lru_cache
def _prices_toml() -> dict[str, Any]:
    return tomllib.loads((HERE / "prices.toml").read_text(encoding="utf-8"))


def prices() -> dict[str, Price]:
    """Give all prices by name; those by kind as ``instance.ml.m5.large``."""
    return dict(_flat(_prices_toml()["price"], ""))


def priced(kind: str) -> list[str]:
    """Name what of a kind has a price: of ``compute`` the architectures."""
    return list(_prices_toml()["price"][kind])


def _flat(table: Mapping[str, Any], above: str) -> list[tuple[str, Price]]:
    found = []
    for key, value in table.items():
        name = f"{above}{key}"
        if "dollars" in value:
            found.append((name, Price(name, **value)))
        else:
            found += _flat(value, f"{name}.")
    return found


def written_down() -> tuple[str, str]:
    """Say of which region the prices are, and when they were written down."""
    about = _prices_toml()
    return about["region"], about["written_down"]


@lru_cache
def quotas() -> dict[str, Quota]:
    """Give AWS's quotas by name."""
    found = tomllib.loads((HERE / "quotas.toml").read_text(encoding="utf-8"))
    del found["written_down"]
    return {name: _quota(name, **given) for name, given in found.items()}


def _quota(name: str, **given: Any) -> Quota:
    return Quota(name, raised=given.pop("raise"), **given)


def assumptions() -> dict[str, tuple[float, str]]:
    """Give what was not measured: the value, and what it is, by name."""
    return {name: (one["value"], one["says"]) for name, one in _prices_toml()["assumed"].items()}


# ---- What was measured ---------------------------------------------------------------------------

Figure = tuple[str, str, str, float]
"""A suite, regular expressions of a row's case and figure, and what to multiply its value by."""

MEASURED: dict[str, Figure] = {
    "handler_microseconds": ("warm", r"batches of 1,", r"^handler's own time$", 1.0),
    "tick_microseconds": (
        "tick",
        r"^a tick over 100,000 landings$",
        r"^seconds with the CPU that the function has$",
        1e6 / 100_000 * 1024 / WHOLE_CORE,  # of a function of 1,024 MB, for all
    ),
    "job_megabytes_per_second": ("processing", r"^JSONL, ", r"^preprocess\.py: speed$", 1.0),
    "cold_seconds": ("cold_start", r"^object_created$", r"^INIT and first call$", 1e-3),
}
"""Where in results.json the figures stand that replace assumptions of the same name."""

UNITS = {
    "handler_microseconds": "µs an event",
    "tick_microseconds": "s",
    "job_megabytes_per_second": "MB/s",
    "cold_seconds": "ms",
}
"""In what they are there."""


def measured(results: Path = RESULTS) -> dict[str, float]:
    """Give what `make bench` has measured, by the name of the assumption that it replaces."""
    if not results.exists():
        return {}
    suites = json.loads(results.read_text(encoding="utf-8"))["suites"]
    found = {name: _found(name, suites) for name in MEASURED}
    return {name: value for name, value in found.items() if value is not None}


def _found(name: str, suites: Mapping[str, Any]) -> float | None:
    suite, case, figure, times = MEASURED[name]
    for row in suites.get(suite, {}).get("rows", ()):
        wanted = re.search(case, row["case"]) and re.search(figure, row["figure"])
        if wanted and row["unit"] == UNITS[name]:
            return float(row["value"]) * times
    return None


@lru_cache
def known(name: str) -> float:
    """Give what was measured or, where nothing was, what is assumed."""
    return measured().get(name, assumptions()[name][0])


# ---- What the template says ----------------------------------------------------------------------


@dataclass(frozen=True)
class Stack:
    """What the template and the machine's definition say of sizes and rates."""

    memory: dict[str, int]
    timeout: dict[str, int]
    batch: int
    at_once: int
    max_objects: int
    instance_type: str
    volume_gb: int
    alarm_metrics: int
    states: int
    states_with_turn: int
    retry: dict[str, float]
    machine_seconds: int


@lru_cache
def stack() -> Stack:
    """Read template.yaml, its parts and the machine's definition."""
    template = _yaml("template.yaml")
    functions = {
        n.removesuffix("Function"): p for n, p in _of(template, "AWS::Serverless::Function")
    }
    usual = template["Globals"]["Function"]
    mapping = functions["ObjectCreated"]["Events"]["Landed"]["Properties"]
    default = {name: one.get("Default") for name, one in template["Parameters"].items()}
    machine = parse((ROOT / "src/statemachine/processing.asl.yaml").read_text("utf-8"))
    return Stack(
        memory={n: p.get("MemorySize", usual["MemorySize"]) for n, p in functions.items()},
        timeout={n: p.get("Timeout", usual["Timeout"]) for n, p in functions.items()},
        batch=mapping["BatchSize"],
        at_once=mapping["ScalingConfig"]["MaximumConcurrency"],
        max_objects=default["MaxObjectsPerRun"],
        instance_type=default["InstanceType"],
        volume_gb=default["VolumeSizeInGB"],
        alarm_metrics=_alarm_metrics(),
        states=len(_way(machine, waits=False)),
        states_with_turn=len(_way(machine, waits=True)),
        retry=_quota_retry(machine),
        machine_seconds=machine["TimeoutSeconds"],
    )


def _alarm_metrics() -> int:
    """Count the metrics that the alarms read: CloudWatch bills those, not the alarms."""
    alarms = _of(_yaml("src/stacks/monitoring.yaml"), "AWS::CloudWatch::Alarm")
    return sum(
        sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1
        for _, alarm in alarms
    )


def _yaml(path: str) -> dict[str, Any]:
    from samtranslator.yaml_helper import yaml_parse  # noqa: PLC0415 - half a second

    found: dict[str, Any] = yaml_parse((ROOT / path).read_text(encoding="utf-8"))
    return found


def _of(template: Mapping[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    resources = template["Resources"].items()
    return [(name, one["Properties"]) for name, one in resources if one["Type"] == kind]


def _way(machine: Mapping[str, Any], *, waits: bool) -> list[str]:
    """Give the states that a run goes through when all goes well."""
    way, name = [], machine["StartAt"]
    while name:
        way.append(name)
        state = machine["States"][name]
        if state["Type"] == "Choice":
            of_name = state["Choices"][0]["Variable"] == "$$.Execution.Name"
            name = state["Default"] if of_name and not waits else state["Choices"][0]["Next"]
        else:
            name = state.get("Next")
    return way


def _quota_retry(machine: Mapping[str, Any]) -> dict[str, float]:
    """Give how the definition waits for an instance quota."""
    [task] = [
        s for s in machine["States"].values() if "createProcessingJob" in s.get("Resource", "")
    ]
    [retry] = [
        one
        for one in task["Retry"]
        if "SageMaker.ResourceLimitExceededException" in one["ErrorEquals"]
    ]
    first, most, rate = retry["IntervalSeconds"], retry["MaxDelaySeconds"], retry["BackoffRate"]
    delays = [min(first * rate**n, most) for n in range(retry["MaxAttempts"])]
    # Full jitter: anything from nothing to the delay (Amazon States Language, JitterStrategy).
    return {"attempts": len(delays), "mean": most / 2, "total": sum(delays) / 2}


@lru_cache
def metrics() -> int:
    """Count the metrics that the functions put, as the documentation lists them."""
    page = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    names = re.search(r"(?s)^\| metric \|.*?\n\n", page, re.MULTILINE)
    return names[0].count("\n") - 3 if names else 0
