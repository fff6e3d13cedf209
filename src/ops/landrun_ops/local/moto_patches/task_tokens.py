"""``sqs:sendMessage.waitForTaskToken``, whose wait ends with its execution, and its tokens.

In moto a task that waits for its token keeps a stopped execution RUNNING, and asks with the same
token again when it is retried. moto also forgets the tokens of an execution that has ended, and
lets a second answer replace the first; Step Functions answers ``TaskTimedOut`` to both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, wait
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


class Token(Future[CallbackOutcome]):
    """A token that may be answered once; ``machine`` is the ARN of the state machine."""

    def __init__(self, machine: str) -> None:
        super().__init__()
        self.machine = machine

    def wait(self, is_running: Callable[[], bool]) -> CallbackOutcome | None:
        """Wait while ``is_running`` for the answer and close the token; None without an answer."""
        while is_running() and not self.done():
            wait([self], _POLL_SECONDS)
        self.cancel()
        return None if self.cancelled() else self.result()


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
        raise AWSError(f"Invalid Output: '{error}'", "InvalidOutput") from error
    return (
        _answer(token, CallbackOutcomeSuccess(token, output)) if token in TOKENS else others(self)
    )


def _send_task_failure(others: Any, self: Any) -> Any:
    token = str(self._get_param("taskToken"))
    outcome = CallbackOutcomeFailure(
        token, self._get_param("error") or "", self._get_param("cause") or ""
    )
    return _answer(token, outcome) if token in TOKENS else others(self)


def _answer(token: str, outcome: CallbackOutcome) -> EmptyResult:
    try:
        TOKENS[token].set_result(outcome)
    except InvalidStateError as error:
        message = "Task Timed Out: 'Provided task does not exist anymore'"
        raise AWSError(message, "TaskTimedOut") from error
    return EmptyResult()
