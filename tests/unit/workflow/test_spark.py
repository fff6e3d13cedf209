"""The workflow with the SDK's PySparkProcessor: the same machine, with Spark's job in it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.engines import ENGINES
from landrun_ops.workflow import TEMPLATE, WorkflowConfig, definition, sdk
from landrun_ops.workflow.definition import STEP, _processor


@pytest.fixture
def spark(settings: dict[str, Any]) -> WorkflowConfig:
    own = {name: value for name, value in settings.items() if name != "entrypoint"}
    return WorkflowConfig.read(own | {"engine": "spark", "instance_count": 3})


def step(config: WorkflowConfig) -> dict[str, Any]:
    parameters: dict[str, Any] = definition(config)["States"][STEP]["Parameters"]
    return parameters


def filled_in(node: Any, values: dict[str, str]) -> Any:
    """Put values in the place of a rendered definition's substitutions, expressions evaluated."""
    if isinstance(node, list):
        return [filled_in(item, values) for item in node]
    if isinstance(node, dict):
        return {
            key.removesuffix(".$") if _evaluated(inner) else key: filled_in(inner, values)
            for key, inner in node.items()
        }
    if not isinstance(node, str):
        return node
    for name, value in values.items():
        node = node.replace(f"${{{name}}}", value)
    if node.startswith("States.StringSplit('"):
        return node.removeprefix("States.StringSplit('").removesuffix("', ' ')").split(" ")
    if node.startswith("States.StringToJson('"):
        return json.loads(node.removeprefix("States.StringToJson('").removesuffix("')"))
    return node


def _evaluated(inner: object) -> bool:
    return isinstance(inner, str) and inner.startswith(
        ("States.StringSplit", "States.StringToJson")
    )


def test_spark_is_built_with_the_sdks_spark_processor(spark: WorkflowConfig) -> None:
    with sdk.quietly():
        assert isinstance(_processor(sdk, spark), sdk.PySparkProcessor)
        assert type(_processor(sdk, TEMPLATE)) is sdk.ScriptProcessor


def test_spark_reads_the_manifest_itself_and_is_submitted(spark: WorkflowConfig) -> None:
    parameters = step(spark)

    [source] = parameters["ProcessingInputs"]
    assert source["S3Input"]["S3DataType"] == "S3Prefix"
    assert source["S3Input"]["S3DataDistributionType"] == "FullyReplicated"
    assert parameters["AppSpecification"]["ContainerEntrypoint"] == [
        "smspark-submit",
        "/opt/program/spark_preprocess.py",
    ]


def test_what_smspark_submit_is_given_means_nothing_to_a_shell() -> None:
    """It joins its arguments and runs them by one (smspark/job.py)."""
    words = f"{ENGINES['spark'].entrypoint} {ENGINES['spark'].arguments}".split(" ")

    assert [shlex.quote(word) for word in words] == words


def test_an_entrypoint_of_ones_own_replaces_sparks(spark: WorkflowConfig) -> None:
    given = spark.model_dump() | {"entrypoint": "smspark-submit -v /opt/program/mine.py"}

    application = step(WorkflowConfig.read(given))["AppSpecification"]

    assert application["ContainerEntrypoint"] == ["smspark-submit", "-v", "/opt/program/mine.py"]
    assert application["ContainerArguments"] == ENGINES["spark"].arguments.split(" ")


def test_what_the_sdks_spark_processor_renders_is_what_a_stack_of_spark_runs(
    spark: WorkflowConfig, root: Path
) -> None:
    committed = json.loads((root / "src/statemachine/processing.asl.json").read_text("utf-8"))
    values = {
        "ImageUri": spark.image_uri,
        "ProcessingRoleArn": spark.processing_role,
        "JobEntrypoint": ENGINES["spark"].entrypoint,
        "JobArguments": ENGINES["spark"].arguments,
        "InputDataType": ENGINES["spark"].input_data_type,
        "InputDistribution": "FullyReplicated",
        "InstanceType": str(spark.instance_type),
        "InstanceCount": "3",
        "VolumeSizeInGB": "30",
        "MaxRuntimeInSeconds": "3600",
        "JobEnvironment": "{}",
        "NetworkConfig": "{}",
        "KmsKeyArn": "",
    }

    deployed = filled_in(committed["States"][STEP]["Parameters"], values)

    # What a stack leaves empty, the SDK leaves out, but for Spark's environment.
    assert deployed.pop("NetworkConfig") == {}
    assert deployed["ProcessingOutputConfig"].pop("KmsKeyId") == ""
    assert deployed["ProcessingResources"]["ClusterConfig"].pop("VolumeKmsKeyId") == ""
    assert deployed == step(spark)
