"""The notebook's workflow: what is rendered, and `landrun workflow` on moto's Step Functions.

tests/local runs both on the laptop's AWS; tests/template has the settings that the stack has.
"""

import json
import logging
import re

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from moto import mock_aws

from landrun.errors import ConfigurationError
from landrun_ops import cli, workflow
from landrun_ops.stack.stack import Stack
from landrun_ops.workflow import WorkflowConfig, definition, render, template
from landrun_ops.workflow.definition import STEP
from landrun_ops.workflow.definition_file import parse
from landrun_ops.workflow.settings import read_settings, with_words

ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:bsm-batch-preprocessing"
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
NO_ROLE = ("--set", f"processing_role={OTHER_ROLE}", "--set", "image_uri=i")
SETTINGS = {
    "name": "bsm-batch-preprocessing",
    "role": "arn:aws:iam::123456789012:role/steps",
    "processing_role": "arn:aws:iam::123456789012:role/job",
    "image_uri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/messages:1",
    "entrypoint": ["python3", "/opt/program/my_script.py"],
}


def step_of(settings):
    """The only state of a workflow of these settings, whose request SageMaker's model accepts."""
    [state] = definition(WorkflowConfig.read(settings))["States"].values()
    something = re.sub(r'"(\w+)\.\$": "[^"]*"', r'"\1": "x"', json.dumps(state["Parameters"]))
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    assert not ParamValidator().validate(json.loads(something), shape).has_errors()
    return state, state["Parameters"]


def test_the_committed_file_is_rendered_without_region_or_the_users_settings_and_silently(
    root, tmp_path, monkeypatch, capfd
):
    network = {"NetworkConfig": {"EnableNetworkIsolation": True}}
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"SchemaVersion": "1.0", "SageMaker": {"ProcessingJob": network}}))
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(file))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    committed = (root / "src/statemachine/processing.asl.yaml").read_text(encoding="ascii")
    assert render() == committed, "run landrun workflow render"
    assert parse(committed) == template()
    assert capfd.readouterr() == ("", "")


def test_the_sdk_leaves_the_root_logger_as_it_was():
    """It sets the root logger to ERROR when it is imported."""
    from landrun_ops.workflow import sdk  # noqa: PLC0415 - takes seconds

    before = logging.getLogger().level
    with sdk.quietly():
        logging.getLogger().setLevel(logging.ERROR)
    assert logging.getLogger().level == before != logging.ERROR


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        pytest.param("ResourceLimitExceededException", 20 * 3600, 30 * 3600, id="a quota: a day"),
        pytest.param("AmazonSageMakerException", 90, 120, id="a request: two minutes"),
    ],
)
def test_a_refused_job_is_requested_for_a_bounded_time_and_a_failed_one_retried_once(
    error, least, most
):
    *particular, last = template()["States"][STEP]["Retry"]
    [retry] = [one for one in particular if f"SageMaker.{error}" in one["ErrorEquals"]]
    first, rate = retry["IntervalSeconds"], retry["BackoffRate"]
    waits = [min(first * rate**n, retry["MaxDelaySeconds"]) for n in range(retry["MaxAttempts"])]
    assert retry["JitterStrategy"] == "FULL"
    assert least < sum(waits) / 2 <= most
    assert len(waits) * 5 < 25_000 / 10  # events of an execution
    assert (last["ErrorEquals"], last["MaxAttempts"]) == (["States.TaskFailed"], 1)


def test_an_execution_has_time_for_a_day_of_quotas_and_two_attempts():
    settings = SETTINGS | {"max_runtime_in_seconds": 1800}
    assert WorkflowConfig.read(settings).timeout == 86_400 + 2 * 1800 + 3600
    assert WorkflowConfig.read(settings | {"timeout_in_seconds": 60}).timeout == 60
    assert template()["TimeoutSeconds"] > 2 * 777_600


