"""The state machine in AWS: created, updated, attached, executed, all through the SDK."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun.models.run import ExecutionInput
from landrun_ops.workflow.byhand import NotebookInput
from landrun_ops.workflow.config import WorkflowConfig
from landrun_ops.workflow.definition import definition, input_schema


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended.

    Attributes
    ----------
    status : str
        ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``; ``RUNNING`` when nobody waited.
    output : object
        What the state machine returned, parsed; None unless it succeeded.
    error, cause : str or None
        Step Functions' words for a failure, the cause being a failed job's description as JSON.
    seconds : float or None
        From start to end; None while it runs.
    """

    status: str
    output: Any
    error: str | None
    cause: str | None
    seconds: float | None

    @property
    def reason(self) -> str:
        """The failure in one line: the job's exit message where there is one."""
        said = _job_reason(self.cause or "") or self.cause or "Step Functions gave no cause"
        return f"{self.error}: {said}" if self.error else said


def _job_reason(cause: str) -> str | None:
    try:
        job = json.loads(cause)
    except ValueError:
        return None
    if not isinstance(job, dict):
        return None
    said = [job.get("FailureReason"), job.get("ExitMessage")]
    return ": ".join(dict.fromkeys(str(text) for text in said if text)) or None


def workflow(config: WorkflowConfig, client: Any) -> Any:
    """Build the SDK's ``Workflow``, as the notebook did; nothing is created yet.

    Parameters
    ----------
    config : WorkflowConfig
        What it is built from.
    client : Step Functions client
        boto3's.

    Raises
    ------
    ConfigurationError
        When the configuration names no role.
    """
    # Imported here because the SDKs take seconds (see sdk.py).
    from landrun_ops.workflow import sdk  # noqa: PLC0415

    if not config.role:
        raise ConfigurationError("the state machine needs a role to assume: set role to its ARN")
    return sdk.Workflow(
        name=config.name,
        definition=sdk.FrozenGraph(definition(config)),
        role=config.role,
        tags=[{"key": key, "value": value} for key, value in config.workflow_tags.items()],
        execution_input=sdk.ExecutionInput(schema=input_schema()),
        client=client,
    )


def create(config: WorkflowConfig, client: Any) -> str:
    """Create the state machine; one that stands there already, just the same, is found.

    Returns
    -------
    str
        Its ARN.

    Raises
    ------
    ConfigurationError
        When another state machine of that name stands there: `update` it, or take another name.
    ServiceError
        When Step Functions refuses the call or cannot be reached.
    """
    from landrun_ops.workflow import sdk  # noqa: PLC0415 - takes seconds, see sdk.py

    wanted = workflow(config, client)
    with sdk.quietly(), translated("states:CreateStateMachine"):
        arn: str = wanted.create()
    # The SDK answers with the ARN of any machine of that name, changed or not.
    standing = attach(arn, client)
    same = standing.definition.to_dict() == wanted.definition.to_dict()
    if same and standing.role == wanted.role:
        return arn
    raise ConfigurationError(
        f"a state machine named {config.name} with another definition or role exists already:"
        f" update it (landrun workflow update --state-machine-arn {arn}), or take another name"
    )


def update(config: WorkflowConfig, arn: str, client: Any) -> str:
    """Give an existing state machine this definition, and the role where one is configured.

    Raises
    ------
    ServiceError
        When Step Functions refuses the call or cannot be reached.
    """
    from landrun_ops.workflow import sdk  # noqa: PLC0415 - takes seconds, see sdk.py

    attached = attach(arn, client)
    with translated("states:UpdateStateMachine"):
        updated: str = attached.update(
            definition=sdk.FrozenGraph(definition(config)), role=config.role or attached.role
        )
    return updated


def attach(arn: str, client: Any) -> Any:
    """Give the SDK's ``Workflow`` of a state machine that exists already.

    Raises
    ------
    ServiceError
        When there is none, or Step Functions cannot be reached.
    """
    from landrun_ops.workflow import sdk  # noqa: PLC0415 - takes seconds, see sdk.py

    with translated("states:DescribeStateMachine"):
        return sdk.Workflow.attach(arn, client=client)


def execute(attached: Any, run: ExecutionInput | NotebookInput) -> Any:
    """Start an execution under the run's name, with the SDK's ``Workflow.execute``.

    Returns
    -------
    stepfunctions.workflow.Execution
        The SDK's, with ``get_output(wait=True)``, ``list_events()`` and ``stop()``.

    Raises
    ------
    ServiceError
        When Step Functions refuses the call or cannot be reached.
    """
    inputs = json.loads(run.to_json())
    with translated("states:StartExecution"):
        return attached.execute(name=run.PreprocessingJobName, inputs=inputs)


def outcome(execution: Any, *, wait: bool) -> Outcome:
    """Say how an execution stands or, after waiting for its end, how it ended.

    Raises
    ------
    ServiceError
        When Step Functions refuses the call or cannot be reached.
    """
    with translated("states:DescribeExecution"):
        output = execution.get_output(wait=wait)
        answer = execution.describe()
    stopped = answer.get("stopDate")
    seconds = (stopped - answer["startDate"]).total_seconds() if stopped else None
    return Outcome(answer["status"], output, answer.get("error"), answer.get("cause"), seconds)
