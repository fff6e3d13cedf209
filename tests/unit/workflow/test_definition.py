from __future__ import annotations

import json
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

from landrun.models.run import ATTEMPT_SUFFIX_LENGTH, INPUT_FIELDS, PREFIX_LIMIT
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

INPUT_PATH = re.compile(r"\$\$\.Execution\.Input(?:\['(\w+)'\]|\.(\w+))")
BOTH_INPUTS = {"manifests": "s3://output/manifests/", "job_name_prefix": "landrun"}


FRESH_NAME = (
    "States.Format('{}-{}', $$.Execution.Input.PreprocessingJobName,"
    " States.ArrayGetItem(States.StringSplit(States.UUID(), '-'), 0))"
)
REQUEST = {
    "ProcessingJobName.$": FRESH_NAME,
    "RoleArn": "arn:aws:iam::123456789012:role/job",
    "AppSpecification": {
        "ImageUri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/messages:1",
        "ContainerEntrypoint": ["python3", "/opt/program/my_script.py"],
    },
    "ProcessingInputs": [
        {
            "InputName": "messages",
            "AppManaged": False,
            "S3Input": {
                "S3Uri.$": "$$.Execution.Input['InputMessage']",
                "LocalPath": "/opt/ml/processing/input/messages",
                "S3DataType": "ManifestFile",
                "S3InputMode": "File",
                "S3DataDistributionType": "FullyReplicated",
                "S3CompressionType": "None",
            },
        }
    ],
    "ProcessingOutputConfig": {
        "Outputs": [
            {
                "OutputName": "processed",
                "AppManaged": False,
                "S3Output": {
                    "S3Uri.$": "$$.Execution.Input['OutputProcessedMessage']",
                    "LocalPath": "/opt/ml/processing/output/processed",
                    "S3UploadMode": "EndOfJob",
                },
            }
        ]
    },
    "ProcessingResources": {
        "ClusterConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 30,
        }
    },
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
"""The request of the settings that every test begins with."""

SETTINGS: list[tuple[str, object, str, str]] = [
    ("instance_type", "ml.c5.xlarge", "ProcessingResources", "ml.c5.xlarge"),
    ("instance_count", 7, "ProcessingResources", '"InstanceCount": 7'),
    ("volume_size_in_gb", 99, "ProcessingResources", '"VolumeSizeInGB": 99'),
    ("volume_kms_key", "alias/volume", "ProcessingResources", '"VolumeKmsKeyId": "alias/volume'),
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
]
"""A setting, its value, where in the request it has to be, and how."""


@pytest.fixture(scope="module")
def committed(root: Path) -> str:
    return (root / "src/statemachine/processing.asl.yaml").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def step(committed: str) -> dict[str, Any]:
    state: dict[str, Any] = parse(committed)["States"][STEP]
    return state


def request_of(config: WorkflowConfig) -> dict[str, Any]:
    request: dict[str, Any] = definition(config)["States"][STEP]["Parameters"]
    return request


