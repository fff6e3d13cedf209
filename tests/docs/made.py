"""The parts of pages that are generated from the command, the template and the events.

A generated part is between ``<!-- made: PART -->`` and ``<!-- end -->``; see `PARTS`.

    PYTHONPATH=tests python -m docs.made    writes the stale ones anew
"""

import json
import re
import sys

import typer
import typer.cli

from landrun_ops.cli import app
from landrun_ops.local.template import read

from .pages import ROOT, TEXTS, name

_PART = re.compile(r"<!-- made: (?P<part>\S+)(?: (?P<of>\S+))? -->\n.*?<!-- end -->", re.DOTALL)
TEMPLATE = read(ROOT / "template.yaml")
ALARMS = {
    name: resource["Properties"]
    for name, resource in read(ROOT / "src/stacks/monitoring.yaml")["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}


def commands():
    """Return the help of each command that does something, as ``typer … utils docs`` has it."""
    sections = []
    for command, context in leaves():
        path = context.command_path
        text = typer.cli.get_docs_for_click(obj=command, ctx=context, name=path, indent=1)
        text = re.sub(r"\* `--help`: .*\n", "", text.replace("<", "&lt;"))
        sections.append(re.sub(r"`[^`\n]*&lt;.*?`", lambda m: m[0].replace("&lt;", "<"), text))
    return "\n\n".join(section.strip() for section in sections)


def leaves(command=None, context=None):
    """Yield each command that does something, in the order of ``--help``, with its context."""
    command = command or typer.main.get_command(app)
    context = context or typer.Context(command, info_name="landrun")
    if not hasattr(command, "list_commands"):
        yield command, context
        return
    for one in command.list_commands(context):
        found = command.get_command(context, one)
        yield from leaves(found, typer.Context(found, info_name=one, parent=context))


def table(head, rows):
    """Return a table in Markdown, each row in one line."""
    cells = [[" ".join(cell.split()).replace("|", r"\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *lines])


def escaped(text):
    for sign in ("*", "_", "["):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("<", "&lt;")


def parameters():
    """Return a table for each group of parameters."""
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    return "\n\n".join(
        f"## {group['Label']['default']}\n\n"
        + table("| parameter | default | | takes |", map(_parameter, group["Parameters"]))
        for group in groups
    )


def _parameter(name):
    about = TEMPLATE["Parameters"][name]
    default, takes = str(about.get("Default", "")), about.get("ConstraintDescription", "")
    if "AllowedValues" in about:
        *others, last = map(str, about["AllowedValues"])
        takes = f"{', '.join(others)} or {last}"
    elif "MinValue" in about:
        takes = f"{about['MinValue']:,} to {about['MaxValue']:,}"
    shown = f"`{default}`" if default else "\N{EN DASH}"
    return f"`{name}`", shown, escaped(about["Description"]), escaped(takes)


def rules():
    """Return the template's rules as a list."""
    assertions = [one for rule in TEMPLATE["Rules"].values() for one in rule["Assertions"]]
    found = [" ".join(one["AssertDescription"].split()) for one in assertions]
    return "\n".join(f"- {escaped(text)}" for text in found)


def outputs():
    """Return a table of the stack's outputs."""
    found = TEMPLATE["Outputs"].items()
    return table("| output | |", ((f"`{k}`", escaped(about["Description"])) for k, about in found))


def alarm(name):
    """Return a table of an alarm's metric and threshold."""
    about = ALARMS[name]
    rows = {
        "Metric": ", ".join(dict.fromkeys(metrics_of(about))),
        "Threshold": _threshold(about),
        "Sends an OK notification": "yes" if "OKActions" in about else "no",
    }
    return table("| | |", rows.items())


def _statistics(about):
    """Return what an alarm reads: of each metric its name, and the period in seconds."""
    found = [one["MetricStat"] for one in about.get("Metrics", ()) if "MetricStat" in one]
    return [{**one, **one["Metric"]} for one in found] or [about]


def metrics_of(about):
    """Return each metric that an alarm reads, repeated ones too: CloudWatch bills each."""
    return [f"`{one['Namespace']}` `{one['MetricName']}`" for one in _statistics(about)]


def _threshold(about):
    signs = {
        "GreaterThan": "more than",
        "GreaterThanOrEqualTo": "at least",
        "LessThan": "less than",
    }
    sign = signs[about["ComparisonOperator"].removesuffix("Threshold")]
    threshold, of = about["Threshold"], about["EvaluationPeriods"]
    value = f"`{threshold['Ref']}`" if isinstance(threshold, dict) else f"{threshold}"
    minutes = _statistics(about)[0]["Period"] // 60
    times = about.get("DatapointsToAlarm", of)
    how_often = f", in {times} of {of} such periods" if 1 < times < of else ""
    return f"{sign} {value} in {minutes} minutes{how_often}"


def event(file):
    """Return a payload of events/; if it came through a queue, the event in the message."""
    payload = json.loads((ROOT / "events" / f"{file}.json").read_text(encoding="utf-8"))
    inner = json.loads(payload["Records"][0]["body"]) if "Records" in payload else payload
    return f"```json\n{json.dumps(inner, indent=2, ensure_ascii=False)}\n```"


PARTS = {part.__name__: part for part in (commands, parameters, rules, outputs, alarm, event)}
"""The functions that generate parts; `alarm` and `event` take the word after the name."""


def stale():
    """Return the new text of each page with a stale part."""

    def made(found):
        of = [found["of"]] if found["of"] else []
        head = " ".join(["<!-- made:", found["part"], *of, "-->"])
        return f"{head}\n\n{PARTS[found['part']](*of)}\n\n<!-- end -->"

    anew = {page: _PART.sub(made, text) for page, text in TEXTS.items()}
    return {page: text for page, text in anew.items() if text != TEXTS[page]}


if __name__ == "__main__":
    for page, text in stale().items():
        page.write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: {name(page)}\n")
