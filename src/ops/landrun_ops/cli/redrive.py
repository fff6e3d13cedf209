"""``landrun redrive``: dead-letter messages, why they are there, and back to their source."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
from landrun_ops.actions.invoke import invoke, patient_config
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, counted, note, say, show_json, stoppable
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.stack.dead_letters import MOST_READ, DeadLetterQueue, Why, grouped
from landrun_ops.stack.stack import Stack
from landrun_ops.units import count

Found = dict["Queue", dict[str, Any]]
"""What lies in queues, as JSON."""

SUBJECTS = 3
"""Keys, runs or ticks that are named of a group."""


class Queue(StrEnum):
    """Whose dead-letter messages, as the command line names them."""

    LANDINGS = "landings"
    SCHEDULE = "schedule"
    STATUSES = "statuses"


OUTPUTS = {
    Queue.LANDINGS: ("LandingDeadLetterQueue", "LandingQueue", "landing"),
    Queue.SCHEDULE: ("ScheduleDeadLetterQueue", "", "scheduled call"),
    Queue.STATUSES: ("StatusDeadLetterQueue", "StatusQueue", "status change"),
}
"""The stack's outputs of a queue and of its source, and what one of its messages is."""


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
    queues = {
        name: DeadLetterQueue(stack.client("sqs"), stack.output(f"{OUTPUTS[name][0]}Url"))
        for name in queue or Queue
    }
    with stoppable():
        with counted("dead-letter messages"), ThreadPoolExecutor() as pool:
            found = dict(zip(queues, pool.map(look, queues.values()), strict=True))
        if not json:
            show(found)
        if discard and not dry_run:
            discard_refused(queues, found, yes=yes)
        elif not dry_run:
            send_back(stack, queues, found, yes=yes)
    if json:
        show_json({"dry_run": dry_run, "queues": found})
    failures = [f"{name}: {why}" for name, one in found.items() for why in one.get("failed", ())]
    for failure in failures:
        complain(f"{failure}; run it again")
    return 1 if failures else 0


def look(queue: DeadLetterQueue) -> dict[str, Any]:
    """Return what lies in a queue, and why, as JSON."""
    in_flight = queue.in_flight()  # before the look, which would count itself
    messages = queue.peek()
    groups = [
        {
            "why": group.why,
            "reason": group.reason,
            "count": len(group.messages),
            "subjects": [one.subject or one_line(one.body, 60) for one in group.messages],
        }
        for group in grouped(messages)
    ]
    return {
        "messages": len(messages),
        "refused": sum(one.why is Why.REFUSED for one in messages),
        "in_flight": in_flight,
        "complete": len(messages) < MOST_READ and not in_flight,
        "groups": groups,
    }


def show(found: Found) -> None:
    """Print what lies in queues, and why."""
    for name, one in found.items():
        there = (
            count(one["messages"], "dead-letter message")
            if one["messages"]
            else "no dead-letter messages"
        )
        say(f"{name}: {there}{' or more' if one['messages'] >= MOST_READ else ''}")
        for group in one["groups"]:
            subjects = group["subjects"]
            more = f", and {len(subjects) - SUBJECTS:,} more" if len(subjects) > SUBJECTS else ""
            say(f"{group['count']:>6,} {group['why']}: {group['reason']}")
            say(f"       {', '.join(subjects[:SUBJECTS])}{more}")
        if one["in_flight"]:
            again = "somebody has received them: run it again once they are back"
            say(f"{one['in_flight']:>6,} in flight: {again}")
        if one["refused"]:
            say(f"{one['refused']:>6,} refused: they come back, unless the cause is corrected;")
            say("       landrun redrive --discard saves them to a file, and deletes them")


def discard_refused(queues: Mapping[Queue, DeadLetterQueue], found: Found, *, yes: bool) -> None:
    """Save refused messages to a file and delete them; add the outcome to what was found."""
    refused = sum(one["refused"] for one in found.values())
    if not refused:
        return
    path = Path(f"landrun-refused-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl").absolute()
    ask(f"Save {refused:,} refused to {path}, and delete them?", yes=yes)
    for name, outcome in action.discard(queues, path).items():
        found[name] |= {**asdict(outcome), "file": str(path)}
        note(f"{name}: {outcome.done:,} deleted, and saved to {path}")


def send_back(
    stack: Stack, queues: Mapping[Queue, DeadLetterQueue], found: Found, *, yes: bool
) -> None:
    """Send messages back; add the outcome to what was found."""
    there = {name: one["messages"] for name, one in found.items() if one["messages"]}
    if there:
        what = ", ".join(count(number, OUTPUTS[name][2]) for name, number in there.items())
        ask(f"Send {what} back?", yes=yes)
    for name, number in there.items():
        outcome = action.Outcome()
        with counted(f"{name} sent back", number) as progress:
            for outcome in sending(stack, name, queues[name]):
                progress(outcome.done)
        found[name] |= asdict(outcome)
        note(f"{name}: {outcome.done:,} sent back")


def sending(stack: Stack, name: Queue, queue: DeadLetterQueue) -> Iterator[action.Outcome]:
    """Begin to send a queue's messages back."""
    dead, source, _ = OUTPUTS[name]
    if source:
        arns = stack.output(f"{dead}Arn"), stack.output(f"{source}Arn")
        return action.move(stack.client("sqs"), *arns, time.sleep)
    client = stack.client("lambda", patient_config())
    names = {one: stack.output(one) for one in ("ScheduleFunction", "ReconcileFunction")}
    return action.call_again(
        queue,
        {name: function for function, name in names.items()},
        stack.output("ScheduleArn"),
        lambda function, payload: invoke(client, function, names[function], payload),
    )
