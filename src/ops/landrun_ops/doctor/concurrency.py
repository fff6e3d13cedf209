"""The line of runs that wait for a turn: its table, its count, and that it moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from landrun.adapters.concurrency_table import COUNT
from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import PUT_BACK, Finding, fail, ok, skip, warn
from landrun_ops.durations import spelled
from landrun_ops.stack.waiting_executions import Line, Lines, bound_of, lines_of

AREA: Final = "the job"
PATIENCE: Final = timedelta(minutes=20)
"""How long places may be free while runs wait: reconcile comes by every 15 minutes."""

LOOKS: Final = 3
"""How often count and holders are compared, while turns change hands between two reads."""


def judge_line(line: Line, now: datetime) -> Finding:
    """Judge whether the line moves: nobody waits long where a place is free."""
    of = f" of {line.bound:,}" if line.bound else ""
    taken = f"{line.holding:,}{of} turns are taken"
    if not line.waiters:
        return ok(f"{taken}, and nobody waits")
    verb = "run waits" if len(line.waiters) == 1 else "runs wait"
    wait = f"{'at least ' if line.more else ''}{len(line.waiters):,} {verb}"
    if line.oldest:
        wait += f", the longest for {spelled((now - line.oldest).total_seconds())}"
    free = not line.bound or line.holding < line.bound
    if free and line.oldest and now - line.oldest > PATIENCE:
        why = f"only {taken}" if line.bound else "MaxConcurrentRuns is 0"
        return warn(
            f"{wait}, though {why}",
            "landrun reconcile lets them go on; if it does not, its log says why",
        )
    return ok(f"{taken}, and {wait}")


def judge_count(counted: int, holders: Sequence[str], table: str) -> Finding:
    """Judge whether as many turns are counted as there are runs that have one."""
    if counted == len(holders):
        return ok(f"{counted:,} turns are counted, and so many runs have one")
    key = json.dumps({"item_type": {"S": COUNT}, "name": {"S": COUNT}})
    value = json.dumps({":n": {"N": str(len(holders))}, ":was": {"N": str(counted)}})
    return fail(
        f"{counted:,} turns are counted, and {len(holders):,} runs have one: somebody changed the"
        " table by hand, or restored it",
        f"aws dynamodb update-item --table-name {table} --key '{key}' --update-expression"
        " 'SET slots_in_use = :n' --condition-expression 'slots_in_use = :was'"
        f" --expression-attribute-values '{value}'",
    )


def compared(read: Callable[[], tuple[int, list[str], int]]) -> tuple[int, list[str]] | None:
    """Read the count before and after the holders, until it stays; None when it never does."""
    for _ in range(LOOKS):
        before, holders, after = read()
        if before == after:
            return after, holders
    return None


def checks(sight: Sight, now: datetime) -> list[Check]:
    """Give the check of turns; none of a stack without their table: its version is told of."""
    if "ConcurrencyTable" not in sight.stack.outputs:
        return []
    return [Check(AREA, "turns", lambda: _turns(sight, now))]


def _turns(sight: Sight, now: datetime) -> list[Finding]:
    stack = sight.stack
    table = stack.output("ConcurrencyTable")
    try:
        status = sight.ask("dynamodb:DescribeTable", TableName=table)["Table"]["TableStatus"]
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        meaning = "runs cannot get their turn, and wait" if bound_of(stack) else "nothing uses it"
        return [fail(f"there is no table {table}: {meaning}", PUT_BACK)]
    lines = lines_of(stack)
    if lines is None or status not in ("ACTIVE", "UPDATING"):
        return [warn(f"the table {table} is {status}", "wait, and look again")]
    line = lines.look()
    if not line.bound and not line.waiters and not line.holding:
        return [ok("runs are not bounded (MaxConcurrentRuns is 0), and none waits its turn")]
    return [judge_line(line, now), _counted(lines, table)]


def _counted(lines: Lines, table: str) -> Finding:
    found = compared(lambda: (lines.counted(), lines.holders(), lines.counted()))
    if found is None:
        return skip("turns change hands faster than they can be counted")
    return judge_count(*found, table)
