"""The Processing job: what parameters make of the state machine's definition."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.engines import ENGINES, distribution
from landrun_ops.engines import engine as engine_of

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
VPC = {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
ESCAPED = re.compile(r"\\(['{}\\])")


@pytest.fixture
def request_of(deployed: Callable[..., Any], root: Path) -> Callable[..., dict[str, Any]]:
    """Give the request's parameters as Step Functions gets them: its definition, filled in."""

    def with_parameters(**parameters: str) -> dict[str, Any]:
        machine = deployed(**parameters).of_type("AWS::StepFunctions::StateMachine")
        definition = (root / "src/statemachine/processing.asl.json").read_text(encoding="utf-8")
        for name, value in machine["ProcessingStateMachine"]["DefinitionSubstitutions"].items():
            definition = definition.replace(f"${{{name}}}", str(value))
        state = json.loads(definition)["States"]["Process messages"]
        return dict(state["Parameters"])

    return with_parameters


def literal(expression: str) -> Any:
    """Read ``States.StringToJson('…')`` as Step Functions does: escapes, then JSON."""
    match = re.fullmatch(r"States\.StringToJson\('(.*)'\)", expression, re.DOTALL)
    assert match is not None
    assert re.search(r"(?<!\\)[{}]", match[1]) is None  # a bare brace belongs to the function
    return json.loads(ESCAPED.sub(r"\1", match[1]))


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ("", {}),
        ("A=1", {"A": "1"}),
        (
            "TEXT_COLUMN=v2,TITLE=two words,_E=",
            {"TEXT_COLUMN": "v2", "TITLE": "two words", "_E": ""},
        ),
    ],
)
def test_the_environment_is_what_was_given(
    request_of: Callable[..., Any], given: str, environment: dict[str, str]
) -> None:
    assert literal(request_of(JobEnvironment=given)["Environment.$"]) == environment


@pytest.mark.parametrize(
    ("parameters", "network"),
    [
        ({}, {"EnableNetworkIsolation": False, "EnableInterContainerTrafficEncryption": False}),
        (
            {"NetworkIsolation": "true", "InterContainerEncryption": "true"},
            {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True},
        ),
        (
            VPC,
            {
                "EnableNetworkIsolation": False,
                "EnableInterContainerTrafficEncryption": False,
                "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
            },
        ),
    ],
    ids=str,
)
def test_the_network_is_what_was_given(
    request_of: Callable[..., Any], parameters: dict[str, str], network: dict[str, Any]
) -> None:
    assert literal(request_of(**parameters)["NetworkConfig.$"]) == network


@pytest.mark.parametrize("key", ["", KEY])
def test_volumes_and_outputs_are_under_the_key_that_was_given(
    request_of: Callable[..., Any], key: str
) -> None:
    request = request_of(KmsKeyArn=key)
    assert request["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == key
    assert request["ProcessingOutputConfig"]["KmsKeyId"] == key


def test_instances_and_time_are_what_was_given(request_of: Callable[..., Any]) -> None:
    request = request_of(
        InstanceType="ml.c5.xlarge", InstanceCount="3", VolumeSizeInGB="7", MaxRuntimeInSeconds="60"
    )
    cluster = request["ProcessingResources"]["ClusterConfig"]
    assert cluster["InstanceType"] == "ml.c5.xlarge"
    assert literal(cluster["InstanceCount.$"]) == 3
    assert literal(cluster["VolumeSizeInGB.$"]) == 7
    assert literal(request["StoppingCondition"]["MaxRuntimeInSeconds.$"]) == 60


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_each_engine_calls_its_default_job_as_the_commands_know(
    request_of: Callable[..., dict[str, Any]], engine: str
) -> None:
    request = request_of(Engine=engine)
    app, [source] = request["AppSpecification"], request["ProcessingInputs"]

    assert f"'{ENGINES[engine].entrypoint}'" in app["ContainerEntrypoint.$"]
    assert f"'{ENGINES[engine].arguments}'" in app["ContainerArguments.$"]
    assert source["S3Input"]["S3DataType"] == ENGINES[engine].input_data_type


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_what_a_user_sets_goes_before_what_the_engine_has(
    request_of: Callable[..., dict[str, Any]], engine: str
) -> None:
    own = {"Engine": engine, "JobEntrypoint": "sh /opt/mine.sh", "JobArguments": "--all"}
    app = request_of(**own)["AppSpecification"]

    assert (engine_of(own).entrypoint, engine_of(own).arguments) == ("sh /opt/mine.sh", "--all")
    assert "'sh /opt/mine.sh'" in app["ContainerEntrypoint.$"]
    assert "'--all'" in app["ContainerArguments.$"]


@pytest.mark.parametrize(
    ("parameters", "shared"),
    [
        ({}, "FullyReplicated"),
        ({"InstanceCount": "2"}, "ShardedByS3Key"),
        ({"InstanceCount": "10"}, "ShardedByS3Key"),
        ({"InstanceCount": "2", "Engine": "spark"}, "FullyReplicated"),
    ],
    ids=str,
)
def test_several_instances_share_the_objects_unless_spark_does(
    request_of: Callable[..., dict[str, Any]], parameters: dict[str, str], shared: str
) -> None:
    [source] = request_of(**parameters)["ProcessingInputs"]

    assert source["S3Input"]["S3DataDistributionType"] == shared
    assert distribution(parameters) == shared


@pytest.mark.parametrize(("bound", "waits"), [("0", "-"), ("1", "*"), ("500", "*")])
def test_runs_wait_their_turn_where_there_is_a_bound_and_only_there(
    deployed: Callable[..., Any], bound: str, waits: str
) -> None:
    stack = deployed(MaxConcurrentRuns=bound)
    machine = stack.of_type("AWS::StepFunctions::StateMachine")["ProcessingStateMachine"]
    may_ask = stack.resources["RequestSlots"]["Properties"]["PolicyDocument"]

    assert machine["DefinitionSubstitutions"]["LimitedRuns"] == waits
    assert machine["DefinitionSubstitutions"]["StatusQueueUrl"] == "<StatusQueue>"
    assert "<StatusQueue.Arn>" in json.dumps(may_ask), "redriven runs ask, whatever the bound is"
