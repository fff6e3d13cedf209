"""Patch of moto's ``sqs:sendMessage.waitForTaskToken``: waits end with their execution.

In moto, a waiting task keeps a stopped execution RUNNING, and a retry uses the same token again.
moto also forgets the tokens of an ended execution, and lets a second answer replace the first; Step
Functions answers ``TaskTimedOut`` to both.
"""

import json
from concurrent.futures import Future, InvalidStateError, wait
from typing import Any, Final

from moto.core.exceptions import AWSError
from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sqs,
)
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches


class Token(Future[Any]):
    """A token whose result is the answer; ``machine`` is the ARN of the state machine."""

    def __init__(self, machine: str) -> None:
        super().__init__()
        self.machine = machine


TOKENS: Final[dict[str, Token]] = {}
"""All tokens of this process; they are uuids and never come again."""


class SendingTask(state_task_service_sqs.StateTaskServiceSqs):  # type: ignore[misc]
    """The task state; without ``.waitForTaskToken`` it goes on when the message is sent."""

    def _eval_execution(self, env: Any) -> None:
        if self._is_integration_pattern():
            machine = env.states.context_object.context_object_data["StateMachine"]["Id"]
            TOKENS[env.states.context_object.update_task_token()] = Token(machine)
        super()._eval_execution(env)

    def _eval_integration_pattern(self, env: Any, **_: Any) -> None:
        token = TOKENS[env.states.context_object.context_object_data["Task"]["Token"]]
        while env.is_running() and not token.done():
            wait([token], timeout=0.1)
        if not token.cancel():
            env.stack[-1] = token.result()


def patch(patches: Patches) -> None:
    """Let SendTaskSuccess answer for the tokens of `SendingTask`; moto answers for others."""
    patches.wrap(StepFunctionResponse, "send_task_success", _send_task_success)
    # Step Functions names SQS's errors as it does SageMaker's: after the Java SDK's exception.
    patches.set(state_task_service_sqs, "_ERROR_NAME_CLIENT", "SQS.AmazonSQSException")


def _send_task_success(others: Any, self: Any) -> Any:
    token = TOKENS.get(self._get_param("taskToken"))
    if token is None:
        return others(self)
    try:
        token.set_result(json.loads(self._get_param("output") or ""))
    except ValueError as error:
        raise AWSError(f"Invalid Output: '{error}'", "InvalidOutput") from error
    except InvalidStateError as error:
        message = "Task Timed Out: 'Provided task does not exist anymore'"
        raise AWSError(message, "TaskTimedOut") from error
    return EmptyResult()
