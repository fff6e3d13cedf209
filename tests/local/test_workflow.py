"""The notebook's work on the laptop's AWS: create, attach, execute, get_output(wait=True)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from landrun.models.run import ExecutionInput
from landrun.models.s3_uri import S3Uri
from landrun_ops import workflow
from landrun_ops.actions.start import plan
from landrun_ops.local.aws import LocalAws
from landrun_ops.stack.stack import find
from landrun_ops.workflow import WorkflowConfig, sdk
from local import commands

ROLE = "arn:aws:iam::123456789012:role/notebook"
COUNT = (
    "import os, sys; i, o = sys.argv[1:]; "
    "names = sorted(os.path.join(f, n)[len(i) + 1:] for f, _, ns in os.walk(i) for n in ns); "
    "open(os.path.join(o, 'names.txt'), 'w').write('\\n'.join(names))"
)
FAIL = "import sys; sys.exit('no text column')"


def config(name: str, script: str = COUNT, **settings: Any) -> WorkflowConfig:
    words = {
        "name": f"{name}-{uuid.uuid4().hex[:8]}",
        "role": ROLE,
        "processing_role": ROLE,
        "image_uri": "messages:1",
        "entrypoint": ("python3", "-c", script),
        "arguments": "/opt/ml/processing/input/messages /opt/ml/processing/output/processed",
    }
    return WorkflowConfig.read(words | settings)


def put(aws: LocalAws, *names: str) -> str:
    """Put small files where they start no run of their own; return their folder's URI."""
    folder = f"by-hand/{uuid.uuid4().hex}/"
    bucket = aws.outputs["OutputBucket"]
    for name in names:
        aws.client("s3").put_object(Bucket=bucket, Key=folder + name, Body=b'{"text": "hello"}\n')
    return f"s3://{bucket}/{folder}"


def read(aws: LocalAws, uri: str) -> str:
    at = S3Uri.parse(uri)
    body: bytes = aws.client("s3").get_object(Bucket=at.bucket, Key=at.key)["Body"].read()
    return body.decode()


def by_hand(aws: LocalAws, source: str) -> ExecutionInput:
    stack = find("landrun", environment=aws.environment())
    output = S3Uri(aws.outputs["OutputBucket"], f"by-hand/out/{uuid.uuid4().hex}/")
    planned = plan(stack, [S3Uri.parse(source)], output)
    name, reading = planned.run.PreprocessingJobName, planned.reading
    assert reading
    stack.manifests().write_once(name, reading.bucket, reading.keys)
    return planned.run


@pytest.fixture
def landrun(aws: LocalAws) -> Callable[..., tuple[int, str]]:
    """The installed command, in the environment that ``landrun local env`` gives."""

    def run(*arguments: str) -> tuple[int, str]:
        done = commands.landrun(commands.environment(aws), "workflow", *arguments)
        return done.returncode, done.stdout

    return run


def test_a_created_workflow_executes_and_returns_the_jobs_description(aws: LocalAws) -> None:
    steps = aws.client("stepfunctions")
    run = by_hand(aws, put(aws, "a b.jsonl", "deep/c+d.jsonl"))

    arn = workflow.create(config("whole"), steps)
    attached = sdk.workflow.Workflow.attach(arn, client=steps)
    execution = attached.execute(name=run.PreprocessingJobName, inputs=run.to_dict())
    output = execution.get_output(wait=True)

    assert output["ProcessingJobStatus"] == "Completed"
    assert output["ProcessingJobName"].startswith(f"{run.PreprocessingJobName}-")
    names = read(aws, f"{run.OutputProcessedMessage}names.txt").splitlines()
    assert [name.rsplit("/", maxsplit=1)[-1] for name in names] == ["a b.jsonl", "c+d.jsonl"]
    [listed] = attached.list_executions()
    assert (listed.name, listed.status) == (run.PreprocessingJobName, "SUCCEEDED")
    assert execution.list_events()[-1]["type"] == "ExecutionSucceeded"


def test_a_failed_job_is_tried_twice_under_two_names_then_the_command_exits_with_1(
    aws: LocalAws, landrun: Callable[..., tuple[int, str]]
) -> None:
    arn = workflow.create(config("failing", FAIL), aws.client("stepfunctions"))
    source, target = put(aws, "a.jsonl"), put(aws)

    code, out = landrun("execute", source, target, "--wait", "--json", "--state-machine-arn", arn)

    assert code == 1
    said = json.loads(out)
    assert (said["Status"], said["Error"]) == ("FAILED", "States.TaskFailed")
    name = said["PreprocessingJobName"]
    jobs = aws.client("sagemaker").list_processing_jobs(NameContains=name)
    names = {job["ProcessingJobName"] for job in jobs["ProcessingJobSummaries"]}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


def test_a_notebooks_execution_of_the_stacks_machine_is_recorded(
    aws: LocalAws,
    landrun: Callable[..., tuple[int, str]],
    eventually: Callable[..., Any],
) -> None:
    source, target = put(aws, "a.jsonl"), put(aws)

    code, out = landrun("execute", source, target, "--wait", "--json")

    assert code == 0
    name = json.loads(out)["PreprocessingJobName"]
    eventually(lambda: recorded(aws, name).get("status") == {"S": "SUCCEEDED"})
    row = recorded(aws, name)
    assert row["trigger"]["M"]["Kind"] == {"S": "outside"}
    assert row["output_processed_message"] == {"S": target}


def recorded(aws: LocalAws, name: str) -> dict[str, Any]:
    answer = aws.client("dynamodb").get_item(
        TableName=aws.outputs["RunsTable"], Key={"name": {"S": name}}, ConsistentRead=True
    )
    row: dict[str, Any] = answer.get("Item", {})
    return row
