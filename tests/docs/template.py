"""What template.yaml and its parts say of themselves: parameters, rules, outputs, alarms."""

from __future__ import annotations

from functools import cache
from typing import Any

from landrun_ops.local.template import read

from .commands import cell, escaped
from .project import ROOT


def parameters() -> str:
    """Spell a table for each group of parameters."""
    groups = _template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    known = _template()["Parameters"]
    return "\n\n".join(
        "\n".join(
            [
                f"## {group['Label']['default']}",
                "",
                "| parameter | default | | takes |",
                "|---|---|---|---|",
                *(_parameter(name, known[name]) for name in group["Parameters"]),
            ]
        )
        for group in groups
    )


def _parameter(name: str, about: dict[str, Any]) -> str:
    default = str(about.get("Default", ""))
    shown = f"`{cell(default)}`" if default else "\N{EN DASH}"
    does, takes = (cell(escaped(text)) for text in (about["Description"], _takes(about)))
    return f"| `{name}` | {shown} | {does} | {takes} |"


def _takes(about: dict[str, Any]) -> str:
    """Say what a parameter takes, in its own words where it has them."""
    if "AllowedValues" in about:
        return " or ".join(map(str, about["AllowedValues"]))
    if "MinValue" in about:
        return f"{about['MinValue']:,} to {about['MaxValue']:,}"
    return str(about.get("ConstraintDescription", ""))


def rules() -> str:
    """Spell what parameters must go together."""
    return "\n".join(
        f"- {escaped(' '.join(one['AssertDescription'].split()))}"
        for rule in _template()["Rules"].values()
        for one in rule["Assertions"]
    )


def outputs() -> str:
    """Spell the table of the stack's outputs."""
    rows = (
        f"| `{name}` | {cell(escaped(about['Description']))} |"
        for name, about in _template()["Outputs"].items()
    )
    return "\n".join(["| output | |", "|---|---|", *rows])


def alarms() -> dict[str, dict[str, Any]]:
    """Give the properties of each alarm by its logical id."""
    resources = read(ROOT / "src/stacks/monitoring.yaml")["Resources"]
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def alarm(name: str) -> str:
    """Spell when an alarm fires, from the alarm itself."""
    about = alarms()[name]
    rows = {
        "Metric": ", ".join(dict.fromkeys(metrics_of(about))),
        "Threshold": _threshold(about),
        "Sends an OK notification": "yes" if "OKActions" in about else "no",
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())])


def metrics_of(about: dict[str, Any]) -> list[str]:
    """Name each metric that an alarm reads; CloudWatch bills each, so names come repeatedly."""
    found = [one["MetricStat"]["Metric"] for one in about.get("Metrics", ()) if "MetricStat" in one]
    return [f"`{one['Namespace']}` `{one['MetricName']}`" for one in found or [about]]


_SIGNS = {
    "GreaterThanOrEqualToThreshold": "at least",
    "GreaterThanThreshold": "more than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "at most",
}


def _threshold(about: dict[str, Any]) -> str:
    threshold = about["Threshold"]
    value = f"`{threshold['Ref']}`" if isinstance(threshold, dict) else f"{threshold}"
    minutes = _period(about) // 60
    of = about["EvaluationPeriods"]
    times = about.get("DatapointsToAlarm", of)
    how_often = f", in {times} of {of} such periods" if 1 < times < of else ""
    if times == of > 1:
        how_often = f", {of} times in a row"
    return f"{_SIGNS[about['ComparisonOperator']]} {value} in {minutes} minutes{how_often}"


def _period(about: dict[str, Any]) -> int:
    if "Period" in about:
        return int(about["Period"])
    return max(one["MetricStat"]["Period"] for one in about["Metrics"] if "MetricStat" in one)


@cache
def _template() -> dict[str, Any]:
    return read(ROOT / "template.yaml")
