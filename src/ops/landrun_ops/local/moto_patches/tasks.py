"""Patches of moto's task states: ``sagemaker:createProcessingJob.sync``, and waits for retries.

The state's output is the DescribeProcessingJob response, its times in epoch milliseconds. A job
that ends otherwise than ``Completed`` is ``States.TaskFailed`` with that response as its cause.
Errors of CreateProcessingJob carry the Java SDK's exception names, as AWS's own sample state
machines retry them.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError
from moto.sagemaker.exceptions import SagemakerClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name import error_name, failure_event
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl, retrier_outcome
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    resource,
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_callback,
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from landrun_ops.local.moto_patches.iam import Iam, Need, NotAllowedError
from landrun_ops.local.moto_patches.sagemaker import ProcessingJob, ProcessingJobs
from landrun_ops.local.moto_patches.task_tokens import SendingTask
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_job.request import malformed
from landrun_ops.local.settings import ACCOUNT, REGION

_ACTION: Final = "createProcessingJob"
_SYNC: Final = resource.ResourceCondition.Sync
_JOB: Final = "landrun-processing-job"
_RULE: Final = (
    f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
)

ClientOf = Callable[[str, str], Any]
"""Returns a service's client that signs as a role: ``client_of("sqs", role_arn)``."""


class RefusedForGood(error_name.ErrorName):  # type: ignore[misc]
    """The error of a request that SageMaker will never accept, so that retries are pointless."""


def patch(patches: Patches, jobs: ProcessingJobs, client_of: ClientOf, iam: Iam | None) -> None:
    """Replace moto's task states, and let waits before retries end with the execution.

    With ``iam``, a machine creates, watches and stops only the jobs that its role may.
    """

    def state_task_service_for(others: Any, service_name: str) -> Any:
        if service_name == "sagemaker":
            return ProcessingTask(jobs, iam)
        return SendingTask() if service_name == "sqs" else others(service_name)

    def after_eval_execution(succeed: Any, self: Any, env: Any, **more: Any) -> None:
        # moto notes the success of a task whose execution was stopped.
        if env.is_running():
            succeed(self, env=env, **more)

    def boto_client_for(_: Any, service: str, state_credentials: Any, **__: Any) -> Any:
        # moto signs with a key that it makes up.
        try:
            return client_of(service, state_credentials.role_arn)
        except NotAllowedError as error:
            refusal: Any = {"Error": {"Code": "AccessDenied", "Message": str(error)}}
            raise ClientError(refusal, "AssumeRole") from error

    base = state_task_service.StateTaskService
    patches.wrap(state_task_factory, "state_task_service_for", state_task_service_for)
    patches.wrap(base, "_after_eval_execution", after_eval_execution)
    patches.set(TimeoutSeconds, "eval", _evaluate_timeout)
    for module in (state_task_service_sqs, state_task_service_aws_sdk):
        patches.wrap(module, "boto_client_for", boto_client_for)
    clock = _Clock()
    patches.set(retrier_decl, "time", clock)
    patches.wrap(retrier_decl.RetrierDecl, "_eval_body", clock.eval_body)


def _evaluate_timeout(self: Any, env: Any) -> None:
    """Give a task its time-out, even if its execution has just been stopped.

    moto evaluates nothing then, and would take the parameters, which are on top of the stack, for
    the time-out: a history that GetExecutionHistory cannot return.
    """
    env.stack.append(self.timeout_seconds)


def wait(env: Any, seconds: float) -> None:
    """Wait ``seconds``, or until the execution of ``env`` no longer runs."""
    deadline = time.monotonic() + seconds
    while env.is_running() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(0.1, left))


class _Clock(threading.local):
    """Replaces the retrier's module ``time``: its sleep outlasts an execution that is stopped."""

    env: Any = None

    def sleep(self, seconds: float) -> None:
        wait(self.env, seconds)

    def eval_body(self, evaluate: Any, retrier: Any, env: Any) -> None:
        self.env = env
        if isinstance(env.stack[-1], RefusedForGood):
            env.stack[-1] = retrier_outcome.RetrierOutcome.Failed
        else:
            evaluate(retrier, env)


def sagemaker_error(code: str) -> str:
    """Name a SageMaker error as a state machine sees it.

    >>> sagemaker_error("ResourceLimitExceeded"), sagemaker_error("ValidationException")
    ('SageMaker.ResourceLimitExceededException', 'SageMaker.AmazonSageMakerException')
    """
    has_a_name = code in ("ResourceInUse", "ResourceLimitExceeded")
    return f"SageMaker.{code if has_a_name else 'AmazonSageMaker'}Exception"


