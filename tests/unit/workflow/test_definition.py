from __future__ import annotations

import json
import logging
import os
import re

import botocore.session
import pytest
from botocore.validate import ParamValidator

from landrun.models.run import ATTEMPT_SUFFIX_LENGTH, PREFIX_LIMIT
from landrun_ops.stack.engines import ENGINES
from landrun_ops.workflow import WorkflowConfig, definition, render, sdk, template
from landrun_ops.workflow.definition import (
    READ_MANIFEST,
    READ_PREFIX,
    READ_RUN,
    REFUSE_PREFIX,
    SELECT_INPUT,
    STEP,
    _processor,
)
from landrun_ops.workflow.definition_file import parse

BOTH_INPUTS = {"manifests": "s3://output/manifests/", "job_name_prefix": "landrun"}
FRESH_NAME = (
    "States.Format('{}-{}', $$.Execution.Input.PreprocessingJobName,"
    " States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))"
)
NETWORK = {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]}
VPC = '"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}'

SETTINGS = [
    ("instance_type", "ml.c5.xlarge", "ProcessingResources", "ml.c5.xlarge"),
    ("instance_count", 7, "ProcessingResources", '"InstanceCount": 7'),
    ("volume_size_in_gb", 99, "ProcessingResources", '"VolumeSizeInGB": 99'),
    ("volume_kms_key", "alias/volume", "ProcessingResources", '"VolumeKmsKeyId": "alias/volume'),
    ("output_kms_key", "alias/output", "ProcessingOutputConfig", '"KmsKeyId": "alias/output'),
    ("max_runtime_in_seconds", 60, "StoppingCondition", '"MaxRuntimeInSeconds": 60'),
    ("environment", {"LANG": "de"}, "Environment", '{"LANG": "de"}'),
    ("arguments", "--title 'a & b'", "AppSpecification", '["--title", "a & b"]'),
    ("tags", {"team": "ml"}, "Tags", '[{"Key": "team", "Value": "ml"}]'),
    ("experiment_config", {"TrialName": "t"}, "ExperimentConfig", '{"TrialName": "t"}'),
    ("input_data_type", "S3Prefix", "ProcessingInputs", '"S3DataType": "S3Prefix"'),
    ("input_distribution", "ShardedByS3Key", "ProcessingInputs", "ShardedByS3Key"),
    ("input_path", "/opt/ml/processing/in", "ProcessingInputs", "/opt/ml/processing/in"),
    ("network", NETWORK, "NetworkConfig", VPC),
]
"""A setting, its value, where in the request it has to be, and how."""


@pytest.fixture(scope="module")
def committed(root):
    return (root / "src/statemachine/processing.asl.yaml").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def step(committed):
    return parse(committed)["States"][STEP]


def request_of(settings):
    states = definition(WorkflowConfig.read(settings))["States"]
    return states[STEP]["Parameters"]


def problems(request):
    """What SageMaker's model has against a request, with something in each expression's place."""
    text = re.sub(r'"(\w+)\.\$": "[^"]*"', r'"\1": "x"', json.dumps(request))
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    assert shape is not None
    return str(ParamValidator().validate(json.loads(text), shape).generate_report())


def test_the_committed_file_is_what_the_workflow_renders(committed):
    assert render() == committed, "run landrun workflow render"
    assert parse(committed) == template()


def test_rendering_needs_no_region_follows_no_settings_of_the_user_and_is_silent(
    committed, tmp_path, monkeypatch, capfd
):
    network = {"NetworkConfig": {"EnableNetworkIsolation": True}}
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"SchemaVersion": "1.0", "SageMaker": {"ProcessingJob": network}}))
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(file))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    assert render() == committed
    assert capfd.readouterr() == ("", "")


def test_the_sdk_leaves_the_loggers_as_they_were():
    """It sets the root logger to ERROR when it is imported."""
    root = logging.getLogger()
    before = root.level
    assert before != logging.ERROR
    with sdk.quietly():
        root.setLevel(logging.ERROR)
    assert root.level == before


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        pytest.param("ResourceLimitExceededException", 20 * 3600, 30 * 3600, id="a quota: a day"),
        pytest.param("AmazonSageMakerException", 90, 120, id="a request: two minutes"),
    ],
)
def test_a_refused_job_is_requested_again_for_a_bounded_time(step, error, least, most):
    [retry] = [one for one in step["Retry"] if f"SageMaker.{error}" in one["ErrorEquals"]]
    first, rate = retry["IntervalSeconds"], retry["BackoffRate"]
    waits = [min(first * rate**n, retry["MaxDelaySeconds"]) for n in range(retry["MaxAttempts"])]
    assert retry["JitterStrategy"] == "FULL"
    assert least < sum(waits) / 2 <= most
    assert len(waits) * 5 < 25_000 / 10  # events of an execution


