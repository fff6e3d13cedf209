"""The command in this process, against moto's APIs; tests/local runs it against the laptop's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from landrun_ops import cli
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


def test_settings_replace_their_tokens_and_the_screen_gets_yaml_and_nothing_else(capsys):
    assert landrun("render", "--out", "-", "--set", "environment.LANG=de") == 0
    step = parse(capsys.readouterr().out)["States"]["Process messages"]
    assert step["Parameters"]["Environment"] == {"LANG": "de"}
    assert step["Parameters"]["AppSpecification"]["ImageUri"] == "${landrun_ImageUri}"


def test_create_and_update_make_the_machine_and_show_its_arn(steps, file, capsys):
    assert landrun("create", "--config", file, "--name", "other", "--set", "instance_count=2") == 0
    assert landrun("create", "--config", file, "--json") == 0
    first, rest = capsys.readouterr().out.split("\n", maxsplit=1)
    assert first.endswith(":stateMachine:other")
    assert json.loads(rest) == {"StateMachineArn": ARN}
    made = json.loads(steps.describe_state_machine(stateMachineArn=first)["definition"])
    resources = made["States"]["Process messages"]["Parameters"]["ProcessingResources"]
    assert resources["ClusterConfig"]["InstanceCount"] == 2
    assert landrun("update", "--state-machine-arn", ARN, "--config", file, "--image", "new") == 0
    assert capsys.readouterr().out == f"{ARN}\n"
    assert '"new"' in steps.describe_state_machine(stateMachineArn=ARN)["definition"]


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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create"], "missing --role, --processing-role, --image"),
        (["update", "--set", "image_uri=x"], "missing --processing-role: give"),
        (["create", *NEEDED, "--name", "a b"], "check name ("),
        (["create", *NEEDED, "--set", "name.first=x"], "check name ("),
        (["create", "--config", "gone.toml"], "cannot read gone.toml"),
        (["render", "--set", "instances=3", "--out", "-"], "instances"),
        (["render", "--out", "/proc/no/such"], "cannot write"),
        (["execute", "s3://a/b", "s3://c/d"], "no stack: name a deployed one with --stack"),
        (["execute", "in", "s3://c/d"], "'in' is not an S3 URI"),
        (["execute", "s3://a/b"], "OUTPUT"),
        (["execute", "s3://a/b", "s3://c/d", "--state-machine-arn", ARN], "StateMachineDoesNot"),
        (["paint"], "No such command"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(aws, arguments, says, capsys):
    assert landrun(*arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_help_names_every_setting(capsys):
    landrun("--help")
    assert set(WorkflowConfig.model_fields) <= set(capsys.readouterr().out.split())
