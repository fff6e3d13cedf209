"""`landrun workflow` on moto's Step Functions; tests/local runs it on the laptop's."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from landrun.errors import ConfigurationError
from landrun_ops import cli, workflow
from landrun_ops.stack.stack import Stack
from landrun_ops.workflow import WorkflowConfig, render
from landrun_ops.workflow.definition_file import parse
from landrun_ops.workflow.settings import read_settings, with_words

ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:bsm-batch-preprocessing"
ROLE = "arn:aws:iam::123456789012:role/r"
NEEDED = ("--role", ROLE, "--processing-role", ROLE, "--image", "i")


@pytest.fixture
def steps(monkeypatch):
    """Step Functions' API, which runs nothing."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("stepfunctions")


@pytest.fixture
def file(tmp_path, settings):
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return str(path)


@pytest.fixture
def machine(steps, file, capsys):
    """A machine that `create` made: its ARN."""
    assert landrun("create", "--config", file, "--set", "workflow_tags.a=b") == 0
    return capsys.readouterr().out.strip()


def landrun(*arguments):
    return cli.run(["workflow", *arguments])


def test_render_writes_what_check_accepts_with_settings_in_place_of_tokens(tmp_path, root, capsys):
    assert landrun("render", "--check", "--project", str(root)) == 0
    path = tmp_path / "new/processing.asl.yaml"
    out = ("render", "--out", str(path))
    assert landrun(*out, "--check") == 1
    assert landrun(*out) == 0
    assert landrun(*out, "--check", "--set", "volume_size_in_gb=31") == 1
    assert "run landrun workflow render" in capsys.readouterr().err
    assert landrun(*out, "--check", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"path": str(path), "same": True, "written": False}
    assert path.read_text(encoding="utf-8") == render()
    assert landrun("render", "--out", "-", "--set", "environment.LANG=de") == 0
    request = parse(capsys.readouterr().out)["States"]["Process messages"]["Parameters"]
    assert request["Environment"] == {"LANG": "de"}
    assert request["AppSpecification"]["ImageUri"] == "${landrun_ImageUri}"


def test_a_machine_is_created_once_with_its_tags_and_updated_with_its_role(
    machine, steps, file, settings, capsys
):
    assert machine == ARN
    assert landrun("create", "--config", file, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"StateMachineArn": ARN}
    assert steps.list_tags_for_resource(resourceArn=ARN)["tags"] == [{"key": "a", "value": "b"}]
    for arguments, changes in (((), {}), (("--image", "new"), {"image_uri": "new"})):
        if changes:
            assert landrun("update", "--state-machine-arn", ARN, "--config", file, *arguments) == 0
        made, wanted = workflow.describe(ARN, steps), WorkflowConfig.read(settings | changes)
        assert json.loads(made["definition"]) == workflow.definition(wanted)
        assert made["roleArn"] == settings["role"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"instance_count": 2}, "update --state-machine-arn arn:"),
        ({"role": "arn:aws:iam::123456789012:role/other"}, "update --state-machine-arn arn:"),
        ({"role": None}, "needs a role"),
    ],
)
@pytest.mark.usefixtures("machine")
def test_create_refuses_another_machine_of_the_name_and_one_without_a_role(
    steps, settings, change, says
):
    with pytest.raises(ConfigurationError, match=says):
        workflow.create(WorkflowConfig.read(settings | change), steps)


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
@pytest.mark.usefixtures("steps")
def test_a_mistake_is_one_line_and_exit_code_2(arguments, says, capsys):
    assert landrun(*arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_help_names_every_setting(capsys):
    landrun("--help")
    assert set(WorkflowConfig.model_fields) <= set(capsys.readouterr().out.split())


def test_set_overrides_the_file_key_by_key(tmp_path):
    file = tmp_path / "workflow.toml"
    file.write_text('name = "a"\ninstance_count = 2\n[tags]\nteam = "ml"\n', encoding="utf-8")
    words = ["instance_count=3", "tags.cost.center=7", 'entrypoint=["x", "y z"]']
    assert with_words(read_settings(file), words) == {
        "name": "a",
        "instance_count": "3",
        "tags": {"team": "ml", "cost.center": "7"},
        "entrypoint": ["x", "y z"],
    }


def test_a_file_without_settings_is_named(tmp_path):
    for name, content in (("a.toml", "name: x"), ("b.json", "{"), ("c.json", "[]")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=name):
            read_settings(tmp_path / name)
