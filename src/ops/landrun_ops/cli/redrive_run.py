"""One redrive from the beginning to the end, on the screen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from landrun.sanitize import one_line, printable
from landrun_ops.actions.invoke import invoke, patient_config
from landrun_ops.actions.redrive import Fired, Firing, Move, move
from landrun_ops.cli.console import ask, complain, counted, show_json, show_lines
from landrun_ops.cli.tables import shortened
from landrun_ops.stack.dead_letters import LOOKED_AT, Group, Letter, Letters, Why, grouped
from landrun_ops.stack.stack import Stack

SUBJECTS = 3
"""Keys, runs or ticks that are named of a group."""

SUBJECT_ROOM = 60
"""Characters of each, its end."""

QUEUES = {
    "landings": ("LandingDeadLetterQueue", "LandingQueue", "landing"),
    "schedule": ("ScheduleDeadLetterQueue", "", "tick"),
    "statuses": ("StatusDeadLetterQueue", "StatusQueue", "change of status"),
}
"""The stack's outputs of each queue and of its source, and what one of its letters is."""

FUNCTIONS = ("ScheduleFunction", "ReconcileFunction")

_NOTHING_SAID = "failed each time it was tried: the functions' log says why"
_COMPLETED = "COMPLETED"


def run_redrive(
    stack: Stack, queues: Sequence[str], *, dry_run: bool, yes: bool, json: bool
) -> int:
    """Say what is there, ask, and send it back; give the exit code.

    Raises
    ------
    ConfigurationError
        When nobody is there to be asked.
    ServiceError
        When AWS refuses a call or cannot be reached.
    """
    with counted("dead letters"):
        found = look(stack, queues)
    result: dict[str, Any] = {
        "dry_run": dry_run,
        "queues": {queue: _described(letters) for queue, letters in found.items()},
    }
    if not json:
        show_lines(line for queue in found for line in queue_lines(queue, found[queue]))
    there = {queue: letters for queue, letters in found.items() if letters}
    failures: list[str] = []
    if there and not dry_run:
        if not json:
            show_lines(coming_back(there))
        ask(question(there), yes=yes)
        for queue, letters in there.items():
            said, failed = _send_back(stack, queue, letters)
            result["queues"][queue] |= said
            failures += failed
            if not json:
                show_lines([_outcome(queue, said)])
    for failure in failures:
        complain(failure)
    if json:
        show_json(result)
    return 1 if failures else 0


def look(stack: Stack, queues: Sequence[str]) -> dict[str, list[Letter]]:
    """Look into the queues, all at once: each takes a second to be sure that it is empty.

    Raises
    ------
    ServiceError
        When SQS refuses a call or cannot be reached.
    """
    doors = [letters_of(stack, queue) for queue in queues]
    with ThreadPoolExecutor() as pool:
        return dict(zip(queues, pool.map(Letters.peek, doors), strict=True))


def letters_of(stack: Stack, queue: str) -> Letters:
    """Give the door to the dead letters of landings, statuses or the schedule."""
    return Letters(stack.client("sqs"), stack.output(f"{QUEUES[queue][0]}Url"))


def queue_lines(queue: str, letters: Sequence[Letter]) -> Iterator[str]:
    """Say what lies in a queue, and why.

    >>> print(*queue_lines("statuses", []))
    statuses: no dead letters
    """
    if not letters:
        yield f"{queue}: no dead letters"
        return
    more = " or more" if len(letters) >= LOOKED_AT else ""
    yield f"{queue}: {len(letters):,}{more} dead letter{'s' * (len(letters) != 1)}"
    for group in grouped(letters):
        yield f"{len(group.letters):>6,} {_because(group)}"
        yield f"       {_subjects(group.letters)}"


