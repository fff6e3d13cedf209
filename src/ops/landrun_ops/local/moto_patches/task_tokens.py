"""``sqs:sendMessage.waitForTaskToken``, whose wait ends with its execution, and its tokens.

In moto a task that waits for its token keeps a stopped execution RUNNING, and asks with the same
token again when it is retried. moto also forgets the tokens of an execution that has ended, and
lets a second answer replace the first; Step Functions answers ``TaskTimedOut`` to both.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, Final

from moto.core.exceptions import AWSError
from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sqs import (  # noqa: E501
    StateTaskServiceSqs,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeFailureError,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches

_POLL_SECONDS: Final = 0.1


class TaskTimedOut(AWSError):  # type: ignore[misc]
    """The token was answered, or nobody waits for it any more."""

    TYPE = "TaskTimedOut"


class InvalidOutput(AWSError):  # type: ignore[misc]
    """A task's output is no JSON."""

    TYPE = "InvalidOutput"


class Token:
    """A token that may be answered once; ``machine`` is the ARN of the state machine."""

    def __init__(self, machine: str) -> None:
        self.machine = machine
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._outcome: CallbackOutcome | None = None
        self._closed = False

    def answer(self, outcome: CallbackOutcome) -> None:
        """Take the answer. Raises TaskTimedOut when the token is closed."""
        with self._lock:
            if self._closed:
                raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
            self._closed, self._outcome = True, outcome
        self._answered.set()

    def wait(self, is_running: Callable[[], bool]) -> CallbackOutcome | None:
        """Wait while ``is_running`` for the answer and close the token; None without an answer."""
        while is_running() and not self._answered.wait(_POLL_SECONDS):
            pass
        with self._lock:
            self._closed = True
            return self._outcome


TOKENS: Final[dict[str, Token]] = {}
"""All tokens of this process; they are uuids and never come again."""


class SendingTask(StateTaskServiceSqs):  # type: ignore[misc]
    """The task state; without ``.waitForTaskToken`` it goes on when the message is sent."""

    def _eval_execution(self, env: Any) -> None:
        if self._is_integration_pattern():
            machine = env.states.context_object.context_object_data["StateMachine"]["Id"]
            TOKENS[env.states.context_object.update_task_token()] = Token(machine)
        super()._eval_execution(env)

    def _eval_integration_pattern(self, env: Any, **_: Any) -> None:
        token = env.states.context_object.context_object_data["Task"]["Token"]
        outcome = TOKENS[token].wait(env.is_running)
        if isinstance(outcome, CallbackOutcomeFailure):
            raise CallbackOutcomeFailureError(outcome)
        if isinstance(outcome, CallbackOutcomeSuccess):
            env.stack[-1] = json.loads(outcome.output)


def patch(patches: Patches) -> None:
    """Let the API answer for the tokens of `SendingTask`; moto answers for others."""
    patches.wrap(StepFunctionResponse, "send_task_success", _send_task_success)
    patches.wrap(StepFunctionResponse, "send_task_failure", _send_task_failure)
    # Step Functions names SQS's errors as it does SageMaker's: after the Java SDK's exception.
    patches.set(state_task_service_sqs, "_ERROR_NAME_CLIENT", "SQS.AmazonSQSException")


def _send_task_success(others: Any, self: Any) -> Any:
    token, output = str(self._get_param("taskToken")), self._get_param("output") or ""
    try:
        json.loads(output)
    except ValueError as error:
        raise InvalidOutput(f"Invalid Output: '{error}'") from error
    if token not in TOKENS:
        return others(self)
    TOKENS[token].answer(CallbackOutcomeSuccess(token, output))
    return EmptyResult()


def _send_task_failure(others: Any, self: Any) -> Any:
    token = str(self._get_param("taskToken"))
    if token not in TOKENS:
        return others(self)
    error, cause = self._get_param("error") or "", self._get_param("cause") or ""
    TOKENS[token].answer(CallbackOutcomeFailure(token, error, cause))
    return EmptyResult()
