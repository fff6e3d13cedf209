from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import ExecutionInput, ManualTrigger
from landrun_ops import workflow
from landrun_ops.workflow import WorkflowConfig
from landrun_ops.workflow import machine as machines

RUN = ExecutionInput(
    PreprocessingJobName="bsm-6f7f0c527d2c4f0e9a552f1b6f6e9d11",
    InputMessage="s3://output/manifests/bsm.json",
    OutputProcessedMessage="s3://output/processed/",
    Trigger=ManualTrigger(StartedBy="me"),
)


def test_create_makes_the_machine_that_is_rendered(config: WorkflowConfig, steps: Any) -> None:
    arn = workflow.create(config, steps)

    made = steps.describe_state_machine(stateMachineArn=arn)
    assert made["name"] == "bsm-batch-preprocessing"
    assert made["roleArn"] == config.role
    assert json.loads(made["definition"]) == workflow.definition(config)


def test_create_tags_the_machine(settings: dict[str, Any], steps: Any) -> None:
    tagged = WorkflowConfig.read(settings | {"workflow_tags": {"team": "ml"}})

    arn = workflow.create(tagged, steps)

    assert steps.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "ml"}]


def test_creating_the_same_again_finds_it(config: WorkflowConfig, steps: Any) -> None:
    assert workflow.create(config, steps) == workflow.create(config, steps)


@pytest.mark.parametrize(
    "change", [{"instance_count": 2}, {"role": "arn:aws:iam::123456789012:role/other"}]
)
def test_creating_another_machine_of_the_same_name_is_an_error_that_names_update(
    settings: dict[str, Any], steps: Any, change: dict[str, Any]
) -> None:
    arn = workflow.create(WorkflowConfig.read(settings), steps)

    with pytest.raises(ConfigurationError, match=f"update --state-machine-arn {arn}"):
        workflow.create(WorkflowConfig.read(settings | change), steps)


def test_a_machine_without_a_role_is_not_created(settings: dict[str, Any], steps: Any) -> None:
    del settings["role"]

    with pytest.raises(ConfigurationError, match="role"):
        workflow.create(WorkflowConfig.read(settings), steps)


def test_update_changes_the_definition_and_keeps_the_role(
    settings: dict[str, Any], steps: Any
) -> None:
    arn = workflow.create(WorkflowConfig.read(settings), steps)
    changed = WorkflowConfig.read(settings | {"role": None, "instance_count": 2})

    assert workflow.update(changed, arn, steps) == arn

    now = steps.describe_state_machine(stateMachineArn=arn)
    assert json.loads(now["definition"]) == workflow.definition(changed)
    assert now["roleArn"] == settings["role"]


def test_attach_gives_the_notebooks_workflow(config: WorkflowConfig, steps: Any) -> None:
    arn = workflow.create(config, steps)

    attached = workflow.attach(arn, steps)

    assert (attached.name, attached.state_machine_arn) == (config.name, arn)
    assert attached.definition.to_dict() == workflow.definition(config)


def test_attaching_to_nothing_says_so(steps: Any) -> None:
    gone = "arn:aws:states:eu-central-1:123456789012:stateMachine:gone"

    with pytest.raises(ServiceError, match="StateMachineDoesNotExist"):
        workflow.attach(gone, steps)


def test_execute_starts_an_execution_under_the_runs_name(
    config: WorkflowConfig, steps: Any
) -> None:
    attached = workflow.attach(workflow.create(config, steps), steps)

    execution = workflow.execute(attached, RUN.to_dict())

    assert execution.execution_arn.endswith(f":{RUN.PreprocessingJobName}")
    assert execution.get_input() == json.loads(RUN.to_json())
    assert [one.name for one in attached.list_executions()] == [RUN.PreprocessingJobName]


def test_the_sdk_checks_inputs_against_the_contract(config: WorkflowConfig, steps: Any) -> None:
    built = machines.workflow(config, steps)
    built.create()

    with pytest.raises(ValueError, match="InputMessage"):
        built.execute(inputs={"PreprocessingJobName": "x", "OutputProcessedMessage": "s3://o/"})
    assert built.execute(inputs=json.loads(RUN.to_json())).execution_arn


class FakeExecution:
    """As the SDK's Execution: runs for a while, then answers as told."""

    def __init__(self, **answer: Any) -> None:
        self._answer = {"startDate": datetime(2026, 11, 22, 3, 0, tzinfo=UTC)} | answer
        self.waited: bool | None = None

    def get_output(self, wait: bool = False) -> Any:
        self.waited = wait
        return json.loads(self._answer["output"]) if "output" in self._answer else None

    def describe(self) -> dict[str, Any]:
        return self._answer


def test_an_outcome_has_the_output_and_how_long_it_took() -> None:
    execution = FakeExecution(
        status="SUCCEEDED",
        output='{"ProcessingJobStatus": "Completed"}',
        stopDate=datetime(2026, 11, 22, 3, 2, tzinfo=UTC),
    )

    ended = workflow.outcome(execution, wait=True)

    assert execution.waited is True
    assert (ended.status, ended.seconds) == ("SUCCEEDED", 120)
    assert ended.output == {"ProcessingJobStatus": "Completed"}


def test_an_outcome_that_nobody_waited_for_is_running() -> None:
    ended = workflow.outcome(FakeExecution(status="RUNNING"), wait=False)

    assert (ended.status, ended.seconds, ended.output) == ("RUNNING", None, None)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (
            '{"FailureReason": "AlgorithmError: exit code 1", "ExitMessage": "no text column"}',
            "States.TaskFailed: AlgorithmError: exit code 1: no text column",
        ),
        ('{"ExitMessage": "no text column"}', "States.TaskFailed: no text column"),
        ("Rate exceeded", "States.TaskFailed: Rate exceeded"),
        ("[1]", "States.TaskFailed: [1]"),
        ("{}", "States.TaskFailed: {}"),
        (None, "States.TaskFailed: Step Functions gave no cause"),
    ],
)
def test_a_failures_reason_is_the_jobs_own_words(cause: str | None, reason: str) -> None:
    execution = FakeExecution(status="FAILED", error="States.TaskFailed", cause=cause)

    assert workflow.outcome(execution, wait=True).reason == reason
