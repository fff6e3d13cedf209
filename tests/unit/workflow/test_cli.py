"""The command in this process, against moto's APIs; tests/local runs it against the laptop's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from landrun_ops import cli
from landrun_ops.cli.state_machine import find_machine
from landrun_ops.cli.target import Target
from landrun_ops.stack.stack import Stack
from landrun_ops.workflow import WorkflowConfig, definition, graph, render, template
from landrun_ops.workflow.definition_file import parse

OUTPUTS = {
    "StateMachineArn": "arn:x",
    "OutputBucket": "o",
    "LandingBucket": "l",
    "LandingPrefix": "in/",
}
ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:bsm-batch-preprocessing"
ROLE = "arn:aws:iam::123456789012:role/r"
NEEDED = ("--role", ROLE, "--processing-role", ROLE, "--image", "i")


@pytest.fixture(autouse=True)
def _no_landrun_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for output in ("STATE_MACHINE_ARN", "OUTPUT_BUCKET", "LANDING_BUCKET", "LANDING_PREFIX"):
        monkeypatch.delenv(f"LANDRUN_{output}", raising=False)


@pytest.fixture
def file(tmp_path: Path, settings: dict[str, Any]) -> str:
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return str(path)


def landrun(*arguments: str) -> int:
    return cli.run(["workflow", *arguments])


def test_render_writes_what_check_then_accepts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "new/processing.asl.yaml")
    assert landrun("render", "--out", out, "--check") == 1
    assert landrun("render", "--out", out) == 0
    assert landrun("render", "--out", out, "--check", "--set", "volume_size_in_gb=31") == 1
    assert "run landrun workflow render" in capsys.readouterr().err
    assert landrun("render", "--out", out, "--check", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"path": out, "same": True, "written": False}
    assert Path(out).read_text(encoding="utf-8") == render()


def test_render_checks_the_committed_file_of_the_project(root: Path) -> None:
    assert landrun("render", "--check", "--project", str(root)) == 0


def test_render_to_the_screen_is_yaml_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert landrun("render", "--out", "-", "--set", "environment.LANG=de") == 0
    step = parse(capsys.readouterr().out)["States"]["Process messages"]
    assert step["Parameters"]["Environment"] == {"LANG": "de"}
    assert step["Parameters"]["AppSpecification"]["ImageUri"] == "${landrun_ImageUri}"


def test_create_and_update_make_the_machine_and_show_its_arn_and_graph_draws_it(
    steps: Any, config: WorkflowConfig, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert landrun("create", "--config", file, "--name", "other", "--set", "instance_count=2") == 0
    assert landrun("create", "--config", file, "--json") == 0
    first, rest = capsys.readouterr().out.split("\n", maxsplit=1)
    assert first.endswith(":stateMachine:other")
    assert json.loads(rest) == {"StateMachineArn": ARN}
    made = json.loads(steps.describe_state_machine(stateMachineArn=first)["definition"])
    resources = made["States"]["Process messages"]["Parameters"]["ProcessingResources"]
    assert resources["ClusterConfig"]["InstanceCount"] == 2
    assert landrun("graph", "--state-machine-arn", ARN) == 0
    assert capsys.readouterr().out == graph(definition(config))
    assert landrun("update", "--state-machine-arn", ARN, "--config", file, "--image", "new") == 0
    assert capsys.readouterr().out == f"{ARN}\n"
    assert '"new"' in steps.describe_state_machine(stateMachineArn=ARN)["definition"]


def test_graph_draws_the_templates_machine_or_gives_its_definition(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert landrun("graph") == 0
    assert capsys.readouterr().out == graph(template())
    assert landrun("graph", "--json") == 0
    assert json.loads(capsys.readouterr().out) == template()


@pytest.fixture
def machine(steps: Any, file: str, capsys: pytest.CaptureFixture[str]) -> str:
    """A machine that `create` made: its ARN."""
    landrun("create", "--config", file)
    return capsys.readouterr().out.strip()


def test_execute_starts_a_run_and_says_so(
    s3: Any, machine: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket="landing", Key="in/a.csv", Body=b"x")
    monkeypatch.setenv("LANDRUN_STATE_MACHINE_ARN", machine)
    assert landrun("execute", "s3://landing/in", "s3://output/x", "--prefix", "bsm") == 0
    said = capsys.readouterr().out
    assert re.fullmatch(
        r"started bsm-\w{32}, reading s3://output/manifests/bsm-\w{32}\.json\n", said
    )


def test_execute_as_is_passes_both_uris_and_no_trigger_as_a_notebook_does(
    steps: Any, machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uris = ("s3://anywhere/in", "s3://anywhere/out")
    assert landrun("execute", *uris, "--as-is", "--state-machine-arn", machine, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    run = json.loads(steps.describe_execution(executionArn=said["ExecutionArn"])["input"])
    assert (run["InputMessage"], run["OutputProcessedMessage"]) == uris
    assert run.keys() == {"PreprocessingJobName", "InputMessage", "OutputProcessedMessage"}
    assert {name: said[name] for name in run} == run


@pytest.mark.parametrize("how", [[], ["--as-is"]])
def test_an_output_that_would_start_runs_is_refused(
    steps: Any,
    machine: str,
    how: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANDRUN_LANDING_BUCKET", "landing")
    monkeypatch.setenv("LANDRUN_LANDING_PREFIX", "incoming/")
    uris = ("s3://landing/in/", "s3://landing/incoming/out/")
    assert landrun("execute", *uris, *how, "--state-machine-arn", machine) == 2
    assert "lies under the landing prefix" in capsys.readouterr().err
    assert steps.list_executions(stateMachineArn=machine)["executions"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create"], "missing --role, --processing-role, --image"),
        (["update", "--set", "image_uri=x"], "missing --processing-role: give"),
        (["create", *NEEDED, "--name", "a b"], "name: "),
        (["create", "--config", "gone.toml"], "cannot read gone.toml"),
        (["create", "--set", "instance_count"], "write name=value"),
        (["render", "--set", "instances=3", "--out", "-"], "instances"),
        (["render", "--out", "/proc/no/such"], "cannot write"),
        (["execute", "s3://a/b", "s3://c/d"], "LANDRUN_STATE_MACHINE_ARN"),
        (["execute", "in", "s3://c/d"], "'in' is not an S3 URI"),
        (["execute", "s3://a/b"], "OUTPUT"),
        (["execute", "s3://a/b", "s3://c/d", "--state-machine-arn", ARN], "StateMachineDoesNot"),
        (["graph", "--state-machine-arn", "x"], "states:DescribeStateMachine"),
        (["paint"], "No such command"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    aws: None, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert landrun(*arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_a_stack_that_the_options_name_goes_before_a_machine_that_the_environment_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs = Stack("theirs", "eu-west-1", OUTPUTS, {}, lambda service: service)
    monkeypatch.setattr("landrun_ops.stack.stack.find", lambda name, **_: theirs)
    monkeypatch.setenv("LANDRUN_STACK", "ours")
    monkeypatch.setenv("LANDRUN_STATE_MACHINE_ARN", ARN)
    named = find_machine(Target(stack="theirs"), ARN)
    assert (named.arn, named.client("s3"), str(named.landing)) == ("arn:x", "s3", "s3://l/in/")
    assert find_machine(Target(stack="ours"), ARN).arn == ARN
    assert find_machine(Target(stack="theirs"), "arn:of-the-options").arn == "arn:of-the-options"
    assert find_machine(Target(stack="ours"), "").arn == "arn:x"


@pytest.mark.parametrize("command", ["render", "create", "update", "graph", "execute"])
def test_every_command_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert landrun(command, "--help") == 0
    assert f"Example: landrun workflow {command}" in " ".join(capsys.readouterr().out.split())


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    landrun("--help")
    assert set(WorkflowConfig.model_fields) <= set(capsys.readouterr().out.split())
