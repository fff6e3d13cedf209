"""``landrun doctor``: check a deployment, and say how to repair it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from landrun.sanitize import one_line
from landrun_ops.cli import options
from landrun_ops.cli.console import console, counted, say, show_json
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.checks import checks_of, run_checks
from landrun_ops.doctor.findings import Finding
from landrun_ops.units import count

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
LONGEST = 400
"""The most characters of a finding or a remedy that are shown."""


@on_stack
def doctor(
    target: Target,
    *,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show only findings that need action.")
    ] = False,
    json: options.JsonOption = False,
) -> int:
    """Check what makes deployments fail, and say how to repair it.

    Checks the account and the stack: events, functions, schedules, state machine, permissions,
    image, quotas, network, alarms, executions, and dead letters. Changes nothing. Names the parts
    that it may not read. Exits with 1 when a check failed.

    Example: landrun doctor --stack landrun
    """
    stack = target.find()
    checks = checks_of(stack)
    findings: list[Finding] = []
    with counted("checking", len(checks)) as progress:
        results = run_checks(checks, AwsReader(stack, datetime.now(UTC)))
        for number, found in enumerate(results, start=1):
            findings += found
            progress(number)
    counts = Counter(str(one.level) for one in findings)
    if json:
        levels = {level: counts[level] for level in STYLES}
        show_json({"stack": stack.name, "counts": levels, "checks": [*map(asdict, findings)]})
    else:
        seen = [one for one in findings if not quiet or one.remedy or one.level == "fail"]
        host = "the laptop" if stack.laptop else stack.region
        console().print(findings_table(f"stack {stack.name}, {host}", seen))
        if stack.laptop and any(one.remedy for one in seen):
            say("On the laptop, landrun local up, started again, restores what was deployed.")
        failures, warnings = count(counts["fail"], "failure"), count(counts["warn"], "warning")
        say(f"{failures}, {warnings}, {counts['ok']} ok, {counts['skip']} not checked")
    return 1 if counts["fail"] else 0


def findings_table(title: str, findings: Iterable[Finding]) -> Table:
    """Draw findings with their remedies."""
    table = Table(title=one_line(title), title_justify="left", show_header=False, box=None)
    for column in ("level", "check", "finding"):
        table.add_column(column, overflow="fold")
    for one in findings:
        text = Text(one_line(one.what, LONGEST))
        if one.remedy:
            text.append(f"\n→ {one_line(one.remedy, LONGEST)}", style="cyan")
        table.add_row(Text(one.level, style=STYLES[one.level]), one.check, text)
    return table