def test_a_failed_job_is_retried_once_and_only_after_the_particular_errors(step):
    *particular, last = step["Retry"]
    errors = [error for retry in particular for error in retry["ErrorEquals"]]
    assert (last["ErrorEquals"], last["MaxAttempts"]) == (["States.TaskFailed"], 1)
    assert not any(error.startswith("States.") for error in errors)


def test_without_trigger_the_job_is_named_by_the_prefix_and_a_uuid(settings):
    assert request_of(settings | BOTH_INPUTS)["ProcessingJobName.$"] == (
        f"States.ArrayGetItem(States.Array({FRESH_NAME},"
        " States.Format('landrun-{}', States.UUID())), $.Job.NameIndex)"
    )
    assert len("-6f7f0c52") == ATTEMPT_SUFFIX_LENGTH
    assert PREFIX_LIMIT + 1 + 36 <= 63


@pytest.mark.parametrize("engine", ENGINES)
def test_a_choice_tells_manifests_from_prefixes(settings, engine):
    own = settings | BOTH_INPUTS | {"engine": engine}
    states = definition(WorkflowConfig.read(own))["States"]
    select = states[SELECT_INPUT]
    assert [(*one.values(),) for one in select["Choices"]] == [
        ("$.Trigger", True, READ_RUN),
        ("$.InputMessage", "s3://output/manifests/*", READ_MANIFEST),
        ("$.InputMessage", "*" if engine == "spark" else "-", REFUSE_PREFIX),
    ]
    assert select["Default"] == READ_PREFIX
    manifest = ENGINES[engine].input_data_type
    chosen = {READ_RUN: (manifest, 0), READ_MANIFEST: (manifest, 1), READ_PREFIX: ("S3Prefix", 1)}
    for name, (data_type, index) in chosen.items():
        assert states[name]["Result"] == {"S3DataType": data_type, "NameIndex": index}
    assert "landrun start" in states[REFUSE_PREFIX]["CausePath"]


def test_a_machine_for_one_kind_of_input_has_one_step_with_only_what_is_set(settings):
    assert definition(WorkflowConfig.read(settings))["States"].keys() == {STEP}
    request = request_of(settings)
    assert problems(request) == ""
    assert request["ProcessingJobName.$"] == FRESH_NAME
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


def test_every_setting_of_the_notebook_reaches_the_request(settings):
    request = request_of(settings | {setting: value for setting, value, _, _ in SETTINGS})
    for _, _, where, rendered in SETTINGS:
        assert rendered in json.dumps(request[where])
    assert problems(request) == ""
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = "one"
    assert "InstanceCount" in problems(request)


def test_the_partition_is_the_roles_wherever_it_is_rendered(settings, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    settings["processing_role"] = "arn:aws-cn:iam::123456789012:role/job"
    state = definition(WorkflowConfig.read(settings))["States"][STEP]
    assert state["Resource"] == "arn:aws-cn:states:::sagemaker:createProcessingJob.sync"


def test_spark_is_built_with_the_sdks_spark_processor_and_submitted(settings):
    del settings["entrypoint"]
    settings["engine"] = "spark"
    with sdk.quietly():
        processor = _processor(sdk, WorkflowConfig.read(settings))
    assert isinstance(processor, sdk.spark.PySparkProcessor)
    request = request_of(settings)
    [source] = request["ProcessingInputs"]
    assert source["S3Input"]["S3DataType"] == "S3Prefix"
    assert request["AppSpecification"]["ContainerEntrypoint"] == list(ENGINES["spark"].entrypoint)
    mine = settings | {"entrypoint": "smspark-submit -v /opt/program/mine.py"}
    app = request_of(mine)["AppSpecification"]
    assert app["ContainerEntrypoint"] == ["smspark-submit", "-v", "/opt/program/mine.py"]
    assert app["ContainerArguments"] == list(ENGINES["spark"].arguments)


def test_smspark_submits_words_mean_nothing_to_a_shell():
    """It joins its arguments and runs them by one (smspark/job.py)."""
    words = (*ENGINES["spark"].entrypoint, *ENGINES["spark"].arguments)
    assert all(re.fullmatch(r"[\w/.-]+", word) for word in words)
