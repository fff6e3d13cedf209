"""A state machine's role: what Step Functions does for a Processing job, it does as that role.

The engine creates, watches and stops jobs by calls within this process, which no policy sees. So
the role is asked here, at the moments when AWS needs it, for the actions of "IAM policies for
Amazon SageMaker" in Step Functions' developer guide, and for AddTags, as it tags its jobs
(aws-cdk issue 32294). ``.sync`` has EventBridge tell it of the job's end; AWS asks for that when
the machine is created, and here when a job is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)

from landrun_ops.local.iam import Iam, NotAllowedError
from landrun_ops.local.iam_needs import Need
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_sync import ProcessingTask, error_name
from landrun_ops.local.roles import SAGEMAKER
from landrun_ops.local.sagemaker_jobs import ProcessingJob, ProcessingJobs
from landrun_ops.local.settings import ACCOUNT, REGION

_RULE = (
    f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
)


def job_arn(name: str) -> str:
    """Spell the ARN of a Processing job."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/{name}".lower()


def to_create(request: Mapping[str, Any], *, sync: bool) -> Iterator[Need]:
    """Give what Step Functions needs to create a job, and with ``sync`` to hear of its end.

    Condition keys: Service Authorization Reference, "Amazon SageMaker".
    """
    job = job_arn(request["ProcessingJobName"])
    cluster = request["ProcessingResources"]["ClusterConfig"]
    limit = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    context: dict[str, str | list[str]] = {
        "sagemaker:InstanceTypes": [str(cluster["InstanceType"])],
        **({} if limit is None else {"sagemaker:MaxRuntimeInSeconds": str(limit)}),
    }
    if sync:
        for action in ("PutTargets", "PutRule", "DescribeRule"):
            yield Need(f"events:{action}", _RULE)
    yield Need("sagemaker:CreateProcessingJob", job, context)
    yield Need("sagemaker:AddTags", job)
    yield Need("iam:PassRole", request["RoleArn"], {"iam:PassedToService": SAGEMAKER})


def to_mount(request: Mapping[str, Any]) -> Iterator[Need]:
    """Give what the job's own role needs, so that SageMaker can mount encrypted volumes for it.

    Source: SageMaker developer guide, "Provide permissions for encrypted volumes".
    """
    key = request["ProcessingResources"]["ClusterConfig"].get("VolumeKmsKeyId")
    if key:
        yield Need("kms:CreateGrant", key, {"kms:GrantIsForAWSResource": "true"})


class PermittedTask(ProcessingTask):
    """A task state that does only what the role of its machine may do."""

    def __init__(self, jobs: ProcessingJobs, iam: Iam) -> None:
        super().__init__(_Permitted(jobs))  # type: ignore[arg-type]
        self._iam = iam

    def _eval_service_task(
        self,
        env: Any,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:
        sync = self.resource.condition == ResourceCondition.Sync
        self._demand(env, _role(env), to_create(normalised_parameters, sync=sync))
        self._demand(env, normalised_parameters["RoleArn"], to_mount(normalised_parameters))
        super()._eval_service_task(
            env, resource_runtime_part, normalised_parameters, state_credentials
        )

    def _await_job(self, env: Any) -> None:
        job: ProcessingJob = env.heap["landrun-processing-job"]
        self._jobs.as_role[job.arn] = (self._iam, _role(env))  # type: ignore[attr-defined]
        self._demand(env, _role(env), [Need("sagemaker:DescribeProcessingJob", job.arn)])
        super()._await_job(env)

    def _demand(self, env: Any, role: str, wanted: Iterable[Need]) -> None:
        try:
            for need in wanted:
                self._iam.demand(role, need.action, need.resource, need.context)
        except NotAllowedError as error:
            name = CustomErrorName(error_name("AccessDeniedException"))
            raise self._failure(env, name, str(error)) from error


class _Permitted:
    """The jobs, of which only those are stopped that the role may stop."""

    def __init__(self, jobs: ProcessingJobs) -> None:
        self._jobs = jobs
        self.create = jobs.create
        self.as_role: dict[str, tuple[Iam, str]] = {}

    def stop(self, job: ProcessingJob) -> None:
        """Stop a job; one that the role may not stop goes on, as on AWS."""
        iam, role = self.as_role[job.arn]
        try:
            iam.demand(role, "sagemaker:StopProcessingJob", job.arn)
        except NotAllowedError:
            return
        self._jobs.stop(job)


def _role(env: Any) -> str:
    return str(env.aws_execution_details.role_arn)


def adapt(patches: Patches, jobs: ProcessingJobs, iam: Iam) -> None:
    """Put permitted tasks in the place of those that may do everything."""
    others = state_task_factory.state_task_service_for

    def state_task_service_for(service_name: str) -> Any:
        return PermittedTask(jobs, iam) if service_name == "sagemaker" else others(service_name)

    patches.set(state_task_factory, "state_task_service_for", state_task_service_for)