def to_create(request: Mapping[str, Any], *, sync: bool) -> Iterator[Need]:
    """Yield the permissions to create a job and, with ``sync``, to be notified of its end.

    Sources: "IAM policies for Amazon SageMaker" in Step Functions' developer guide, and for AddTags
    aws-cdk issue 32294, as Step Functions tags its jobs.
    """
    name = request["ProcessingJobName"].lower()
    job = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/{name}"
    instance_type = request["ProcessingResources"]["ClusterConfig"]["InstanceType"]
    context: dict[str, str | list[str]] = {"sagemaker:InstanceTypes": [instance_type]}
    if limit := request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"):
        context["sagemaker:MaxRuntimeInSeconds"] = str(limit)
    if sync:
        for action in ("PutTargets", "PutRule", "DescribeRule"):
            yield Need(f"events:{action}", _RULE)
    yield Need("sagemaker:CreateProcessingJob", job, context)
    yield Need("sagemaker:AddTags", job)
    passed = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    yield Need("iam:PassRole", request["RoleArn"], passed)


class ProcessingTask(state_task_service_callback.StateTaskServiceCallback):  # type: ignore[misc]
    """The task state; without ``.sync`` it goes on as soon as the job is created."""

    def __init__(self, jobs: ProcessingJobs, iam: Iam | None) -> None:
        super().__init__(supported_integration_patterns={_SYNC})
        self._jobs = jobs
        self._iam = iam

    def _get_supported_parameters(self) -> set[str] | None:
        """Let moto refuse machines that do anything else with SageMaker."""
        is_known = self.resource.api_action == _ACTION and self.resource.condition in (None, _SYNC)
        return set() if is_known else None

    def _eval_parameters(self, env: Any) -> Any:
        """Evaluate the parameters; moto's own drops those that it does not know, silently."""
        self.parargs.eval(env=env)
        # The engine reads the two escapes of a surrogate pair as two characters: join them.
        return json.loads(json.dumps(env.stack.pop()))

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,  # noqa: ARG002 - the engine passes it
        normalised_parameters: dict[str, Any],
        state_credentials: Any,  # noqa: ARG002 - the engine passes it
    ) -> None:
        if report := malformed(normalised_parameters):
            raise ValueError(
                f"The Parameters '{json.dumps(normalised_parameters)}' could not be used to start "
                f"the Task: [{report}]"
            )
        request = str(uuid.uuid4())
        self._demand(env, to_create(normalised_parameters, sync=self.resource.condition == _SYNC))
        cluster = normalised_parameters["ProcessingResources"]["ClusterConfig"]
        if key := cluster.get("VolumeKmsKeyId"):
            # Developer guide, "Provide permissions for encrypted volumes".
            grant = Need("kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})
            self._demand(env, [grant], normalised_parameters["RoleArn"])
        try:
            job = self._jobs.create(normalised_parameters)
        except SagemakerClientError as error:
            kind = RefusedForGood if error.code == "ValidationException" else error_name.ErrorName
            cause = (
                f"{error.message} (Service: AmazonSageMaker; Status Code: 400; "
                f"Error Code: {error.code}; Request ID: {request}; Proxy: null)"
            )
            raise self._failure(env, kind(sagemaker_error(error.code)), cause) from error
        env.heap[_JOB] = job  # of this evaluation: branches of a Map share the state itself
        env.stack.append(
            {
                "ProcessingJobArn": job.arn,
                "SdkHttpMetadata": {"HttpStatusCode": 200},
                "SdkResponseMetadata": {"RequestId": request},
            }
        )

    def _eval_integration_pattern(self, env: Any, **_: Any) -> None:
        """Wait for the job's end, or stop it with the execution."""
        job: ProcessingJob = env.heap[_JOB]
        self._demand(env, [Need("sagemaker:DescribeProcessingJob", job.arn)])
        while env.is_running() and not job.ended.wait(0.2):
            pass
        if not job.ended.is_set():
            stopping = Need("sagemaker:StopProcessingJob", job.arn)
            if self._iam is None or self._iam.allows(_role(env), stopping):
                self._jobs.stop(job)
            return
        description = as_output(job.response_object)
        if description["ProcessingJobStatus"] != "Completed":
            name = error_name.ErrorName("States.TaskFailed")
            raise self._failure(env, name, json.dumps(description, ensure_ascii=False))
        env.stack[-1] = description

    def _demand(self, env: Any, needs: Iterable[Need], role: str = "") -> None:
        """Ask IAM, which does not see the engine's calls within this process."""
        try:
            if self._iam is not None:
                for need in needs:
                    self._iam.demand(role or _role(env), need)
        except NotAllowedError as error:
            name = error_name.ErrorName(sagemaker_error("AccessDeniedException"))
            raise self._failure(env, name, str(error)) from error

    def _failure(self, env: Any, name: error_name.ErrorName, cause: str) -> Exception:
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=name.error_name,
            cause=cause,
        )
        event = failure_event.FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
        error: Exception = failure_event.FailureEventException(event)
        return error


def _role(env: Any) -> str:
    return str(env.aws_execution_details.role_arn)


def as_output(description: Mapping[str, Any]) -> Any:
    """Copy a description with its times (naive ones are UTC) as epoch milliseconds."""

    def millis(moment: datetime) -> int:
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)

    return json.loads(json.dumps(description, default=millis))
