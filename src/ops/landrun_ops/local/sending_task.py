"""``sqs:sendMessage.waitForTaskToken``, whose wait ends with its execution.

In moto's engine a task that waits for its token keeps an execution RUNNING that was stopped, waits
on the same token again when it is retried and so is over at once, and sends as nobody: here it
sends as its machine's role. What SQS refuses is ``SQS.AmazonSQSException``, named as SageMaker's
errors are (the Java SDK's exception; States.TaskFailed is what should be retried by).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import (
    HistoryEventExecutionDataDetails,
    HistoryEventType,
    TaskFailedEventDetails,
    TaskSubmittedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sqs import (  # noqa: E501
    StateTaskServiceSqs,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeFailureError,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from landrun_ops.local.iam import NotAllowedError
from landrun_ops.local.patches import Patches
from landrun_ops.local.task_tokens import TOKENS, Answer

_REFUSED: Final = "SQS.AmazonSQSException"

ClientOf = Callable[[str], Any]
"""Gives boto3's SQS client for the ARN of a role: what it sends, that role sends."""


class SendingTask(StateTaskServiceSqs):  # type: ignore[misc]
    """The task state; without ``.waitForTaskToken`` it goes on when the message is sent."""

    def __init__(self, client_of: ClientOf) -> None:
        super().__init__()
        self._client_of = client_of

    def _eval_execution(self, env: Any) -> None:
        """Begin an attempt: each has a token of its own."""
        if self.heartbeat:
            raise ValueError("the laptop's AWS does not know HeartbeatSeconds of a task for SQS")
        if self._is_integration_pattern():
            machine = env.states.context_object.context_object_data["StateMachine"]["Id"]
            TOKENS.open(env.states.context_object.update_task_token(), machine)
        super()._eval_execution(env)

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,  # noqa: ARG002 - the engine passes it
        normalised_parameters: dict[str, Any],
        state_credentials: Any,  # noqa: ARG002
    ) -> None:
        body = normalised_parameters.get("MessageBody")
        sent = body if isinstance(body, str) else to_json_str(body)
        client = self._client_of(str(env.aws_execution_details.role_arn))
        answer = client.send_message(**{**normalised_parameters, "MessageBody": sent})
        env.stack.append({name: answer[name] for name in answer if name != "ResponseMetadata"})

    def _after_eval_execution(self, env: Any, **rest: Any) -> None:
        if self._is_integration_pattern():
            self._submitted(env)
            token = env.states.context_object.context_object_data["Task"]["Token"]
            answer = TOKENS.wait(token, env.is_running)
            if answer is None:  # the execution was stopped, or a time limit is over
                return
            env.stack[-1] = _output(token, answer)
        StateTaskService._after_eval_execution(self, env, **rest)

    def _submitted(self, env: Any) -> None:
        details = TaskSubmittedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            output=to_json_str(env.stack[-1]),
            outputDetails=HistoryEventExecutionDataDetails(truncated=False),
        )
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.TaskSubmitted,
            event_details=EventDetails(taskSubmittedEventDetails=details),
        )

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, ClientError | NotAllowedError):
            return super()._from_error(env=env, ex=ex)
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=_REFUSED,
            cause=_said(ex),
        )
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(_REFUSED),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )


def _output(token: str, answer: Answer) -> Any:
    if answer.failed:
        raise CallbackOutcomeFailureError(
            CallbackOutcomeFailure(token, answer.error or "", answer.cause or "")
        )
    return answer.output


def _said(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return str(error)
    told, code = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return (
        f"{told.get('Message', '')} (Service: AmazonSQS; Status Code: {code}; "
        f"Error Code: {told.get('Code', '')}; Proxy: null)"
    )


def adapt(patches: Patches, client_of: ClientOf) -> None:
    """Put these tasks in the place of the engine's."""
    others = state_task_factory.state_task_service_for

    def state_task_service_for(service_name: str) -> Any:
        return SendingTask(client_of) if service_name == "sqs" else others(service_name)

    patches.set(state_task_factory, "state_task_service_for", state_task_service_for)
