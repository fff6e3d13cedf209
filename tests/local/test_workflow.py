"""`landrun workflow`: a notebook's state machine, created and executed from the command line."""

import uuid

import pytest

from landrun_ops import workflow
from landrun_ops.workflow import WorkflowConfig
from local import commands
from local.commands import told

ROLE = "arn:aws:iam::123456789012:role/notebook"


@pytest.fixture
def execute(aws, stack):
    """``execute(*options)`` is what the command says of an execution, and where its output is."""

    def run(*options, code=0):
        key = f"by-hand/{uuid.uuid4().hex}/in/a.jsonl"
        source = stack.put(aws.outputs["OutputBucket"], key, '{"text": "hello"}\n')
        folder, target = source.removesuffix("a.jsonl"), source.replace("in/a.jsonl", "out/")
        words = ("workflow", "execute", folder, target, "--wait", *options)
        return told(commands.environment(aws), *words, code=code), target

    return run


def test_a_failed_job_is_tried_twice_under_two_names_then_the_command_exits_with_1(
    aws, stack, execute
):
    settings = {
        "name": f"failing-{uuid.uuid4().hex[:8]}",
        "role": ROLE,
        "processing_role": ROLE,
        "image_uri": "messages:1",
        "entrypoint": ("python3", "-c", "raise SystemExit('no text column')"),
    }
    arn = workflow.create(WorkflowConfig.read(settings), aws.client("stepfunctions"))

    said, _ = execute("--state-machine-arn", arn, code=1)

    assert (said["Status"], said["Error"]) == ("FAILED", "States.TaskFailed")
    names = {job["ProcessingJobName"] for job in stack.jobs(said["PreprocessingJobName"])}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)


def test_a_notebooks_execution_of_the_stacks_machine_is_recorded(stack, execute):
    said, target = execute()

    row = stack.ended(said["PreprocessingJobName"])
    assert (row["status"], row["trigger"]["Kind"]) == ("SUCCEEDED", "outside")
    assert row["output_processed_message"] == target
