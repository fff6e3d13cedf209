"""The template's state machine in an engine of its own: aws-local-stepfunctions, from npm.

moto's engine is what the laptop runs, and what its patches were written for; this one knows nothing
of either. Its Processing job is a mock that keeps the request, which the laptop's has to equal.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator

from landrun_ops.local import LocalAws
from laptop_stack import eventually
from scan.stacks import STACKS, stack

if "LANDRUN_SCAN" not in os.environ:
    pytest.skip("make scan installs the engine, and runs these", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path(__file__).with_name("engine.mjs")
VENV = ROOT / ".venv-scan"
NAME = "landrun-50f0421ea8585c9eb9688415b36b93f2"
RUN = {
    "PreprocessingJobName": NAME,
    "InputMessage": "s3://landings/incoming/a b.csv",
    "OutputProcessedMessage": "s3://outputs/processed/x/",
}
TRIGGER = {"Trigger": {"Kind": "manual", "StartedBy": "me"}}
MANIFEST = {"InputMessage": "s3://landrun-outputbucket-6f5e4d3c2b1a/manifests/x.json"}
ROLE = "arn:aws:iam::123456789012:role/any"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def machine(**parameters):
    """Give the definition as CloudFormation hands it to Step Functions."""
    return stack(parameters)["ProcessingStateMachine"]["Properties"]["Definition"]


def run(machine, given, *failures):
    asked = {"definition": machine, "name": "n", "input": given, "failures": failures}
    done = subprocess.run(
        [VENV / "bin/node", ENGINE, VENV / "differential/node_modules"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory):
    with LocalAws.up(ROOT, state_dir=tmp_path_factory.mktemp("laptop")) as aws:
        yield aws


@pytest.mark.parametrize("name", ["defaults", "own-key", "own-network"])
def test_each_request_is_one_that_sagemakers_model_allows_and_the_laptops(laptop, name):
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateProcessingJob").input_shape
    made = machine(**STACKS[name])
    *slots, request = run(made, RUN | MANIFEST | TRIGGER)["requests"]

    report = ParamValidator().validate(request, shape)
    job = job_on(laptop, made, f"{name}-{NAME}"[:54])

    assert not report.has_errors(), report.generate_report()
    of_the_run = {"ProcessingJobName", "RoleArn", "Tags"}
    theirs = {key: request[key] for key in request.keys() - of_the_run}
    assert {key: job.get(key) for key in theirs} == theirs
    tokens = [slot["MessageBody"]["SlotRequest"]["TaskToken"] for slot in slots]
    assert tokens == (["token"] if "MaxConcurrentRuns" in STACKS[name] else [])


def job_on(laptop, made, run_name):
    """Run a definition on the laptop's AWS, and describe the Processing job that it starts."""
    states = {
        # Nobody grants a slot to this machine
        key: {"Type": "Pass", "Next": state["Next"]} if ":sqs:" in str(state) else state
        for key, state in made["States"].items()
    }
    text = re.sub(r"arn:aws:iam::\d+:role/[\w-]+", ROLE, json.dumps(made | {"States": states}))
    steps, jobs = laptop.client("stepfunctions"), laptop.client("sagemaker")
    arn = steps.create_state_machine(name=run_name, definition=text, roleArn=ROLE)
    given = json.dumps(RUN | MANIFEST | TRIGGER | {"PreprocessingJobName": run_name})
    execution = steps.start_execution(stateMachineArn=arn["stateMachineArn"], input=given)
    found = eventually(
        lambda: jobs.list_processing_jobs(NameContains=run_name)["ProcessingJobSummaries"]
    )
    steps.stop_execution(executionArn=execution["executionArn"])
    return jobs.describe_processing_job(ProcessingJobName=found[0]["ProcessingJobName"])


@pytest.mark.parametrize(
    ("given", "data_type", "name"),
    [
        (TRIGGER, "ManifestFile", rf"{NAME}-[0-9a-f]{{8}}"),
        (MANIFEST, "ManifestFile", f"landrun-{UUID}"),
        ({}, "S3Prefix", f"landrun-{UUID}"),
    ],
    ids=["own run", "manifest", "prefix"],
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
