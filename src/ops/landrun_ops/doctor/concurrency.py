"""Executions that wait for a concurrency slot: that they go on, and that the count is right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from landrun.adapters.concurrency_table import COUNT
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import Finding, fail, ok, warn
from landrun_ops.stack.waiting_executions import ConcurrencySlots, SlotUsage, max_concurrent_runs
from landrun_ops.units import spelled

PATIENCE: Final = timedelta(minutes=20)
"""How long slots may be free while executions wait: reconcile runs every 15 minutes."""

READS: Final = 3
"""How often count and holders are compared while slots change hands between two reads."""


def concurrency(aws: StackReader) -> Iterator[Finding]:
    """Waiting executions get free slots, and as many slots are counted as are held."""
    table = aws.output("ConcurrencyTable")
    slots = ConcurrencySlots(aws.client("dynamodb"), table, max_concurrent_runs(aws.stack))
    yield judge_waiting(slots.usage(), aws.now)
    for _ in range(READS):
        before, holders, after = slots.count(), slots.holders(), slots.count()
        if before == after:
            yield from judge_count(after, holders, table)
            return


def judge_waiting(usage: SlotUsage, now: datetime) -> Finding:
    """Judge whether executions wait although slots are free."""
    limit = f" of {usage.limit:,}" if usage.limit else ""
    held = f"{usage.in_use:,}{limit} slots are in use"
    if usage.oldest_request is None:
        return ok(f"{held}, and no execution waits")
    waited = now - usage.oldest_request
    wait = (
        f"{'at least ' if usage.more else ''}{len(usage.waiting):,} waiting, the longest for"
        f" {spelled(waited.total_seconds())}"
    )
    if waited > PATIENCE and (not usage.limit or usage.in_use < usage.limit):
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
