"""Executions that wait for a concurrency slot: that they go on, and that the count is right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from landrun.adapters.concurrency_table import COUNT
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.checks import check, own_state_machine
from landrun_ops.doctor.findings import Finding, fail, ok, warn
from landrun_ops.durations import spelled
from landrun_ops.stack.waiting_executions import Line, lines_of

PATIENCE: Final = timedelta(minutes=20)
"""How long slots may be free while executions wait: reconcile runs every 15 minutes."""

READS: Final = 3
"""How often count and holders are compared while slots change hands between two reads."""


@check("the job", "concurrency", when=own_state_machine)
def concurrency(aws: StackReader) -> Iterator[Finding]:
    """Waiting executions get free slots, and as many slots are counted as are held."""
    table = aws.output("ConcurrencyTable")
    lines = lines_of(aws.stack)
    assert lines  # noqa: S101 - the table is there
    line = lines.look()
    yield judge_waiting(line, aws.now)
    for _ in range(READS):
        before, holders, after = lines.counted(), lines.holders(), lines.counted()
        if before == after:
            yield from judge_count(after, holders, table)
            return


def judge_waiting(line: Line, now: datetime) -> Finding:
    """Judge whether executions wait although slots are free."""
    held = f"{line.holding:,}{f' of {line.bound:,}' if line.bound else ''} slots are in use"
    if not line.waiters:
        return ok(f"{held}, and no execution waits")
    wait = f"{'at least ' if line.more else ''}{len(line.waiters):,} waiting"
    waited = now - line.oldest if line.oldest else timedelta()
    if waited:
        wait += f", the longest for {spelled(waited.total_seconds())}"
    if waited > PATIENCE and (not line.bound or line.holding < line.bound):
        return warn(
            f"{held}, but {wait}", "landrun reconcile resumes them, or its log says why not"
        )
    return ok(f"{held}, {wait}")


def judge_count(counted: int, holders: Sequence[str], table: str) -> Iterator[Finding]:
    """Judge whether as many slots are counted as executions hold."""
    if counted == len(holders):
        return
    key = json.dumps({"item_type": {"S": COUNT}, "name": {"S": COUNT}})
    values = json.dumps({":n": {"N": str(len(holders))}, ":was": {"N": str(counted)}})
    yield fail(
        f"{counted:,} slots are counted, and {len(holders):,} are held: the table was changed by"
        " hand, or restored",
        f"aws dynamodb update-item --table-name {table} --key '{key}' --update-expression"
        " 'SET slots_in_use = :n' --condition-expression 'slots_in_use = :was'"
        f" --expression-attribute-values '{values}'",
    )
