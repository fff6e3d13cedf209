"""`landrun adopt`: what fits a state machine that exists, by its definition and executions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.doctor import adoption
from landrun_ops.doctor.aws_reader import AwsReader

from .conftest import Aws, answer, client, error, machine
from .test_customer_state_machine import RUN, definition

ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:bsm-batch-preprocessing"
SYNC = "arn:aws:states:::sagemaker:createProcessingJob.sync"
JOB = "bsm-daily-50f0421ea8585c9eb9688415b36b93f2"
PAST = {
    "PreprocessingJobName": JOB,
    "InputMessage": "s3://data/by-hand/orders.jsonl",
    "OutputProcessedMessage": f"s3://results/bsm/{JOB}/",
}
NOT_STARTED_BY_LANDRUN: dict[str, Any] = {"input": json.dumps(PAST)}


def adopted(
    data_type: str = "S3Prefix", state: Any = None, given: Any = None, **request: Any
) -> tuple[dict[str, str], dict[str, str]]:
    """What `adopt` finds by check, and the parameters, of such a definition."""
    made = definition(data_type, **{"ProcessingJobName.$": RUN, **request})
    made["States"]["Process"] |= {"Resource": SYNC, **(state or {})}
    described = machine(lambda _: json.dumps(made))
    Aws(
        {
            "stepfunctions.DescribeStateMachine": described,
            "stepfunctions.DescribeExecution": answer("stepfunctions.DescribeExecution")
            | NOT_STARTED_BY_LANDRUN,
            **(given or {}),
        }
    )
    found = adoption.read(AwsReader(client), ARN)
    return (
        {one.name: f"{one.grade}: {one.finding.says}" for one in found.results},
        found.parameters,
    )


def test_a_notebooks_machine_gets_uri_and_the_prefixes_of_its_past_executions() -> None:
    found, parameters = adopted(StoppingCondition={"MaxRuntimeInSeconds": 3600})
    assert parameters == {
        "StateMachineArn": ARN,
        "InputMessageFormat": "uri",
        "JobNamePrefix": "bsm-daily",
        "LandingPrefix": "by-hand/",
        "OutputPrefix": "bsm/",
    }
    assert found["input message"].startswith("ok: its job reads InputMessage as S3Prefix")
    assert found["job name"].startswith("warn: its job has the run's name alone")
    assert found["time limit"] == "ok: its job is stopped after 1 h 00 min"
    assert found["end"].startswith("ok: it waits for its job (.sync)")
    assert "s3://data/by-hand/ and wrote to s3://results/bsm/" in found["executions"]


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        ({"data_type": "ManifestFile"}, "input message", "ok: its job reads InputMessage as Man"),
        ({"uri": "$.Source"}, "input message", "skip: the definition does not say"),
        ({}, "retries", "warn: it does not retry"),
        ({"state": {"Retry": [{"MaxAttempts": 4}]}}, "retries", "ok: its job is tried up to 5"),
        ({}, "time limit", "warn: its job has no time limit"),
        ({"state": {"Resource": SYNC.removesuffix(".sync")}}, "end", "fail: it does not wait"),
        ({"state": {"Resource": SYNC.removesuffix(".sync")}}, "role", "skip: without .sync"),
        (
            {
                "given": {
                    "iam.SimulatePrincipalPolicy": answer("iam.SimulatePrincipalPolicy-denied")
                }
            },
            "role",
            "warn: landrun-StateMachineRole-1A2B3C4D5E6F may not iam:PassRole",
        ),
        (
            {"given": {"iam.SimulatePrincipalPolicy": error("NoSuchEntity")}},
            "role",
            "warn: there is no role",
        ),
        (
            {"given": {"iam.SimulatePrincipalPolicy": error("AccessDenied")}},
            "role",
            "skip: not allowed: AccessDenied for iam:SimulatePrincipalPolicy",
        ),
    ],
)
def test_what_landrun_does_with_a_machine_is_said(change: Any, check: str, says: str) -> None:
    found, _ = adopted(**change)
    assert found[check].startswith(says)


@pytest.mark.parametrize(
    "given",
    [
        {"stepfunctions.ListExecutions": error("AccessDeniedException")},
        {
            "stepfunctions.DescribeExecution": answer("stepfunctions.DescribeExecution")
            | {"input": json.dumps({**PAST, "Trigger": {"Kind": "manual"}})}
        },
    ],
    ids=["unreadable", "started by landrun"],
)
def test_without_past_executions_the_name_of_the_machine_is_the_prefix(given: Any) -> None:
    found, parameters = adopted(given=given)
    assert parameters.keys() == {"StateMachineArn", "InputMessageFormat", "JobNamePrefix"}
    assert found["executions"].startswith("skip: no execution yet")


@pytest.mark.parametrize(
    "inputs",
    [
        [PAST, PAST | {"InputMessage": "s3://elsewhere/x.csv"}],
        [PAST | {"InputMessage": "s3://data/bsm/in/x.csv"}],  # outputs could be taken for input
        [PAST | {"InputMessage": "text"}],
    ],
)
def test_prefixes_are_proposed_only_where_past_executions_agree(inputs: Any) -> None:
    assert adoption.proposed_prefixes("m", inputs) == {"JobNamePrefix": "bsm-daily"}


@pytest.mark.parametrize("arn", ["", "bsm", f"{ARN}:3", f"{ARN}:prod", "arn:aws:s3:::bucket"])
def test_what_is_not_the_arn_of_a_state_machine_is_refused(arn: str) -> None:
    with pytest.raises(ConfigurationError, match="without version or alias"):
        adoption.check_arn(arn)