def problems(request: dict[str, Any]) -> str:
    """What SageMaker's model has against a request, with something in each expression's place."""

    def fill(node: Any) -> Any:
        if isinstance(node, list | tuple):
            return [fill(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {
            key.removesuffix(".$"): "x" if key.endswith(".$") else fill(inner)
            for key, inner in node.items()
        }

    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    assert shape is not None
    return str(ParamValidator().validate(fill(request), shape).generate_report())


class TestCommittedFile:
    def test_it_is_what_the_workflow_renders(self, committed: str) -> None:
        assert render() == committed, "run landrun workflow render"
        assert parse(committed) == template()

    def test_it_is_block_style_with_strings_in_double_quotes(self, committed: str) -> None:
        for line in committed.splitlines():
            if not line.startswith("#"):
                value = line.rpartition(": ")[2] if line.endswith("}") else line.partition(": ")[2]
                assert not value or re.fullmatch(r'".*"|\d+|true|false|null|\$\{\w+\}', value), line

    def test_every_input_path_is_a_field_of_the_contract(self, committed: str) -> None:
        paths = {first or second for first, second in INPUT_PATH.findall(committed)}
        elsewhere = {"Trigger", "OutputProcessedMessage"}  # in the Choice and in a token's value
        assert paths == set(INPUT_FIELDS) - elsewhere
        others = {path for path in re.findall(r"\$\$\.[\w.]+", committed) if ".Input" not in path}
        assert others == {
            *("$$.Execution.Id", "$$.Execution.Name", "$$.Execution.StartTime", "$$.Task.Token"),
        }

    def test_rendering_needs_no_settings_of_the_user_follows_none_and_says_nothing(
        self, committed: str, tmp_path: Path
    ) -> None:
        """In a process of its own: no home, no region, no credentials, every warning an error."""
        file = tmp_path / "config.yaml"
        network = {"NetworkConfig": {"EnableNetworkIsolation": True}}
        file.write_text(
            json.dumps({"SchemaVersion": "1.0", "SageMaker": {"ProcessingJob": network}})
        )
        probe = (
            "import logging, sys; from landrun_ops.workflow import render;"
            "logging.basicConfig(level=logging.INFO);"
            "sys.stdout.write(render());"
            "assert logging.getLogger().level == logging.INFO"
        )
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HOME": str(tmp_path),
            "XDG_CONFIG_DIRS": "/none",
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(file),
        }
        command = [sys.executable, "-W", "error", "-c", probe]
        ran = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert (ran.stdout, ran.stderr, ran.returncode) == (committed, "", 0)

    def test_a_setting_that_is_given_stands_in_place_of_its_token(self) -> None:
        request = parse(render({"environment": {"A": "1"}, "volume_size_in_gb": 31}))["States"][
            STEP
        ]["Parameters"]
        assert request["Environment"] == {"A": "1"}
        assert request["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] == 31
        assert request["NetworkConfig"] == "${landrun_NetworkConfig}"


class TestRetries:
    def delays(self, step: dict[str, Any], error: str) -> list[float]:
        [retry] = [one for one in step["Retry"] if error in one["ErrorEquals"]]
        first, rate, most = (
            retry[k] for k in ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds")
        )
        assert retry["JitterStrategy"] == "FULL"
        return [min(first * rate**n, most) for n in range(retry["MaxAttempts"])]

    def test_a_quota_is_waited_for_about_a_day_within_the_history(
        self, step: dict[str, Any]
    ) -> None:
        delays = self.delays(step, "SageMaker.ResourceLimitExceededException")
        assert 20 * 3600 < sum(delays) / 2 < 30 * 3600
        assert len(delays) * 5 < 25_000 / 10

    def test_a_throttled_request_is_repeated_and_a_wrong_one_fails_within_four_minutes(
        self, step: dict[str, Any]
    ) -> None:
        delays = self.delays(step, "SageMaker.AmazonSageMakerException")
        assert sum(delays) / 2 > 90
        assert sum(delays) <= 240

    def test_a_failed_job_is_retried_once_and_only_after_the_particular_errors(
        self, step: dict[str, Any]
    ) -> None:
        *particular, last = step["Retry"]
        errors = [error for retry in particular for error in retry["ErrorEquals"]]
        assert (last["ErrorEquals"], last["MaxAttempts"]) == (["States.TaskFailed"], 1)
        assert not any(error.startswith("States.") for error in errors)


class TestInput:
    def test_without_trigger_the_job_is_named_by_the_prefix_and_a_uuid(
        self, settings: dict[str, Any]
    ) -> None:
        both = WorkflowConfig.read(settings | BOTH_INPUTS)
        assert request_of(both)["ProcessingJobName.$"] == (
            f"States.ArrayGetItem(States.Array({FRESH_NAME},"
            " States.Format('landrun-{}', States.UUID())), $.Job.NameIndex)"
        )
        assert len("-6f7f0c52") == ATTEMPT_SUFFIX_LENGTH
        assert PREFIX_LIMIT + 1 + 36 <= 63

    @pytest.mark.parametrize("engine", ENGINES)
    def test_manifests_are_told_from_prefixes(self, settings: dict[str, Any], engine: str) -> None:
        own = settings | BOTH_INPUTS | {"engine": engine}
        states = definition(WorkflowConfig.read(own))["States"]
        select = states[SELECT_INPUT]
        rules = [
            (one["Variable"], *(one[key] for key in one.keys() - {"Variable", "Next"}), one["Next"])
            for one in select["Choices"]
        ]
        assert rules == [
            ("$.Trigger", True, READ_RUN),
            ("$.InputMessage", "s3://output/manifests/*", READ_MANIFEST),
            ("$.InputMessage", "*" if engine == "spark" else "-", REFUSE_PREFIX),
        ]
        assert select["Default"] == READ_PREFIX
        chosen = {name: states[name]["Result"] for name in (READ_RUN, READ_MANIFEST, READ_PREFIX)}
        manifest = ENGINES[engine].input_data_type
        assert chosen == {
            READ_RUN: {"S3DataType": manifest, "NameIndex": 0},
            READ_MANIFEST: {"S3DataType": manifest, "NameIndex": 1},
            READ_PREFIX: {"S3DataType": "S3Prefix", "NameIndex": 1},
        }
        assert "landrun start" in states[REFUSE_PREFIX]["CausePath"]


class TestSettings:
    def test_sagemaker_takes_the_request_and_would_refuse_a_wrong_member(
        self, config: WorkflowConfig
    ) -> None:
        request = request_of(config)
        assert problems(request) == ""
        request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = "one"
        assert "InstanceCount" in problems(request)

    def test_a_machine_for_one_kind_of_input_has_one_step_with_what_is_set_and_nothing_else(
        self, config: WorkflowConfig
    ) -> None:
        assert definition(config)["States"].keys() == {STEP}
        assert request_of(config) == REQUEST

    def test_what_the_notebook_could_set_reaches_the_request(
        self, settings: dict[str, Any]
    ) -> None:
        given = {setting: value for setting, value, _, _ in SETTINGS}
        request = request_of(WorkflowConfig.read(settings | given))
        for _, _, where, rendered in SETTINGS:
            assert rendered in json.dumps(request[where])
        assert problems(request) == ""

    @pytest.mark.parametrize("partition", ["aws", "aws-cn"])
    def test_the_partition_is_the_roles_wherever_it_is_rendered(
        self, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, partition: str
    ) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
        given = {"processing_role": f"arn:{partition}:iam::123456789012:role/job"}
        state = definition(WorkflowConfig.read(settings | given))["States"][STEP]
        assert state["Resource"] == f"arn:{partition}:states:::sagemaker:createProcessingJob.sync"

    def test_spark_is_built_with_the_sdks_spark_processor_and_submitted(
        self, settings: dict[str, Any]
    ) -> None:
        own = {name: value for name, value in settings.items() if name != "entrypoint"}
        spark = WorkflowConfig.read(own | {"engine": "spark"})
        with sdk.quietly():
            assert isinstance(_processor(sdk, spark), sdk.spark.PySparkProcessor)
        request = request_of(spark)
        app, [source] = request["AppSpecification"], request["ProcessingInputs"]
        assert source["S3Input"]["S3DataType"] == "S3Prefix"
        assert app["ContainerEntrypoint"] == list(ENGINES["spark"].entrypoint)
        mine = spark.model_dump() | {"entrypoint": "smspark-submit -v /opt/program/mine.py"}
        app = request_of(WorkflowConfig.read(mine))["AppSpecification"]
        assert app["ContainerEntrypoint"] == ["smspark-submit", "-v", "/opt/program/mine.py"]
        assert app["ContainerArguments"] == list(ENGINES["spark"].arguments)


def test_what_smspark_submit_is_given_means_nothing_to_a_shell() -> None:
    """It joins its arguments and runs them by one (smspark/job.py)."""
    words = (*ENGINES["spark"].entrypoint, *ENGINES["spark"].arguments)
    assert all(re.fullmatch(r"[\w/.-]+", word) for word in words)


def test_the_states_language_is_obeyed(settings: dict[str, Any]) -> None:
    def errors(definition: dict[str, Any]) -> list[str]:
        properties = {"RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": definition}
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        found = lint_all(json.dumps({"Resources": {"Machine": machine}}))
        return [match.message for match in found if match.rule.id.startswith("E")]

    both = settings | BOTH_INPUTS | {"slot_queue": "https://queue"}
    sound = definition(WorkflowConfig.read(both))
    broken = sound | {"States": {STEP: sound["States"][STEP] | {"End": "yes"}}}
    assert errors(sound) == []
    assert errors(broken) != []
