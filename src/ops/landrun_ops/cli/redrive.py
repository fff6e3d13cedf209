"""``landrun redrive``: dead-letter messages, why they are there, and back to their source."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.errors import ConfigurationError
from landrun.sanitize import one_line, printable, shown
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, counted, say, show_json, show_lines, stoppable
from landrun_ops.cli.target import Target, on_stack

if TYPE_CHECKING:
    from landrun_ops.stack.dead_letters import DeadLetter, DeadLetterQueue
    from landrun_ops.stack.stack import Stack

SUBJECTS = 3
"""Keys, runs or ticks that are named of a group."""

SUBJECT_WIDTH = 60
"""Characters of each; of a longer one the end, which tells keys apart."""

FUNCTIONS = ("ScheduleFunction", "ReconcileFunction")


class Queue(StrEnum):
    """Whose dead-letter messages, as the command line names them."""

    LANDINGS = "landings"
    SCHEDULE = "schedule"
    STATUSES = "statuses"


OUTPUTS = {
    Queue.LANDINGS: ("LandingDeadLetterQueue", "LandingQueue", "landing"),
    Queue.SCHEDULE: ("ScheduleDeadLetterQueue", "", "call of the schedule"),
    Queue.STATUSES: ("StatusDeadLetterQueue", "StatusQueue", "status change"),
}
"""The stack's outputs of a queue and of its source, and what one of its messages is."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in a dead-letter queue.

    Attributes
    ----------
    messages : list of DeadLetter
        The visible ones, `dead_letters.MOST_READ` at most.
    in_flight : int
        About how many somebody else had received before the look.
    """

    messages: list[DeadLetter]
    in_flight: int = 0


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
        typer.Option("--discard", help="Save refused messages to a file, then delete them."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="That file. Default: landrun-refused-TIME.jsonl in this folder.",
            show_default=False,
        ),
    ] = None,
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
    if out and not discard:
        raise ConfigurationError("--out is about --discard: give both")
    stack = target.find()
    command = _Command(stack, list(queue or Queue), yes=yes, json=json)
    with stoppable():
        if discard:
            return command.discard(out, dry_run=dry_run)
        return command.send_back(dry_run=dry_run)


class _Command:
    def __init__(self, stack: Stack, queues: Sequence[Queue], *, yes: bool, json: bool) -> None:
        self._stack, self._yes, self._json = stack, yes, json
        with counted("dead-letter messages"):
            self.found = look(stack, queues)
        self._say(line for queue in self.found for line in queue_lines(queue, self.found[queue]))

    def send_back(self, *, dry_run: bool) -> int:
        there = {queue: one.messages for queue, one in self.found.items() if one.messages}
        result = {queue.value: described(one) for queue, one in self.found.items()}
        failures: list[str] = []
        if refused := _refused(there):
            self._say(
                [
                    f"{refused:,} refused: they come back, unless what was refused is corrected",
                    "  landrun redrive --discard saves them to a file, and deletes them",
                ]
            )
        if there and not dry_run:
            ask(question(there), yes=self._yes)
            for queue, messages in there.items():
                said, failed = _send_back(self._stack, queue, messages)
                result[queue.value] |= said
                failures += failed
                done = "repeated" if queue is Queue.SCHEDULE else "sent back"
                self._say([f"{queue.value}: {said['moved']:,} {done}"])
        return self._end({"dry_run": dry_run, "queues": result}, failures)

    def discard(self, out: Path | None, *, dry_run: bool) -> int:
        from landrun_ops.actions.redrive import discard  # noqa: PLC0415

        result = {queue.value: described(one) for queue, one in self.found.items()}
        there = {queue: one.messages for queue, one in self.found.items()}
        answer: dict[str, Any] = {"dry_run": dry_run, "queues": result, "file": None}
        failures: list[str] = []
        refused = _refused(there)
        if not refused:
            self._say(["no message was refused: there is nothing to discard"])
        elif not dry_run:
            path = out or Path(f"landrun-refused-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
            ask(f"Save {refused:,} refused to {path}, and delete them?", yes=self._yes)
            queues = {queue.value: queue_of(self._stack, queue) for queue in there}
            deleted = discard(queues, path.absolute())
            for name, count in deleted.items():
                result[name]["discarded"] = count
            answer["file"] = str(path.absolute())
            total = sum(deleted.values())
            if not self._json:
                say(f"{total:,} deleted, and saved to {path.absolute()}")
            if total < refused:
                failures = [f"{refused - total:,} refused are still there: run it again"]
            elif not all(one["complete"] for one in result.values()):
                self._say(["there may be more: run it again"])
        return self._end(answer, failures)

    def _say(self, lines: Iterable[str]) -> None:
        if not self._json:
            show_lines(lines)

    def _end(self, result: dict[str, Any], failures: Sequence[str]) -> int:
        for failure in failures:
            complain(failure)
        if self._json:
            show_json(result)
        return 1 if failures else 0


def look(stack: Stack, queues: Sequence[Queue]) -> dict[Queue, Contents]:
    """Look into queues, all at once: each takes a second to be sure that it is empty.

    Raises
    ------
    ServiceError
        When SQS refuses a call or cannot be reached.
    """

    def contents(queue: DeadLetterQueue) -> Contents:
        in_flight = queue.in_flight()  # before the look, which would count itself
        return Contents(queue.peek(), in_flight)

    with ThreadPoolExecutor() as pool:
        found = pool.map(contents, [queue_of(stack, queue) for queue in queues])
        return dict(zip(queues, found, strict=True))


def queue_of(stack: Stack, queue: Queue) -> DeadLetterQueue:
    """Return a stack's dead-letter queue."""
    from landrun_ops.stack.dead_letters import DeadLetterQueue  # noqa: PLC0415

    return DeadLetterQueue(stack.client("sqs"), stack.output(f"{OUTPUTS[queue][0]}Url"))


