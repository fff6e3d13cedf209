"""Which executions of an earlier deployment can no longer do what they were started for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from landrun_ops.doctor.waiting import Execution, judge_waiting

from .conftest import OUTPUTS, PARAMETERS, Aws, answer, machine
from .test_whole_stack import examined, troubles

OTHER_KEY = "arn:aws:kms:eu-central-1:123456789012:key/5678efgh"

EARLIER: list[tuple[dict[str, str], str]] = [
    ({"JobNamePrefix": "bsm"}, "JobNamePrefix"),
    ({"OutputPrefix": "elsewhere/"}, "OutputPrefix"),
    ({"ManifestPrefix": "lists/"}, "ManifestPrefix"),
    ({"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"}, "SubnetIds"),
    ({"SubnetIds": "", "SecurityGroupIds": ""}, "SubnetIds"),
    ({"KmsKeyArn": OTHER_KEY}, "PreviousKmsKeyArns"),
    ({"KmsKeyArn": ""}, "PreviousKmsKeyArns"),
]
"""What a deployment has changed since the execution was started, and what it needs of before."""

ADMITTED: list[dict[str, str]] = [
    {},
    {"InstanceType": "ml.c5.xlarge", "MaxRuntimeInSeconds": "60", "InstanceCount": "9"},
    {"KmsKeyArn": OTHER_KEY, "PreviousKmsKeyArns": f"{OTHER_KEY},{PARAMETERS['KmsKeyArn']}"},
    {"KmsKeyArn": "", "PreviousKmsKeyArns": PARAMETERS["KmsKeyArn"]},
    {"ImageUri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mine:1"},
]


@pytest.mark.parametrize(("changed", "needed"), EARLIER, ids=str)
def test_what_todays_roles_refuse_is_named_with_a_remedy(
    changed: dict[str, str], needed: str
) -> None:
    [line] = examined(Aws(), "executions", parameters=changed)
    assert line.grade == "warn"
    assert line.finding.says == (
        f"1 execution of an earlier deployment needs another {needed}, and will fail:"
        " landrun-0123456789abcdef0123456789abcdef"
    )
    assert needed in line.finding.remedy


@pytest.mark.parametrize("changed", ADMITTED, ids=str)
def test_what_todays_roles_admit_is_well(changed: dict[str, str]) -> None:
    assert not troubles(examined(Aws(), "executions", parameters=changed))


def test_an_image_of_somebody_elses_needs_its_parameter() -> None:
    aws = Aws()
    definition = machine()["definition"].replace(OUTPUTS["ImageRepositoryUri"], "others/image")
    assert definition != machine()["definition"]
    aws.says(
        "stepfunctions.DescribeStateMachineForExecution",
        {**machine(), "definition": definition},
    )
    [line] = examined(aws, "executions")
    assert "needs another ImageUri" in line.finding.says


def test_the_oldest_of_many_are_looked_at() -> None:
    aws, [one] = Aws(), answer("stepfunctions.ListExecutions")["executions"]
    many = [{**one, "executionArn": f"{one['executionArn']}{n}"} for n in range(30)]
    aws.says("stepfunctions.ListExecutions", {"executions": many})
    [line] = examined(aws, "executions")
    assert line.finding.says == (
        "30 executions are running or waiting; the roles still admit the oldest 20"
    )
    assert aws.asked.count("stepfunctions.DescribeExecution") == 20


def test_a_machine_that_exists_already_has_roles_of_its_own() -> None:
    arn = machine()["stateMachineArn"]
    assert examined(Aws(), "executions", parameters={"StateMachineArn": arn}) == []


def test_executions_of_anybody_are_judged_by_what_they_have() -> None:
    """A notebook's input may be anything; what is not there cannot be refused."""
    given: list[Any] = [Execution("landrun-1", json.dumps({"States": {}}), {})]
    [found] = judge_waiting(given, 1, PARAMETERS, OUTPUTS)
    assert found.grade == "ok"
    [none] = judge_waiting([], 0, PARAMETERS, OUTPUTS)
    assert none.says == "no execution is running or waiting"


def test_previous_keys_are_looked_at_as_the_key_is() -> None:
    aws = Aws()
    metadata = answer("kms.DescribeKey")["KeyMetadata"]
    states = {PARAMETERS["KmsKeyArn"]: "Enabled", OTHER_KEY: "PendingDeletion"}

    def described(asked: dict[str, Any]) -> dict[str, Any]:
        arn = asked["KeyId"]
        return {"KeyMetadata": {**metadata, "Arn": arn, "KeyState": states[arn]}}

    aws.says("kms.DescribeKey", described)
    lines = examined(aws, "previous keys", parameters={"PreviousKmsKeyArns": ",".join(states)})
    assert [line.grade for line in lines] == ["ok", "fail"]
    assert "cancel-key-deletion" in lines[1].finding.remedy
