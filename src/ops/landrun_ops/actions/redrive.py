"""Dead letters back to where they came from: moved by SQS, or their function invoked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from landrun.adapters.clients import translated
from landrun.sanitize import one_line
from landrun_ops.actions.invoke import FunctionError
from landrun_ops.stack.dead_letters import Letter, Letters

RUNNING = frozenset({"RUNNING", "CANCELLING"})
"""Statuses of a move after which more will come (SQS, ListMessageMoveTasks)."""

HELD_SECONDS = 960
"""How long a tick's letter is held: longer than a function can run."""

Invoke = Callable[[str, dict[str, Any]], object]
"""Invokes a function of the template, by its name there, with a payload, and waits for it."""


@dataclass(frozen=True, slots=True)
class Move:
    """How far SQS has come with moving messages.

    Attributes
    ----------
    status : str
        SQS's: RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED.
    moved, of : int
        Messages, roughly.
    failure : str
        Why it failed, or an empty text.
    started : int
        When, in milliseconds since 1970: what tells moves apart.
    """

    status: str
    moved: int
    of: int
    failure: str = ""
    started: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more will be moved."""
        return self.status not in RUNNING


def move(
    client: Any,
    source_arn: str,
    destination_arn: str,
    sleep: Callable[[float], None],
    every: float = 1.0,
) -> Iterator[Move]:
    """Move all messages of a dead-letter queue; gives how far it is until it has ended.

    A move that is under way already is watched to its end instead: SQS does one at a time.

    Raises
    ------
    ServiceError
        When SQS refuses to, or cannot be reached.
    """
    before = newest_move(client, source_arn)
    if before is None or before.ended:
        with translated("sqs:StartMessageMoveTask"):
            client.start_message_move_task(SourceArn=source_arn, DestinationArn=destination_arn)
    else:
        before = None
    while True:
        now = newest_move(client, source_arn)
        if now and (before is None or now.started != before.started):
            yield now
            if now.ended:
                return
        sleep(every)


def newest_move(client: Any, source_arn: str) -> Move | None:
    """Say how far the newest move out of a queue is; None when there was none.

    Raises
    ------
    ServiceError
        When SQS refuses the call or cannot be reached.
    """
    with translated("sqs:ListMessageMoveTasks"):
        answer = client.list_message_move_tasks(SourceArn=source_arn, MaxResults=1)
    for task in answer.get("Results", ()):
        moved = int(task.get("ApproximateNumberOfMessagesMoved", 0))
        of = int(task.get("ApproximateNumberOfMessagesToMove", moved))
        started = int(task.get("StartedTimestamp", 0))
        return Move(task["Status"], moved, of, task.get("FailureReason", ""), started)
    return None


@dataclass
class Fired:
    """What became of ticks that were fired again.

    Attributes
    ----------
    done : int
        Letters whose function succeeded; they are deleted.
    failed : list of (Letter, str)
        Those whose function failed again, with why; they stay.
    """

    done: int = 0
    failed: list[tuple[Letter, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Firing:
    """Invokes again what failed.

    Attributes
    ----------
    letters : Letters
        The queue of ticks and sweeps that failed.
    functions : Mapping[str, str]
        The template's names of the functions by those that they have in the account.
    schedule_arn : str
        The schedule of ScheduleFunction.
    invoke : callable
        Invokes a function, by the template's name, with a payload, and waits for it.
    """

    letters: Letters
    functions: Mapping[str, str]
    schedule_arn: str
    invoke: Invoke

    def __call__(self) -> Iterator[Fired]:
        """Fire a letter at a time; gives how far it is after each.

        A sweep of ReconcileFunction finds all that is lost: one does for all that ask for one.

        Raises
        ------
        ServiceError
            When AWS refuses a call of another kind or cannot be reached.
        """
        fired, swept = Fired(), False
        try:
            while taken := self.letters.take(HELD_SECONDS, most=1):
                [letter] = taken
                if self._came_back(letter, fired):
                    return
                function = self.function_of(letter)
                sweep = function == "ReconcileFunction"
                why = "" if sweep and swept else self._tried(letter, function)
                if why:
                    fired.failed.append((letter, why))
                else:
                    swept |= sweep
                    self.letters.delete(letter)
                    fired.done += 1
                yield fired
        finally:
            self.letters.let_go([letter for letter, _ in fired.failed])

    @staticmethod
    def _came_back(letter: Letter, fired: Fired) -> bool:
        """Whether a letter that failed is seen again: then each has been tried; it is let go."""
        for place, (before, why) in enumerate(fired.failed):
            if before.id == letter.id:
                fired.failed[place] = (letter, why)
                return True
        return False

    def function_of(self, letter: Letter) -> str:
        """Say which function of the template a letter is for; empty when nobody can tell."""
        name = letter.function_arn.partition(":function:")[2].partition(":")[0]
        if name:
            return self.functions.get(name, "")
        if "ScheduledTime" not in letter.payload:
            return ""
        mine = letter.payload.get("ScheduleArn") == self.schedule_arn
        return "ScheduleFunction" if mine else "ReconcileFunction"

    def _tried(self, letter: Letter, function: str) -> str:
        """Invoke a letter's function; give why it failed, or an empty text."""
        if not function:
            return "it is for no function of this stack"
        try:
            self.invoke(function, letter.payload)
        except FunctionError as error:
            return one_line(str(error))
        return ""
