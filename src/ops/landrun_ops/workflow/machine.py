"""The state machine in AWS: created and updated with a workflow's definition, and executed.

Each call raises ServiceError when Step Functions refuses it or cannot be reached.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun_ops.workflow.config import WorkflowConfig
from landrun_ops.workflow.definition import definition, input_schema

POLL_SECONDS = 1.0
"""Seconds between two DescribeExecution calls while waiting for an end."""


def create(config: WorkflowConfig, client: Any) -> str:
    """Create the state machine with the SDK, as the notebook did, and return its ARN.

    A state machine of that name, definition and role is returned as it is. Raises
    ConfigurationError when the settings name no role, or a different one of that name exists.
    """
    from landrun_ops.workflow import sdk  # noqa: PLC0415  (takes seconds, see sdk.py)

    if not config.role:
        raise ConfigurationError("the state machine needs a role to assume: set role to its ARN")
    wanted = sdk.workflow.Workflow(
        name=config.name,
        definition=sdk.steps.FrozenGraph(definition(config)),
        role=config.role,
        tags=[{"key": key, "value": value} for key, value in config.workflow_tags.items()],
        execution_input=sdk.inputs.ExecutionInput(schema=input_schema()),
        client=client,
    )
    with sdk.quietly(), translated("states:CreateStateMachine"):
        arn: str = wanted.create()  # the ARN of any state machine of that name
    found = describe(arn, client)
    if (json.loads(found["definition"]), found["roleArn"]) == (definition(config), config.role):
        return arn
    raise ConfigurationError(
        f"a state machine named {config.name} with another definition or role exists already:"
        f" update it (landrun workflow update --state-machine-arn {arn}), or take another name"
    )


def update(config: WorkflowConfig, arn: str, client: Any) -> None:
    """Replace the definition of a state machine, and its role if the settings name one."""
    role = {"roleArn": config.role} if config.role else {}
    with translated("states:UpdateStateMachine"):
        client.update_state_machine(
            stateMachineArn=arn, definition=json.dumps(definition(config)), **role
        )


def describe(arn: str, client: Any) -> dict[str, Any]:
    """Return DescribeStateMachine's answer."""
    with translated("states:DescribeStateMachine"):
        answer: dict[str, Any] = client.describe_state_machine(stateMachineArn=arn)
    return answer


def execute(arn: str, inputs: Mapping[str, Any], client: Any) -> str:
    """Start an execution under the run's name, and return its ARN.

    ``inputs`` has the fields of `ExecutionInput`; a notebook's run has no ``Trigger``.
    """
    name = inputs["PreprocessingJobName"]
    with translated("states:StartExecution"):
        answer = client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(inputs))
        return str(answer["executionArn"])


def wait(arn: str, client: Any, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Wait for an execution's end, and return DescribeExecution's answer."""
    while True:
        with translated("states:DescribeExecution"):
            answer: dict[str, Any] = client.describe_execution(executionArn=arn)
            if answer["status"] != "RUNNING":
                return answer
        sleep(POLL_SECONDS)
