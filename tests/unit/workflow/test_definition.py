from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from cfnlint.api import lint_all  # type: ignore[import-untyped]

from landrun.models.run import ATTEMPT_SUFFIX_LENGTH, INPUT_FIELDS
from landrun_ops.workflow import TEMPLATE, WorkflowConfig, definition, render
from landrun_ops.workflow.definition import STEP

INPUT_PATH = re.compile(r"\$\$\.Execution\.Input(?:\['(\w+)'\]|\.(\w+))")


@pytest.fixture(scope="module")
def committed(root: Path) -> str:
    return (root / "src/statemachine/processing.asl.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def step(committed: str) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(committed)["States"][STEP]
    return state


def filled_in(definition: dict[str, Any]) -> dict[str, Any]:
    """The request that Step Functions makes, with something in each expression's place."""

    def fill(node: Any) -> Any:
        if isinstance(node, list):
            return [fill(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {key.removesuffix(".$"): value(key, inner) for key, inner in node.items()}

    def value(key: str, inner: Any) -> Any:
        if not key.endswith(".$"):
            return fill(inner)
        if inner.startswith("States.StringToJson"):
            return {} if key.removesuffix(".$") in ("Environment", "NetworkConfig") else 1
        return ["x"] if inner.startswith("States.StringSplit") else "x"

    request: dict[str, Any] = fill(definition["States"][STEP]["Parameters"])
    return request


def problems(request: dict[str, Any]) -> str:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    assert shape is not None
    return str(ParamValidator().validate(request, shape).generate_report())


def test_the_committed_file_is_what_the_workflow_renders(committed: str) -> None:
    assert render(TEMPLATE) == committed, "run landrun workflow render"


def test_every_input_path_is_a_field_of_the_contract(committed: str) -> None:
    paths = {first or second for first, second in INPUT_PATH.findall(committed)}

    assert paths == {"PreprocessingJobName", "InputMessage", "OutputProcessedMessage"}
    assert paths <= set(INPUT_FIELDS)
    others = set(re.findall(r"\$\$\.[\w.]+", committed)) - set(INPUT_PATH.findall(committed))
    assert {path for path in others if not path.startswith("$$.Execution.Input")} == {
        *("$$.Execution.Id", "$$.Execution.Name", "$$.Execution.StartTime", "$$.Task.Token"),
    }


def test_each_attempt_gets_a_fresh_job_name_of_the_length_that_the_contract_leaves(
    step: dict[str, Any],
) -> None:
    name = step["Parameters"]["ProcessingJobName.$"]

    assert name == (
        "States.Format('{}-{}', $$.Execution.Input.PreprocessingJobName,"
        " States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))"
    )
    assert len("-6f7f0c52") == ATTEMPT_SUFFIX_LENGTH


def test_the_substitutions_are_those_that_the_template_fills_in(committed: str) -> None:
    assert set(re.findall(r"\$\{(\w+)\}", committed)) == {
        "ImageUri",
        "InputDataType",
        "InputDistribution",
        "InstanceCount",
        "InstanceType",
        "JobArguments",
        "JobEntrypoint",
        "JobEnvironment",
        "KmsKeyArn",
        "MaxRuntimeInSeconds",
        "NetworkConfig",
        "ProcessingRoleArn",
        "LimitedRuns",
        "StatusQueueUrl",
        "VolumeSizeInGB",
    }


def test_the_job_reads_a_manifest_and_writes_at_its_end(step: dict[str, Any]) -> None:
    [source] = step["Parameters"]["ProcessingInputs"]
    [target] = step["Parameters"]["ProcessingOutputConfig"]["Outputs"]

    assert source["S3Input"] == {
        "S3Uri.$": "$$.Execution.Input['InputMessage']",
        "LocalPath": "/opt/ml/processing/input/messages",
        "S3DataType": "${InputDataType}",
        "S3InputMode": "File",
        "S3DataDistributionType": "${InputDistribution}",
        "S3CompressionType": "None",
    }
    assert target["S3Output"] == {
        "S3Uri.$": "$$.Execution.Input['OutputProcessedMessage']",
        "LocalPath": "/opt/ml/processing/output/processed",
        "S3UploadMode": "EndOfJob",
    }


def test_a_quota_is_waited_for_about_a_day_within_the_history(step: dict[str, Any]) -> None:
    quota = next(
        retry
        for retry in step["Retry"]
        if "SageMaker.ResourceLimitExceededException" in retry["ErrorEquals"]
    )
    delays = [
        min(quota["IntervalSeconds"] * quota["BackoffRate"] ** n, quota["MaxDelaySeconds"])
        for n in range(quota["MaxAttempts"])
    ]

    assert quota["JitterStrategy"] == "FULL"
    assert 20 * 3600 < sum(delays) / 2 < 30 * 3600
    assert quota["MaxAttempts"] * 5 < 25_000 / 10


def test_a_failed_job_is_retried_once_and_only_after_the_particular_errors(
    step: dict[str, Any],
) -> None:
    *particular, last = step["Retry"]

    assert (last["ErrorEquals"], last["MaxAttempts"]) == (["States.TaskFailed"], 1)
    assert all(
        not error.startswith("States.") for retry in particular for error in retry["ErrorEquals"]
    )


def test_a_wrong_request_fails_within_a_quarter_of_an_hour(step: dict[str, Any]) -> None:
    refused = next(
        retry
        for retry in step["Retry"]
        if "SageMaker.AmazonSageMakerException" in retry["ErrorEquals"]
    )
    delays = [
        min(refused["IntervalSeconds"] * refused["BackoffRate"] ** n, refused["MaxDelaySeconds"])
        for n in range(refused["MaxAttempts"])
    ]

    assert sum(delays) <= 16 * 60


def test_the_execution_has_a_time_limit(committed: str) -> None:
    assert json.loads(committed)["TimeoutSeconds"] > 0


@pytest.mark.parametrize("which", ["template", "concrete"])
def test_sagemaker_takes_the_request(which: str, config: WorkflowConfig) -> None:
    rendered = definition(TEMPLATE if which == "template" else config)

    assert problems(filled_in(rendered)) == ""


def test_a_request_with_a_wrong_member_would_be_found() -> None:
    request = filled_in(definition(TEMPLATE))
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = "one"

    assert "InstanceCount" in problems(request)


def test_the_states_language_is_obeyed(committed: str) -> None:
    def errors(definition: dict[str, Any]) -> list[str]:
        properties = {"RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": definition}
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        found = lint_all(json.dumps({"Resources": {"Machine": machine}}))
        return [match.message for match in found if match.rule.id.startswith("E")]

    sound = json.loads(re.sub(r"\$\{\w+\}", "x", committed))
    broken = sound | {"States": {STEP: sound["States"][STEP] | {"End": "yes"}}}

    assert errors(sound) == []
    assert errors(broken) != []


def test_concrete_settings_are_written_as_values(config: WorkflowConfig) -> None:
    text = render(config)
    request = definition(config)["States"][STEP]["Parameters"]

    assert "${" not in text
    assert "StringToJson" not in text
    assert request["ProcessingResources"]["ClusterConfig"] == {
        "InstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "VolumeSizeInGB": 30,
    }
    assert request["AppSpecification"] == {
        "ImageUri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/messages:1",
        "ContainerEntrypoint": ["python3", "/opt/program/my_script.py"],
    }


@pytest.mark.parametrize(
    ("setting", "value", "where", "rendered"),
    [
        ("instance_type", "ml.c5.xlarge", "ProcessingResources", "ml.c5.xlarge"),
        ("instance_count", 7, "ProcessingResources", '"InstanceCount": 7'),
        ("volume_size_in_gb", 99, "ProcessingResources", '"VolumeSizeInGB": 99'),
        ("volume_kms_key", "alias/volume", "ProcessingResources", '"VolumeKmsKeyId": "alias/vol'),
        ("output_kms_key", "alias/output", "ProcessingOutputConfig", '"KmsKeyId": "alias/output'),
        ("max_runtime_in_seconds", 60, "StoppingCondition", '"MaxRuntimeInSeconds": 60'),
        ("environment", {"LANG": "de"}, "Environment", '{"LANG": "de"}'),
        ("arguments", "--lang de", "AppSpecification", '["--lang", "de"]'),
        ("tags", {"team": "ml"}, "Tags", '[{"Key": "team", "Value": "ml"}]'),
        ("experiment_config", {"TrialName": "t"}, "ExperimentConfig", '{"TrialName": "t"}'),
        ("input_data_type", "S3Prefix", "ProcessingInputs", '"S3DataType": "S3Prefix"'),
        ("input_distribution", "ShardedByS3Key", "ProcessingInputs", "ShardedByS3Key"),
        ("input_path", "/opt/ml/processing/in", "ProcessingInputs", "/opt/ml/processing/in"),
        (
            "network",
            {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]},
            "NetworkConfig",
            '"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}',
        ),
    ],
)
def test_what_the_notebook_could_set_reaches_the_request(
    settings: dict[str, Any], setting: str, value: object, where: str, rendered: str
) -> None:
    config = WorkflowConfig.read(settings | {setting: value})
    request = definition(config)["States"][STEP]["Parameters"]

    assert rendered in json.dumps(request[where])
    assert problems(filled_in(definition(config))) == ""


def test_what_is_not_set_is_not_sent(config: WorkflowConfig) -> None:
    request = definition(config)["States"][STEP]["Parameters"]

    assert not {"Tags", "Environment", "ExperimentConfig", "NetworkConfig"} & set(request)


def test_rendering_needs_no_aws_settings_and_says_nothing(committed: str, tmp_path: Path) -> None:
    """In a process of its own: no home, no region, no credentials, every warning an error."""
    probe = (
        "import logging, sys; from landrun_ops.workflow import TEMPLATE, render;"
        "logging.basicConfig(level=logging.INFO);"
        "sys.stdout.write(render(TEMPLATE));"
        "assert logging.getLogger().level == logging.INFO"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CONFIG_DIRS": "/none"}

    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", probe],
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (ran.stdout, ran.stderr, ran.returncode) == (committed, "", 0)


def test_the_users_sagemaker_settings_do_not_change_what_is_rendered(
    committed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "SchemaVersion: '1.0'\nSageMaker:\n  ProcessingJob:\n"
        "    NetworkConfig:\n      EnableNetworkIsolation: true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(file))

    assert render(TEMPLATE) == committed


@pytest.mark.parametrize(
    ("role", "partition"),
    [("${ProcessingRoleArn}", "aws"), ("arn:aws-cn:iam::123456789012:role/job", "aws-cn")],
)
def test_the_partition_is_the_roles_wherever_it_is_rendered(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, role: str, partition: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")

    step = definition(WorkflowConfig.read(settings | {"processing_role": role}))["States"][STEP]

    assert step["Resource"] == f"arn:{partition}:states:::sagemaker:createProcessingJob.sync"


def test_the_root_logger_keeps_its_level() -> None:
    before = logging.getLogger().level

    definition(TEMPLATE)

    assert logging.getLogger().level == before
