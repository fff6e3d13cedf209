"""Task tokens: which are waited for, and what SendTaskSuccess and SendTaskFailure answer.

moto's engine forgets the tokens of an execution with the execution, calls each of them invalid
then, and takes a second answer for the same token as if nobody had given the first. Step Functions
answers ``TaskTimedOut`` for a token that is closed ("has either expired or the task associated with
the token has already been closed": API reference, SendTaskSuccess), and ``InvalidOutput`` for what
is no JSON.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from moto.core.exceptions import AWSError
from moto.core.responses import EmptyResult
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches

_POLL: Final = 0.1
"""Seconds between two looks at whether whoever waits still runs."""


class TaskTimedOut(AWSError):  # type: ignore[misc]
    """The token is closed: it was answered, or nobody waits for it any more."""

    TYPE = "TaskTimedOut"

    def __init__(self) -> None:
        super().__init__("Task Timed Out: 'Provided task does not exist anymore'")


class InvalidOutput(AWSError):  # type: ignore[misc]
    """A task's output is no JSON."""

    TYPE = "InvalidOutput"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Output: '{reason}'")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task is said to have come to: its output or, where there is an error, that."""

    output: Any = None
    error: str | None = None
    cause: str | None = None
    failed: bool = False


@dataclass(slots=True)
class _Waiting:
    """A task that waits for its token to come back."""

    machine: str
    told: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None
    closed: bool = False


class Tokens:
    """All task tokens of the laptop's Step Functions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, _Waiting] = {}

    def __contains__(self, token: str) -> bool:
        """Whether it was ever given out."""
        return token in self._all

    def machine(self, token: str) -> str:
        """Give the ARN of the state machine that a token belongs to; ``*`` for any other text."""
        found = self._all.get(token)
        return found.machine if found else "*"

    def open(self, token: str, machine: str) -> None:
        """Give out a token; it can be answered from now on, before anybody waits for it."""
        with self._lock:
            self._all[token] = _Waiting(machine)

    def answer(self, token: str, answer: Answer) -> None:
        """Answer a token that was given out: the first answer closes it.

        Raises
        ------
        TaskTimedOut
            When it is closed.
        """
        waiting = self._all[token]
        with self._lock:
            if waiting.closed:
                raise TaskTimedOut
            waiting.closed, waiting.answer = True, answer
        waiting.told.set()

    def wait(self, token: str, still: Callable[[], bool]) -> Answer | None:
        """Wait for the answer for as long as ``still`` says so; None when there came none."""
        waiting = self._all[token]
        while still() and not waiting.told.wait(_POLL):
            pass
        with self._lock:
            waiting.closed = True
            return waiting.answer


TOKENS: Final = Tokens()
"""Of this process, as moto keeps its own state; tokens are uuids, and never come again."""


def adapt(patches: Patches) -> None:
    """Let the API answer for tokens that were given out here; moto answers for others."""
    success, failure = (
        StepFunctionResponse.send_task_success,
        StepFunctionResponse.send_task_failure,
    )

    def send_task_success(self: Any) -> EmptyResult:
        token = str(self._get_param("taskToken"))
        output = _parsed(self._get_param("output"))
        if token not in TOKENS:
            return success(self)
        TOKENS.answer(token, Answer(output))
        return EmptyResult()

    def send_task_failure(self: Any) -> EmptyResult:
        token = str(self._get_param("taskToken"))
        if token not in TOKENS:
            return failure(self)
        error, cause = self._get_param("error"), self._get_param("cause")
        TOKENS.answer(token, Answer(error=error, cause=cause, failed=True))
        return EmptyResult()

    patches.set(StepFunctionResponse, "send_task_success", send_task_success)
    patches.set(StepFunctionResponse, "send_task_failure", send_task_failure)


def _parsed(output: Any) -> Any:
    try:
        return json.loads(output or "")
    except ValueError as error:
        raise InvalidOutput(str(error)) from error
