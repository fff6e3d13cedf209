"""``landrun redrive``: show dead-letter messages and why they are there, and send them back."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from landrun.sanitize import one_line
from landrun_ops.actions import redrive as action
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, counted, note, say, show_json, stoppable
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.dead_letters import MOST_READ, DeadLetterQueue, Why, grouped
from landrun_ops.stack.stack import Stack
from landrun_ops.units import count

Queue = StrEnum("Queue", ["landings", "schedule", "statuses"])
OUTPUTS = {Queue.landings: "Landing", Queue.schedule: "Schedule", Queue.statuses: "Status"}
"""The prefix of the stack's outputs about each queue."""


@on_stack
def redrive(
    target: Target,
    *,
    queue: Annotated[
        list[Queue] | None, options.flag("Only this dead-letter queue; repeatable.", "--queue")
    ] = None,
    dry_run: Annotated[
        bool, options.flag("Only show the messages and why they are there.", "--dry-run")
    ] = False,
    discard: Annotated[
        bool,
        options.flag("Save refused messages to a file, then delete them.", "--discard"),
    ] = False,
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> int:
    """Show the messages of the dead-letter queues and why they are there, and send them back.

    Correct the cause first. Landings and status changes go back to their queues; failed
    invocations by the schedule are repeated. A refused message is refused again until its cause
    is corrected; --discard saves such messages to a file, one JSON object per line, and deletes
    them. Exits with 1 when a message could not be sent back or deleted, or failed again.

    Example: landrun redrive --dry-run
    """
    stack = target.find()
    urls = {name: stack.output(f"{OUTPUTS[name]}DeadLetterQueueUrl") for name in queue or Queue}
    queues = {name: DeadLetterQueue(stack.client("sqs"), url) for name, url in urls.items()}
    with stoppable():
        with counted("dead-letter messages"), ThreadPoolExecutor() as pool:
            found = dict(zip(queues, pool.map(_look, queues.values()), strict=True))
        for name, one in found.items() if not json else ():
            _show(name, one)
        if discard and not dry_run:
            _discard(queues, found, yes=yes)
        elif not dry_run:
            _send_back(stack, queues, found, yes=yes)
    if json:
        show_json({"dry_run": dry_run, "queues": found})
    failures = [f"{name}: {why}" for name, one in found.items() for why in one.get("failed", ())]
    for failure in failures:
        complain(f"{failure}; run it again")
    return 1 if failures else 0


def _look(queue: DeadLetterQueue) -> dict[str, Any]:
    """Return a queue's messages, grouped by why they are there, as JSON."""
    in_flight = queue.in_flight()  # before reading, which puts messages in flight
    messages = queue.peek()
    groups = [
        {
            "why": group.why,
            "reason": group.reason,
            "count": len(group.messages),
            "subjects": [one.subject for one in group.messages],
        }
        for group in grouped(messages)
    ]
    refused = sum(one.why is Why.REFUSED for one in messages)
    return {
        "messages": len(messages),
        "refused": refused,
        "in_flight": in_flight,
        "groups": groups,
    }


def _show(name: Queue, found: dict[str, Any]) -> None:
    more = " or more" if found["messages"] >= MOST_READ else ""
    say(f"{name}: {count(found['messages'], 'dead-letter message')}{more}")
    for group in found["groups"]:
        say(f"{group['count']:>6,} {group['why']}: {group['reason']}")
        say(f"       {one_line(', '.join(group['subjects']), 200)}")
    if found["in_flight"]:
        say(f"{found['in_flight']:>6,} in flight: run it again once they are back")
    if found["refused"]:
        say("       refused messages come back, unless the cause is corrected;")
        say("       landrun redrive --discard saves them to a file, and deletes them")


def _discard(queues: dict[Queue, DeadLetterQueue], found: dict[Queue, Any], *, yes: bool) -> None:
    """Save refused messages to one file per queue and delete them; add the outcome to ``found``."""
    refused = {name: one["refused"] for name, one in found.items() if one["refused"]}
    if not refused:
        note("no message was refused: there is nothing to discard")
        return
    ask(f"Save {sum(refused.values()):,} refused to a file, and delete them?", yes=yes)
    for name in refused:
        path = Path(f"landrun-refused-{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl").absolute()
        outcome = action.discard(queues[name], path)
        found[name] |= {**asdict(outcome), "file": str(path)}
        note(f"{name}: {outcome.done:,} deleted, and saved to {path}")


def _send_back(
    stack: Stack, queues: dict[Queue, DeadLetterQueue], found: dict[Queue, Any], *, yes: bool
) -> None:
    """Send messages back to their source; add the outcome to ``found``."""
    there = {name: one["messages"] for name, one in found.items() if one["messages"]}
    if there:
        numbers = ", ".join(f"{number:,} of {name}" for name, number in there.items())
        ask(f"Send back {numbers}?", yes=yes)
    for name, number in there.items():
        sending = (
            action.call_again(stack, queues[name])
            if name is Queue.schedule
            else action.move(stack, OUTPUTS[name], time.sleep)
        )
        outcome = action.Outcome()
        with counted(f"{name} sent back", number) as progress:
            for outcome in sending:
                progress(outcome.done)
        found[name] |= asdict(outcome)
        note(f"{name}: {outcome.done:,} sent back")
