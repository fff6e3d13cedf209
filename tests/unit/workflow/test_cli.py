"""`landrun workflow` on moto's APIs; tests/local runs it on the laptop's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from unittest.mock import Mock

import pytest

from landrun.errors import ConfigurationError
from landrun_ops import cli, workflow
from landrun_ops.stack.stack import Stack
from landrun_ops.workflow import WorkflowConfig, render
from landrun_ops.workflow.definition_file import parse

ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:bsm-batch-preprocessing"
ROLE = "arn:aws:iam::123456789012:role/r"
NEEDED = ("--role", ROLE, "--processing-role", ROLE, "--image", "i")


@pytest.fixture
def file(tmp_path, settings):
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return str(path)


def landrun(*arguments):
    return cli.run(["workflow", *arguments])


def test_render_writes_what_check_then_accepts(tmp_path, root, capsys):
    assert landrun("render", "--check", "--project", str(root)) == 0
    out = str(tmp_path / "new/processing.asl.yaml")
    assert landrun("render", "--out", out, "--check") == 1
    assert landrun("render", "--out", out) == 0
    assert landrun("render", "--out", out, "--check", "--set", "volume_size_in_gb=31") == 1
    assert "run landrun workflow render" in capsys.readouterr().err
    assert landrun("render", "--out", out, "--check", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"path": out, "same": True, "written": False}
    assert Path(out).read_text(encoding="utf-8") == render()


def test_settings_replace_their_tokens_and_stdout_is_yaml(capsys):
    assert landrun("render", "--out", "-", "--set", "environment.LANG=de") == 0
    step = parse(capsys.readouterr().out)["States"]["Process messages"]
    assert step["Parameters"]["Environment"] == {"LANG": "de"}
    assert step["Parameters"]["AppSpecification"]["ImageUri"] == "${landrun_ImageUri}"


def test_create_makes_the_rendered_machine_once_with_its_tags(steps, file, settings, capsys):
    words = ("create", "--config", file, "--set", "instance_count=2", "--set", "workflow_tags.a=b")
    assert landrun(*words) == 0
    assert capsys.readouterr().out == f"{ARN}\n"
    assert landrun(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"StateMachineArn": ARN}
    made, config = (
        workflow.describe(ARN, steps),
        WorkflowConfig.read(settings | {"instance_count": 2}),
    )
    assert (made["name"], made["roleArn"]) == (config.name, config.role)
    assert json.loads(made["definition"]) == workflow.definition(config)
    assert steps.list_tags_for_resource(resourceArn=ARN)["tags"] == [{"key": "a", "value": "b"}]


def test_update_changes_the_definition_and_keeps_the_role(machine, steps, file, settings, capsys):
    assert (
        landrun("update", "--state-machine-arn", machine, "--config", file, "--image", "new") == 0
    )
    assert capsys.readouterr().out == f"{machine}\n"
    made, config = workflow.describe(machine, steps), settings | {"image_uri": "new"}
    assert json.loads(made["definition"]) == workflow.definition(WorkflowConfig.read(config))
    assert made["roleArn"] == settings["role"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"instance_count": 2}, "update --state-machine-arn arn:"),
        ({"role": "arn:aws:iam::123456789012:role/other"}, "update --state-machine-arn arn:"),
        ({"role": None}, "needs a role"),
    ],
)
def test_create_refuses_another_machine_of_the_name_and_one_without_a_role(
    machine, steps, settings, change, says
):
    with pytest.raises(ConfigurationError, match=says):
        workflow.create(WorkflowConfig.read(settings | change), steps)


@pytest.fixture
def machine(steps, file, capsys):
    """A machine that `create` made: its ARN."""
    landrun("create", "--config", file)
    return capsys.readouterr().out.strip()


def test_execute_passes_both_uris_and_no_trigger_as_a_notebook_does(steps, machine, capsys):
    uris = ("s3://anywhere/in", "s3://anywhere/out")
    options = ("--state-machine-arn", machine, "--prefix", "bsm", "--json")
    assert landrun("execute", *uris, *options) == 0
    said = json.loads(capsys.readouterr().out)
    run = json.loads(steps.describe_execution(executionArn=said["ExecutionArn"])["input"])
    assert (run["InputMessage"], run["OutputProcessedMessage"]) == uris
    assert run.keys() == {"PreprocessingJobName", "InputMessage", "OutputProcessedMessage"}
    assert {name: said[name] for name in run} == run
    assert re.fullmatch(r"bsm-\w{32}", run["PreprocessingJobName"])


def test_an_output_that_would_start_runs_of_the_stack_is_refused(
    steps, machine, capsys, monkeypatch
):
    outputs = {"StateMachineArn": machine, "LandingBucket": "landing", "LandingPrefix": "incoming/"}
    stack = Stack("landrun", "eu-central-1", outputs, {}, lambda _: steps)
    monkeypatch.setattr("landrun_ops.stack.stack.find", lambda *_, **__: stack)
    uris = ("s3://landing/in/", "s3://landing/incoming/out/")
    assert landrun("execute", *uris, "--stack", "landrun") == 2
    assert "lies under the landing prefix" in capsys.readouterr().err
    assert steps.list_executions(stateMachineArn=machine)["executions"] == []


def test_an_execution_is_described_until_it_has_ended():
    statuses = ["RUNNING", "RUNNING", "FAILED", "never asked for"]
    client = Mock(**{"describe_execution.side_effect": [{"status": one} for one in statuses]})
    slept = []
    assert workflow.wait("arn", client, slept.append)["status"] == "FAILED"
    assert slept == [workflow.machine.POLL_SECONDS] * 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create"], "missing --role, --processing-role, --image"),
        (["update", "--set", "image_uri=x"], "missing --processing-role: give"),
        (["create", *NEEDED, "--name", "a b"], "check name ("),
        (["create", *NEEDED, "--set", "name.first=x"], "check name ("),
        (["create", "--config", "gone.toml"], "cannot read gone.toml"),
        (["render", "--set", "instance_count"], "instance_count"),
        (["render", "--set", "=3"], "=3"),
        (["render", "--set", "entrypoint=[1"], "entrypoint=[1"),
        (["render", "--set", "instances=3", "--out", "-"], "instances"),
        (["render", "--out", "/proc/no/such"], "cannot write"),
        (["execute", "s3://a/b", "s3://c/d"], "no stack: name a deployed one with --stack"),
        (["execute", "in", "s3://c/d"], "'in' is not an S3 URI"),
        (["execute", "s3://a/b"], "OUTPUT"),
        (["execute", "s3://a/b", "s3://c/d", "--state-machine-arn", ARN], "StateMachineDoesNot"),
        (["update", "--state-machine-arn", ARN, *NEEDED[2:]], "StateMachineDoesNot"),
        (["paint"], "No such command"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(steps, arguments, says, capsys):
    assert landrun(*arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_help_names_every_setting(capsys):
    landrun("--help")
    assert set(WorkflowConfig.model_fields) <= set(capsys.readouterr().out.split())
