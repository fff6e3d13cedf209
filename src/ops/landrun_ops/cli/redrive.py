"""``landrun redrive``: dead-letter messages, why they are there, and back to their source."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import one_line, shown
from landrun_ops.actions import redrive as action
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, counted, note, say, show_json, stoppable
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.dead_letters import MOST_READ, DeadLetterQueue, Why, grouped
from landrun_ops.stack.stack import Stack
from landrun_ops.units import count


class Queue(StrEnum):
    """Whose dead-letter messages, as the command line names them."""

    LANDINGS = "landings"
    SCHEDULE = "schedule"
    STATUSES = "statuses"


OUTPUTS = {Queue.LANDINGS: "Landing", Queue.SCHEDULE: "Schedule", Queue.STATUSES: "Status"}
"""How the names of the stack's outputs about a queue begin."""


@on_stack
def redrive(
    target: Target,
    runs: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    *,
    queue: Annotated[
        list[Queue] | None,
        typer.Option("--queue", help="Only this dead-letter queue; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is there and why; change nothing.")
    ] = False,
    discard: Annotated[
        bool,
        typer.Option(
            "--discard", help="Save refused messages to a file in this folder, then delete them."
        ),
    ] = False,
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> int:
    """Say what lies in the dead-letter queues and why, and send it back.

    Correct the cause first. Landings and status changes go back to their queues; failed calls of
    the schedule are repeated. A refused message comes back, unless what it was refused for has been
    corrected: --discard saves such messages, a JSON object a line, and deletes them. Exits with 1
    when something could not be sent back or deleted, or failed again.

    Example: landrun redrive --dry-run
    """
    if runs:
        run = shown(runs[0])
        raise ConfigurationError(
            f"redrive sends dead-letter messages back, and takes no run: landrun rerun {run} runs"
            f" its input again, and landrun show {run} says whether its execution can be resumed"
        )
    stack = target.find()
    urls = {name: stack.output(f"{OUTPUTS[name]}DeadLetterQueueUrl") for name in queue or Queue}
    queues = {name: DeadLetterQueue(stack.client("sqs"), url) for name, url in urls.items()}
    with stoppable():
        with counted("dead-letter messages"), ThreadPoolExecutor() as pool:
            found = dict(zip(queues, pool.map(_look, queues.values()), strict=True))
        if not json:
            _show(found)
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
    """Return what lies in a queue, and why, as JSON."""
    in_flight = queue.in_flight()  # before the look, which would count itself
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
    return {
        "messages": len(messages),
        "refused": sum(one.why is Why.REFUSED for one in messages),
        "in_flight": in_flight,
        "groups": groups,
    }


def _show(found: dict[Queue, Any]) -> None:
    for name, one in found.items():
        more = " or more" if one["messages"] >= MOST_READ else ""
        say(f"{name}: {count(one['messages'], 'dead-letter message')}{more}")
        for group in one["groups"]:
            say(f"{group['count']:>6,} {group['why']}: {group['reason']}")
            say(f"       {one_line(', '.join(group['subjects']), 200)}")
        if one["in_flight"]:
            again = "somebody has received them: run it again once they are back"
            say(f"{one['in_flight']:>6,} in flight: {again}")
        if one["refused"]:
            say(f"{one['refused']:>6,} refused: they come back, unless the cause is corrected;")
            say("       landrun redrive --discard saves them to a file, and deletes them")


def _discard(queues: dict[Queue, DeadLetterQueue], found: dict[Queue, Any], *, yes: bool) -> None:
    """Save refused messages, a file for each queue, and delete them; add the outcome to found."""
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
    """Send messages back; add the outcome to what was found."""
    there = {name: one["messages"] for name, one in found.items() if one["messages"]}
    if there:
        numbers = ", ".join(f"{number:,} of {name}" for name, number in there.items())
        ask(f"Send back {numbers}?", yes=yes)
    for name, number in there.items():
        outcome = action.Outcome()
        if name is Queue.SCHEDULE:
            sending = action.call_again(stack, queues[name])
        else:
            sending = action.move(stack, OUTPUTS[name], time.sleep)
        with counted(f"{name} sent back", number) as progress:
            for outcome in sending:
                progress(outcome.done)
        found[name] |= asdict(outcome)
        note(f"{name}: {outcome.done:,} sent back")
