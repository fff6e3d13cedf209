"""``sagemaker:createProcessingJob.sync`` in moto's state-machine engine, which lacks it.

What the state gives: the DescribeProcessingJob response, its times in epoch milliseconds (Step
Functions serialises with the Java SDK's JSON). A job that ends otherwise than ``Completed`` is
``States.TaskFailed`` with that response as its cause. Errors of CreateProcessingJob carry the
Java SDK's exception names, as AWS's own sample state machines retry them: those the API's model
knows by their own (``SageMaker.ResourceLimitExceededException``), all others, throttling and
validation among them, as ``SageMaker.AmazonSageMakerException``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.sagemaker.exceptions import SagemakerClientError
from moto.stepfunctions.parser.api import (
    HistoryEventExecutionDataDetails,
    HistoryEventType,
    TaskFailedEventDetails,
    TaskSubmittedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_request import MalformedRequestError, check_form
from landrun_ops.local.sagemaker_jobs import ProcessingJob, ProcessingJobs

_ACTION = "createProcessingJob"
_POLL = 0.2
_JOB = "landrun-processing-job"
# CreateProcessingJob's errors in the API's model.
_MODELLED = ("ConflictException", "ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound")


class RefusedForGood(CustomErrorName):  # type: ignore[misc]
    """The error of a request that SageMaker will never accept.

    On AWS it is retried like any error of its name. Here `retry_wait` spares the minutes.
    """


def error_name(code: str) -> str:
    """Name a SageMaker error as a state machine sees it.

    >>> error_name("ResourceLimitExceeded"), error_name("ValidationException")
    ('SageMaker.ResourceLimitExceededException', 'SageMaker.AmazonSageMakerException')
    """
    if code not in _MODELLED:
        return "SageMaker.AmazonSageMakerException"
    return f"SageMaker.{code.removesuffix('Exception')}Exception"


def as_output(value: Any) -> Any:
    """Copy a description with its times (naive ones are UTC) as epoch milliseconds."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    if isinstance(value, Mapping):
        return {key: as_output(member) for key, member in value.items()}
    return [as_output(member) for member in value] if isinstance(value, list) else value


class ProcessingTask(StateTaskServiceCallback):  # type: ignore[misc]
    """The task state; without ``.sync`` it goes on as soon as the job is created."""

    def __init__(self, jobs: ProcessingJobs) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})
        self._jobs = jobs

    def _validate_service_integration_is_supported(self) -> None:
        wanted = (self.resource.api_action, self.resource.condition)
        if wanted not in ((_ACTION, None), (_ACTION, ResourceCondition.Sync)):
            raise ValueError(
                f"The resource {self.resource.resource_arn} is not known to the laptop's AWS, "
                f"which runs sagemaker:{_ACTION} and sagemaker:{_ACTION}.sync"
            )

    def _eval_parameters(self, env: Any) -> dict[str, Any]:
        # The engine's own drops parameters that it does not know, silently.
        if self.parargs is None:
            return {}
        self.parargs.eval(env=env)
        parameters: dict[str, Any] = env.stack.pop()
        return parameters

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,  # noqa: ARG002 - the engine passes it
    ) -> None:
        account, region = resource_runtime_part.account, resource_runtime_part.region
        request = str(uuid.uuid4())
        try:
            check_form(normalised_parameters)
            job = self._jobs.create(account, region, normalised_parameters)
        except MalformedRequestError as error:
            raise ValueError(
                f"The Parameters '{json.dumps(normalised_parameters)}' could not be used to start "
                f"the Task: [{error}]"
            ) from error
        except SagemakerClientError as error:
            kind = RefusedForGood if error.code == "ValidationException" else CustomErrorName
            name = kind(error_name(error.code))
            raise self._failure(env, name, _java_message(error, request)) from error
        env.heap[_JOB] = job  # of this evaluation: branches of a Map share the state itself
        env.stack.append(
            {
                "ProcessingJobArn": job.arn,
                "SdkHttpMetadata": {"HttpStatusCode": 200},
                "SdkResponseMetadata": {"RequestId": request},
            }
        )

    def _after_eval_execution(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:
        if self.resource.condition == ResourceCondition.Sync:
            self._submitted(env)
            self._await_job(env)
        if env.is_running():
            # Past the callback class's own, which would note success of a task that was stopped.
            StateTaskService._after_eval_execution(
                self, env, resource_runtime_part, normalised_parameters, state_credentials
            )

    def _submitted(self, env: Any) -> None:
        details = TaskSubmittedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            output=json.dumps(env.stack[-1]),
            outputDetails=HistoryEventExecutionDataDetails(truncated=False),
        )
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.TaskSubmitted,
            event_details=EventDetails(taskSubmittedEventDetails=details),
        )

    def _await_job(self, env: Any) -> None:
        job: ProcessingJob = env.heap[_JOB]
        while env.is_running() and not job.ended.wait(_POLL):
            pass
        if not job.ended.is_set():  # the execution was stopped, or its time is up
            self._jobs.stop(job)
            return
        description = as_output(job.response_object)
        if description["ProcessingJobStatus"] != "Completed":
            name = StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed)
            raise self._failure(env, name, json.dumps(description, ensure_ascii=False))
        env.stack.pop()
        env.stack.append(description)

    def _failure(self, env: Any, name: ErrorName, cause: str) -> FailureEventException:
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=name.error_name,
            cause=cause,
        )
        return FailureEventException(
            FailureEvent(
                env=env,
                error_name=name,
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )
        )


def _java_message(error: SagemakerClientError, request: str) -> str:
    return (
        f"{error.message} (Service: AmazonSageMaker; Status Code: 400; "
        f"Error Code: {error.code}; Request ID: {request}; Proxy: null)"
    )


def adapt(patches: Patches, jobs: ProcessingJobs) -> None:
    """Let the engine's factory of service tasks know ``sagemaker``."""
    others = state_task_factory.state_task_service_for

    def state_task_service_for(service_name: str) -> Any:
        return ProcessingTask(jobs) if service_name == "sagemaker" else others(service_name)

    patches.set(state_task_factory, "state_task_service_for", state_task_service_for)
