"""The Processing job: what parameters make of the state machine's definition."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
