from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from landrun.errors import ConfigurationError, ServiceError
from landrun_ops import workflow
from landrun_ops.workflow import WorkflowConfig

RUN = {"PreprocessingJobName": "bsm"}
GONE = "arn:aws:states:eu-central-1:123456789012:stateMachine:gone"


def test_create_makes_the_machine_that_is_rendered_with_its_tags_once(settings, steps):
    config = WorkflowConfig.read(settings | {"workflow_tags": {"team": "ml"}})
    arn = workflow.create(config, steps)
    assert workflow.create(config, steps) == arn
    made = workflow.describe(arn, steps)
    assert (made["name"], made["roleArn"]) == ("bsm-batch-preprocessing", config.role)
    assert json.loads(made["definition"]) == workflow.definition(config)
    assert steps.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "ml"}]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"instance_count": 2}, "update --state-machine-arn arn:"),
        ({"role": "arn:aws:iam::123456789012:role/other"}, "update --state-machine-arn arn:"),
        ({"role": None}, "needs a role"),
    ],
)
def test_another_machine_of_the_same_name_and_one_without_a_role_are_not_created(
    settings, steps, change, says
):
    workflow.create(WorkflowConfig.read(settings), steps)
    with pytest.raises(ConfigurationError, match=says):
        workflow.create(WorkflowConfig.read(settings | change), steps)


def test_update_changes_the_definition_and_keeps_the_role(settings, steps):
    arn = workflow.create(WorkflowConfig.read(settings), steps)
    changed = WorkflowConfig.read(settings | {"role": None, "instance_count": 2})
    workflow.update(changed, arn, steps)
    now = workflow.describe(arn, steps)
    assert json.loads(now["definition"]) == workflow.definition(changed)
    assert now["roleArn"] == settings["role"]


def test_an_execution_is_described_until_it_has_ended():
    statuses = iter(["RUNNING", "RUNNING", "FAILED", "never asked for"])
    client = SimpleNamespace(describe_execution=lambda **_: {"status": next(statuses)})
    slept = []
    assert workflow.wait("arn", client, slept.append)["status"] == "FAILED"
    assert slept == [workflow.machine.POLL_SECONDS] * 2


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda steps: workflow.describe(GONE, steps), "StateMachineDoesNotExist"),
        (lambda steps: workflow.execute(GONE, RUN, steps), "StateMachineDoesNotExist"),
        (lambda steps: workflow.wait("gone", steps), "InvalidArn|ExecutionDoesNotExist"),
    ],
)
def test_what_is_not_there_is_an_error(steps, call, code):
    with pytest.raises(ServiceError, match=code):
        call(steps)