def test_a_machine_for_one_kind_of_input_has_one_step_with_only_what_is_set():
    state, request = step_of(SETTINGS)
    assert state["Resource"] == "arn:aws:states:::sagemaker:createProcessingJob.sync"
    assert request.keys() == {
        *("ProcessingJobName.$", "RoleArn", "AppSpecification", "ProcessingInputs"),
        *("ProcessingOutputConfig", "ProcessingResources", "StoppingCondition"),
    }
    image, entrypoint = SETTINGS["image_uri"], SETTINGS["entrypoint"]
    assert request["AppSpecification"] == {"ImageUri": image, "ContainerEntrypoint": entrypoint}
    [[source], [output]] = request["ProcessingInputs"], request["ProcessingOutputConfig"]["Outputs"]
    assert source["S3Input"]["S3Uri.$"] == "$$.Execution.Input['InputMessage']"
    assert source["S3Input"]["S3DataType"] == "ManifestFile"
    assert output["S3Output"]["S3Uri.$"] == "$$.Execution.Input['OutputProcessedMessage']"


def test_a_setting_that_the_stack_does_not_have_reaches_the_request():
    own = {
        "processing_role": "arn:aws-cn:iam::123456789012:role/job",
        "tags": {"team": "ml"},
        "experiment_config": {"TrialName": "t"},
        "input_path": "/opt/ml/processing/in",
        "input_data_type": "S3Prefix",
    }
    state, request = step_of(SETTINGS | own)
    assert state["Resource"] == "arn:aws-cn:states:::sagemaker:createProcessingJob.sync"
    assert request["Tags"] == [{"Key": "team", "Value": "ml"}]
    assert request["ExperimentConfig"] == {"TrialName": "t"}
    [source] = request["ProcessingInputs"]
    assert source["S3Input"]["LocalPath"] == "/opt/ml/processing/in"
    assert source["S3Input"]["S3DataType"] == "S3Prefix"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("processing_role", "my-role"),
        ("instance_count", 0),
        ("max_runtime_in_seconds", 777_601),
        ("arguments", ["x" * 257]),
        ("arguments", "--title ''"),
        ("arguments", "--title 'open"),
        ("manifests", "s3://output/manifests/"),
        ("environment", {"not-a-name": "x"}),
        ("instances", 3),
    ],
)
def test_a_setting_past_its_limits_is_named(setting, value):
    with pytest.raises(ConfigurationError, match=rf"\b{setting}\b"):
        WorkflowConfig.read(SETTINGS | {setting: value})


# ---- The commands


@pytest.fixture
def steps(monkeypatch):
    """Step Functions' API, which runs nothing."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("stepfunctions")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(SETTINGS), encoding="utf-8")
    return path


@pytest.fixture
def machine(steps, file, capsys):
    """A machine that `create` made: its ARN."""
    assert landrun("create", "--config", str(file), "--set", "workflow_tags.a=b") == 0
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


def test_a_machine_is_created_once_with_its_tags_and_changed_by_an_update_only(
    machine, steps, file, capsys
):
    assert machine == ARN
    assert landrun("create", "--config", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"StateMachineArn": ARN}
    assert steps.list_tags_for_resource(resourceArn=ARN)["tags"] == [{"key": "a", "value": "b"}]
    with_file, role = ("--config", str(file), "--set"), f"role={OTHER_ROLE}"
    for changed in ("instance_count=2", role):
        assert landrun("create", *with_file, changed) == 2
        assert f"update --state-machine-arn {ARN}" in capsys.readouterr().err
    update = ("update", "--state-machine-arn", ARN, *with_file, "instance_count=2", "--set", role)
    assert landrun(*update) == 0
    made = workflow.describe(ARN, steps)
    assert made["roleArn"] == OTHER_ROLE
    wanted = definition(WorkflowConfig.read(SETTINGS | {"instance_count": 2}))
    assert json.loads(made["definition"]) == wanted


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
        (["create"], "check processing_role (Field required); check image_uri"),
        (["create", *NO_ROLE], "set role to its ARN"),
        (["create", "--config", "gone.toml"], "cannot read gone.toml"),
        (["render", "--set", "instance_count"], "instance_count"),
        (["render", "--set", "entrypoint=[1"], "entrypoint=[1"),
        (["render", "--out", "/proc/no/such"], "cannot write"),
        (["execute", "s3://a/b", "s3://c/d"], "no stack: name a deployed one with --stack"),
        (["execute", "in", "s3://c/d"], "'in' is not an S3 URI"),
        (["execute", "s3://a/b", "s3://c/d", "--state-machine-arn", ARN], "StateMachineDoesNot"),
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
