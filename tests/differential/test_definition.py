"""The template's state machine in an engine of its own: aws-local-stepfunctions, from npm.

moto's engine is what the laptop runs, and what its patches were written for; this one knows nothing
of either. Its Processing job is a mock that keeps the request.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator

from scan.stacks import STACKS, stack

if "LANDRUN_SCAN" not in os.environ:
    pytest.skip("make scan installs the engine, and runs these", allow_module_level=True)

ENGINE = Path(__file__).with_name("engine.mjs")
VENV = Path(__file__).parents[2] / ".venv-scan"
NAME = "landrun-50f0421ea8585c9eb9688415b36b93f2"
RUN = {
    "PreprocessingJobName": NAME,
    "InputMessage": "s3://landings/incoming/a b.csv",
    "OutputProcessedMessage": "s3://outputs/processed/x/",
}
TRIGGER = {"Trigger": {"Kind": "manual", "StartedBy": "me"}}
MANIFEST = {"InputMessage": "s3://landrun-outputbucket-6f5e4d3c2b1a/manifests/x.json"}
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def machine(**parameters):
    """Give the definition as CloudFormation hands it to Step Functions."""
    return stack(parameters)["ProcessingStateMachine"]["Properties"]["Definition"]


def run(machine, given, *failures):
    asked = {"definition": machine, "name": "n", "input": given, "failures": failures}
    done = subprocess.run(
        [VENV / "bin/node", ENGINE, VENV / "differential/node_modules"],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["defaults", "own-key", "own-network"])
def test_each_request_has_its_words_exactly_and_is_one_that_sagemakers_model_allows(name):
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    *slots, request = run(machine(**STACKS[name]), RUN | MANIFEST | TRIGGER)["requests"]

    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    tokens = [slot["MessageBody"]["SlotRequest"]["TaskToken"] for slot in slots]
    assert tokens == (["token"] if "MaxConcurrentRuns" in STACKS[name] else [])
    if name == "own-network":
        words = request["AppSpecification"]["ContainerArguments"]
        assert words == json.loads(STACKS[name]["JobArguments"])


@pytest.mark.parametrize(
    ("given", "data_type", "name"),
    [
        (TRIGGER, "ManifestFile", rf"{NAME}-[0-9a-f]{{8}}"),
        (MANIFEST, "ManifestFile", f"landrun-{UUID}"),
        ({}, "S3Prefix", f"landrun-{UUID}"),
    ],
)
def test_the_input_is_read_by_who_started_the_run_or_where_it_lies(given, data_type, name):
    [request] = run(machine(), RUN | given)["requests"]

    [source] = request["ProcessingInputs"]
    assert source["S3Input"]["S3DataType"] == data_type
    assert source["S3Input"]["S3Uri"] == (RUN | given)["InputMessage"]
    assert re.fullmatch(name, request["ProcessingJobName"])
    assert len(request["ProcessingJobName"]) <= 63


def test_a_failed_job_is_run_once_more_under_a_new_name():
    found = run(machine(), RUN, "States.TaskFailed", "States.TaskFailed")

    assert len({request["ProcessingJobName"] for request in found["requests"]}) == 2
    assert found["error"]


@pytest.mark.parametrize("given", [MANIFEST, TRIGGER], ids=["manifest", "own run"])
def test_spark_reads_manifests_as_they_are_and_refuses_the_rest(given):
    spark = machine(Engine="spark")
    [request] = run(spark, RUN | given)["requests"]
    refused = run(spark, RUN)

    assert request["ProcessingInputs"][0]["S3Input"]["S3DataType"] == "S3Prefix"
    assert refused["requests"] == []
    assert refused["error"]
