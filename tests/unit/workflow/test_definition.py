"""The definition that is rendered; tests/local runs it, tests/template has the stack's settings."""

from __future__ import annotations

import json
import os
import re

import botocore.session
import pytest
from botocore.validate import ParamValidator

from landrun.errors import ConfigurationError
from landrun_ops.stack.engines import ENGINES
from landrun_ops.workflow import WorkflowConfig, definition, render, template
from landrun_ops.workflow.definition import STEP
from landrun_ops.workflow.definition_file import parse


@pytest.fixture(scope="module")
def committed(root):
    return (root / "src/statemachine/processing.asl.yaml").read_text(encoding="ascii")


def request_of(settings):
    return definition(WorkflowConfig.read(settings))["States"][STEP]["Parameters"]


def problems(request):
    """What SageMaker's model has against a request, with something in each expression's place."""
    text = re.sub(r'"(\w+)\.\$": "[^"]*"', r'"\1": "x"', json.dumps(request))
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    assert shape is not None
    return str(ParamValidator().validate(json.loads(text), shape).generate_report())


def test_the_committed_file_is_rendered_without_region_or_the_users_settings_and_silently(
    committed, tmp_path, monkeypatch, capfd
):
    network = {"NetworkConfig": {"EnableNetworkIsolation": True}}
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"SchemaVersion": "1.0", "SageMaker": {"ProcessingJob": network}}))
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(file))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    assert render() == committed, "run landrun workflow render"
    assert parse(committed) == template()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        pytest.param("ResourceLimitExceededException", 20 * 3600, 30 * 3600, id="a quota: a day"),
        pytest.param("AmazonSageMakerException", 90, 120, id="a request: two minutes"),
    ],
)
def test_a_refused_job_is_requested_for_a_bounded_time_and_a_failed_one_retried_once(
    committed, error, least, most
):
    *particular, last = parse(committed)["States"][STEP]["Retry"]
    [retry] = [one for one in particular if f"SageMaker.{error}" in one["ErrorEquals"]]
    first, rate = retry["IntervalSeconds"], retry["BackoffRate"]
    waits = [min(first * rate**n, retry["MaxDelaySeconds"]) for n in range(retry["MaxAttempts"])]
    assert retry["JitterStrategy"] == "FULL"
    assert least < sum(waits) / 2 <= most
    assert len(waits) * 5 < 25_000 / 10  # events of an execution
    assert (last["ErrorEquals"], last["MaxAttempts"]) == (["States.TaskFailed"], 1)


def test_an_execution_has_time_for_a_day_of_quotas_and_two_attempts(settings):
    settings["max_runtime_in_seconds"] = 1800
    assert WorkflowConfig.read(settings).timeout == 86_400 + 2 * 1800 + 3600
    assert WorkflowConfig.read(settings | {"timeout_in_seconds": 60}).timeout == 60
    assert template()["TimeoutSeconds"] > 2 * 777_600


def test_a_machine_for_one_kind_of_input_has_one_step_with_only_what_is_set(settings):
    assert definition(WorkflowConfig.read(settings))["States"].keys() == {STEP}
    request = request_of(settings)
    assert problems(request) == ""
    assert request.keys() == {
        *("ProcessingJobName.$", "RoleArn", "AppSpecification", "ProcessingInputs"),
        *("ProcessingOutputConfig", "ProcessingResources", "StoppingCondition"),
    }
    image, entrypoint = settings["image_uri"], settings["entrypoint"]
    assert request["AppSpecification"] == {"ImageUri": image, "ContainerEntrypoint": entrypoint}
    [[source], [output]] = request["ProcessingInputs"], request["ProcessingOutputConfig"]["Outputs"]
    assert source["S3Input"]["S3Uri.$"] == "$$.Execution.Input['InputMessage']"
    assert source["S3Input"]["S3DataType"] == "ManifestFile"
    assert output["S3Output"]["S3Uri.$"] == "$$.Execution.Input['OutputProcessedMessage']"


def test_a_setting_that_the_stack_does_not_have_reaches_the_request(settings):
    own = {
        "arguments": "--title 'a & b'",
        "tags": {"team": "ml"},
        "experiment_config": {"TrialName": "t"},
        "input_path": "/opt/ml/processing/in",
        "input_data_type": "S3Prefix",
    }
    request = request_of(settings | own)
    assert problems(request) == ""
    assert request["AppSpecification"]["ContainerArguments"] == ["--title", "a & b"]
    assert request["Tags"] == [{"Key": "team", "Value": "ml"}]
    assert request["ExperimentConfig"] == {"TrialName": "t"}
    [source] = request["ProcessingInputs"]
    assert source["S3Input"]["LocalPath"] == "/opt/ml/processing/in"
    assert source["S3Input"]["S3DataType"] == "S3Prefix"


def test_the_partition_is_the_roles_wherever_it_is_rendered(settings, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    settings["processing_role"] = "arn:aws-cn:iam::123456789012:role/job"
    state = definition(WorkflowConfig.read(settings))["States"][STEP]
    assert state["Resource"] == "arn:aws-cn:states:::sagemaker:createProcessingJob.sync"


def test_smspark_submits_words_mean_nothing_to_a_shell():
    """It joins its arguments and runs them by one (smspark/job.py)."""
    words = (*ENGINES["spark"].entrypoint, *ENGINES["spark"].arguments)
    assert all(re.fullmatch(r"[\w/.-]+", word) for word in words)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("name", "two words"),
        ("processing_role", "my-role"),
        ("instance_count", 0),
        ("max_runtime_in_seconds", 777_601),
        ("arguments", ["x" * 257]),
        ("arguments", "--title ''"),
        ("arguments", ["two\nlines"]),
        ("arguments", "--title 'open"),
        ("manifests", "s3://output/manifests/"),
        ("environment", {"not-a-name": "x"}),
        ("experiment_config", {"Experiment": "x"}),
        ("instances", 3),
    ],
)
def test_a_setting_past_its_limits_is_named(settings, setting, value):
    with pytest.raises(ConfigurationError, match=rf"\b{setting}\b"):
        WorkflowConfig.read(settings | {setting: value})
