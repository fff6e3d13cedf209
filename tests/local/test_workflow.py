"""`landrun workflow`: a notebook's state machine, created and executed from the command line."""

import json
import uuid

import pytest

from landrun_ops import workflow
from landrun_ops.workflow import WorkflowConfig
from local import commands

ROLE = "arn:aws:iam::123456789012:role/notebook"
FAIL = "import sys; sys.exit('no text column')"


def put(aws, *names):
    """Put small files where they start no run of their own; return their folder's URI."""
    folder = f"by-hand/{uuid.uuid4().hex}/"
    bucket = aws.outputs["OutputBucket"]
    for name in names:
        aws.client("s3").put_object(Bucket=bucket, Key=folder + name, Body=b'{"text": "hello"}\n')
    return f"s3://{bucket}/{folder}"


@pytest.fixture
def landrun(aws):
    """The command, in the environment that ``landrun local env`` gives."""

    def run(*arguments):
        done = commands.landrun(commands.environment(aws), "workflow", *arguments)
        return done.returncode, done.stdout

    return run


def test_a_failed_job_is_tried_twice_under_two_names_then_the_command_exits_with_1(
    aws, stack, landrun
):
    settings = {
        "name": f"failing-{uuid.uuid4().hex[:8]}",
        "role": ROLE,
        "processing_role": ROLE,
        "image_uri": "messages:1",
        "entrypoint": ("python3", "-c", FAIL),
    }
    arn = workflow.create(WorkflowConfig.read(settings), aws.client("stepfunctions"))
    source, target = put(aws, "a.jsonl"), put(aws)

    code, out = landrun("execute", source, target, "--wait", "--json", "--state-machine-arn", arn)

    assert code == 1
    said = json.loads(out)
    assert (said["Status"], said["Error"]) == ("FAILED", "States.TaskFailed")
    name = said["PreprocessingJobName"]
    names = {job["ProcessingJobName"] for job in stack.jobs(name)}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


def test_a_notebooks_execution_of_the_stacks_machine_is_recorded(aws, stack, landrun):
    source, target = put(aws, "a.jsonl"), put(aws)

    code, out = landrun("execute", source, target, "--wait", "--json")

    assert code == 0
    name = json.loads(out)["PreprocessingJobName"]
    row = stack.ended(name)
    assert (row["status"], row["trigger"]["Kind"]) == ("SUCCEEDED", "outside")
    assert row["output_processed_message"] == target