def question(there: Mapping[str, Sequence[Letter]]) -> str:
    """Ask whether to send back what is there.

    >>> question({"schedule": [Letter("1", "h", "{}")]})
    'Send 1 tick back?'
    """
    parts = [_counted(len(letters), QUEUES[queue][2]) for queue, letters in there.items()]
    return f"Send {', '.join(parts)} back?"


def coming_back(there: Mapping[str, Sequence[Letter]]) -> list[str]:
    """Say how many will be dead letters again; nothing when none will."""
    every = [letter for letters in there.values() for letter in letters]
    refused = sum(letter.why is Why.REFUSED for letter in every)
    return [f"{refused:,} refused will come back: no retry mends them"] if refused else []


def _counted(count: int, what: str) -> str:
    several = "changes of status" if what.startswith("change") else f"{what}s"
    return f"{count:,} {what if count == 1 else several}"


def _because(group: Group) -> str:
    reason = group.reason or _NOTHING_SAID
    words = {Why.REFUSED: "refused: ", Why.UNDELIVERED: "not delivered: "}
    return f"{words.get(group.why, '')}{reason}"


def _subjects(letters: Sequence[Letter]) -> str:
    named = list(dict.fromkeys(map(_subject, letters)))
    more = f", and {len(named) - SUBJECTS:,} more" if len(named) > SUBJECTS else ""
    return ", ".join(islice(named, SUBJECTS)) + more


def _subject(letter: Letter) -> str:
    """Say what a letter is about; what says nothing of that is shown, as far as there is room."""
    return shortened(letter.subject, SUBJECT_ROOM) or one_line(letter.body, SUBJECT_ROOM)


def _described(letters: Sequence[Letter]) -> dict[str, Any]:
    groups = [
        {
            "why": group.why.value,
            "reason": group.reason or _NOTHING_SAID,
            "count": len(group.letters),
            "subjects": [letter.subject for letter in group.letters],
        }
        for group in grouped(letters)
    ]
    return {"letters": len(letters), "complete": len(letters) < LOOKED_AT, "groups": groups}


def _send_back(
    stack: Stack, queue: str, letters: Sequence[Letter]
) -> tuple[dict[str, Any], list[str]]:
    """Send a queue's letters back; give what to say of it as JSON, and a line for each failure."""
    if queue == "schedule":
        return _fire(stack, letters)
    dead, source, _ = QUEUES[queue]
    arns = stack.output(f"{dead}Arn"), stack.output(f"{source}Arn")
    last = Move("", 0, 0)
    with counted(f"{queue} moved", len(letters)) as count:
        for last in move(stack.client("sqs"), *arns, time.sleep):
            count(last.moved)
    failed = [] if last.status == _COMPLETED else [f"{queue}: {_why(last)}; redrive again"]
    return {"status": last.status, "moved": last.moved}, failed


def _why(last: Move) -> str:
    reason = f", {printable(last.failure)}" if last.failure else ""
    return f"SQS moved {last.moved:,} and ended as {last.status}{reason}"


def _fire(stack: Stack, letters: Sequence[Letter]) -> tuple[dict[str, Any], list[str]]:
    client = stack.client("lambda", patient_config())
    names = {function: stack.output(function) for function in FUNCTIONS}
    firing = Firing(
        letters=letters_of(stack, "schedule"),
        functions={name: function for function, name in names.items()},
        schedule_arn=stack.output("ScheduleArn"),
        invoke=lambda function, payload: invoke(client, function, names[function], payload),
    )
    fired = Fired()
    with counted("ticks fired", len(letters)) as count:
        for fired in firing():
            count(fired.done + len(fired.failed))
    failed = [f"{letter.subject or 'a tick'}: {reason}" for letter, reason in fired.failed]
    status = "FAILED" if failed else _COMPLETED
    return {"status": status, "moved": fired.done, "failed": failed}, failed


def _outcome(queue: str, said: Mapping[str, Any]) -> str:
    done = "fired again" if queue == "schedule" else "sent back"
    return f"{queue}: {said['moved']:,} {done}"