def queue_lines(queue: Queue, found: Contents) -> Iterator[str]:
    r"""Say what lies in a queue, and why.

    >>> print(*queue_lines(Queue.STATUSES, Contents([], 2)), sep="\n")
    statuses: no dead-letter messages, but 2 in flight
      somebody has received them: run it again once they are back
    """
    from landrun_ops.stack.dead_letters import MOST_READ, grouped  # noqa: PLC0415

    messages, in_flight = found.messages, found.in_flight
    several = "or more " if len(messages) >= MOST_READ else ""
    count = f"{len(messages):,} {several}" if messages else "no "
    ending = "" if len(messages) == 1 else "s"
    flying = f", {'and' if messages else 'but'} {in_flight:,} in flight" if in_flight else ""
    yield f"{queue.value}: {count}dead-letter message{ending}{flying}"
    for group in grouped(messages):
        words = {"refused": "refused: ", "undelivered": "not delivered: "}
        yield f"{len(group.messages):>6,} {words.get(group.why.value, '')}{group.reason}"
        yield f"       {_subjects(group.messages)}"
    if in_flight:
        yield "  somebody has received them: run it again once they are back"


def question(there: Mapping[Queue, Sequence[DeadLetter]]) -> str:
    """Ask whether to send back what is there."""
    counts = ((len(messages), OUTPUTS[queue][2]) for queue, messages in there.items())
    parts = [f"{count:,} {what if count == 1 else _plural(what)}" for count, what in counts]
    return f"Send {', '.join(parts)} back?"


def _plural(what: str) -> str:
    return what.replace("call", "calls") if what.startswith("call") else f"{what}s"


def _refused(there: Mapping[Queue, Sequence[DeadLetter]]) -> int:
    return sum(one.why.value == "refused" for inside in there.values() for one in inside)


def _subjects(messages: Sequence[DeadLetter]) -> str:
    named = list(dict.fromkeys(map(_subject, messages)))
    more = f", and {len(named) - SUBJECTS:,} more" if len(named) > SUBJECTS else ""
    return ", ".join(islice(named, SUBJECTS)) + more


def _subject(message: DeadLetter) -> str:
    """Say what a message is about or, if it does not say, how it begins."""
    subject = message.subject
    if len(subject) > SUBJECT_WIDTH:
        return f"…{subject[1 - SUBJECT_WIDTH :]}"
    return subject or one_line(message.body, SUBJECT_WIDTH)


def described(found: Contents) -> dict[str, Any]:
    """Return what lies in a queue as JSON."""
    from landrun_ops.stack.dead_letters import MOST_READ, grouped  # noqa: PLC0415

    groups = [
        {
            "why": group.why.value,
            "reason": group.reason,
            "count": len(group.messages),
            "subjects": [one.subject for one in group.messages],
        }
        for group in grouped(found.messages)
    ]
    complete = len(found.messages) < MOST_READ and not found.in_flight
    return {
        "messages": len(found.messages),
        "in_flight": found.in_flight,
        "complete": complete,
        "groups": groups,
    }


def _send_back(
    stack: Stack, queue: Queue, messages: Sequence[DeadLetter]
) -> tuple[dict[str, Any], list[str]]:
    """Send a queue's messages back; return what to say as JSON, and a line for each failure."""
    if queue is Queue.SCHEDULE:
        return _refire(stack, messages)
    from landrun_ops.actions.redrive import Move, move  # noqa: PLC0415

    dead, source, _ = OUTPUTS[queue]
    arns = stack.output(f"{dead}Arn"), stack.output(f"{source}Arn")
    last = Move("", 0)
    with counted(f"{queue.value} moved", len(messages)) as count:
        for last in move(stack.client("sqs"), *arns, time.sleep):
            count(last.moved)
    failed = []
    if last.status != "COMPLETED":
        reason = f", {printable(last.failure)}" if last.failure else ""
        ended = f"SQS moved {last.moved:,} and ended as {last.status}{reason}"
        failed = [f"{queue.value}: {ended}; redrive again"]
    return {"status": last.status, "moved": last.moved}, failed


def _refire(stack: Stack, messages: Sequence[DeadLetter]) -> tuple[dict[str, Any], list[str]]:
    from landrun_ops.actions.invoke import invoke, patient_config  # noqa: PLC0415
    from landrun_ops.actions.redrive import Refired, Refiring  # noqa: PLC0415

    client = stack.client("lambda", patient_config())
    names = {function: stack.output(function) for function in FUNCTIONS}
    refiring = Refiring(
        queue=queue_of(stack, Queue.SCHEDULE),
        functions={name: function for function, name in names.items()},
        schedule_arn=stack.output("ScheduleArn"),
        invoke=lambda function, payload: invoke(client, function, names[function], payload),
    )
    last = Refired()
    with counted("calls repeated", len(messages)) as count:
        for last in refiring():
            count(last.done + len(last.failed))
    failed = [f"{message.subject or 'a message'}: {why}" for message, why in last.failed]
    status = "FAILED" if failed else "COMPLETED"
    return {"status": status, "moved": last.done, "failed": failed}, failed
