from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run import ExecutionInput, ManualTrigger
from landrun_ops import workflow
from landrun_ops.cli.follow import follow
from landrun_ops.workflow import WorkflowConfig
from landrun_ops.workflow import machine as machines

RUN = ExecutionInput(
    PreprocessingJobName="bsm-6f7f0c527d2c4f0e9a552f1b6f6e9d11",
    InputMessage="s3://output/manifests/bsm.json",
    OutputProcessedMessage="s3://output/processed/",
    Trigger=ManualTrigger(StartedBy="me"),
)


def test_create_makes_the_machine_that_is_rendered_with_its_tags_once(
    settings: dict[str, Any], steps: Any
) -> None:
    config = WorkflowConfig.read(settings | {"workflow_tags": {"team": "ml"}})

    arn = workflow.create(config, steps)

    assert workflow.create(config, steps) == arn
    made = steps.describe_state_machine(stateMachineArn=arn)
    assert (made["name"], made["roleArn"]) == ("bsm-batch-preprocessing", config.role)
    assert json.loads(made["definition"]) == workflow.definition(config)
    assert steps.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "ml"}]


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


def test_the_attached_machine_is_executed_under_the_runs_name(
    config: WorkflowConfig, steps: Any
) -> None:
    arn = workflow.create(config, steps)

    attached = workflow.attach(arn, steps)
    execution = workflow.execute(attached, RUN.to_dict())

    assert (attached.name, attached.state_machine_arn) == (config.name, arn)
    assert attached.definition.to_dict() == workflow.definition(config)
    assert execution.execution_arn.endswith(f":{RUN.PreprocessingJobName}")
    assert execution.get_input() == json.loads(RUN.to_json())
    assert [one.name for one in attached.list_executions()] == [RUN.PreprocessingJobName]


def test_attaching_to_nothing_says_so(steps: Any) -> None:
    gone = "arn:aws:states:eu-central-1:123456789012:stateMachine:gone"

    with pytest.raises(ServiceError, match="StateMachineDoesNotExist"):
        workflow.attach(gone, steps)


def test_the_sdk_checks_inputs_against_the_contract(config: WorkflowConfig, steps: Any) -> None:
    built = machines.workflow(config, steps)
    built.create()

    with pytest.raises(ValueError, match="InputMessage"):
        built.execute(inputs={"PreprocessingJobName": "x", "OutputProcessedMessage": "s3://o/"})
    assert built.execute(inputs=json.loads(RUN.to_json())).execution_arn


class FakeExecution:
    """As the SDK's Execution: answers as told; interrupted while it waits, where told so."""

    execution_arn = "arn:aws:states:eu-central-1:123456789012:execution:m:bsm-1"

    def __init__(self, *, interrupted: bool = False, **answer: Any) -> None:
        self._interrupted = interrupted
        self._answer = {"startDate": datetime(2026, 11, 22, 3, 0, tzinfo=UTC)} | answer
        self.waited: bool | None = None

    def get_output(self, wait: bool = False) -> Any:
        if self._interrupted:
            raise KeyboardInterrupt
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


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_following_a_run_that_ends_badly_is_exit_code_1_and_says_why(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execution = FakeExecution(
        status=status,
        error="States.TaskFailed",
        cause='{"ExitMessage": "no text column"}',
        stopDate=datetime(2026, 11, 22, 3, 1, tzinfo=UTC),
    )

    assert follow(execution, RUN.to_dict(), wait=True, json=False) == 1

    ending = capsys.readouterr().out.splitlines()[-1]
    assert ending == f"{status} after 60 s: States.TaskFailed: no text column"


def test_ctrl_c_ends_the_waiting_and_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    execution = FakeExecution(status="RUNNING", interrupted=True)

    assert follow(execution, RUN.to_dict(), wait=True, json=False) == 130

    assert execution.execution_arn in capsys.readouterr().err
