"""The template's state machine: awkward words, and inputs as a notebook passes them."""

import json
import uuid

import pytest

from laptop_stack import LaptopStack

JOB = """
import json, os, sys
from pathlib import Path

root = Path(os.environ["LANDRUN_OPT_ML"])
read = root / "processing/input/messages"
found = {
    "arguments": sys.argv[1:],
    "environment": dict(os.environ),
    "read": sorted(str(path.relative_to(read)) for path in read.rglob("*") if path.is_file()),
}
(root / "processing/output/processed/found.json").write_text(json.dumps(found))
"""
AWKWARD = [
    "--config",
    '{"a": 1}',
    "a b",
    "it's",
    'say "hi"',
    "x=1,y=2",
    "$HOME $$ ${HOME}",
    "${ImageUri}",
    "${JobArguments}",
    "${AWS::StackName}",
    "back\\slash \\n",
    "*",
    "- # : & ! {} []",
    "ünïcödé",
    "\U0001f600",
    " ",
]
VARIABLES = {f"WORD_{index}": word for index, word in enumerate(AWKWARD)} | {"EMPTY": ""}


@pytest.fixture(scope="module")
def stack(laptop, root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("definition")
    job = folder / "a job.py"
    job.write_text(JOB, encoding="utf-8")
    parameters = {
        "JobEntrypoint": json.dumps(["python3", str(job)]),
        "JobArguments": json.dumps(AWKWARD),  # the emoji as two escapes
        "JobEnvironment": json.dumps(VARIABLES, ensure_ascii=False),
    }
    return LaptopStack(laptop(root, folder / "state", parameters).aws)


def run(stack, given):
    """Run the stack's machine as the notebook does; give its job's name and what its job found."""
    from landrun_ops.workflow import sdk  # noqa: PLC0415 - takes seconds

    steps = stack.client("stepfunctions")
    arn = stack.outputs["StateMachineArn"]
    attached = sdk.workflow.Workflow.attach(arn, client=steps)
    execution = attached.execute(inputs=given)
    output = execution.get_output(wait=True)
    assert output, execution.describe()
    key = given["OutputProcessedMessage"].split("/", 3)[3] + "found.json"
    body = stack.client("s3").get_object(Bucket=stack.outputs["OutputBucket"], Key=key)["Body"]
    return str(output["ProcessingJobName"]), json.loads(body.read())


def by_hand(stack, uri):
    """The three fields of the notebook, with a name of its 62 characters."""
    name = f"bsm-batch-preprocessing-daily-{uuid.uuid4().hex}"
    assert len(name) == 62
    return {
        "PreprocessingJobName": name,
        "InputMessage": uri,
        "OutputProcessedMessage": f"s3://{stack.outputs['OutputBucket']}/processed/{name}/",
    }


def test_words_variables_and_the_objects_of_a_prefix_reach_the_script_exactly(stack):
    bucket = stack.outputs["OutputBucket"]
    for name in ("a.txt", "deep/b.txt"):
        stack.put(bucket, f"by-hand/{name}")

    job, found = run(stack, by_hand(stack, f"s3://{bucket}/by-hand/"))

    assert found["arguments"] == AWKWARD
    assert {name: found["environment"].get(name) for name in VARIABLES} == VARIABLES
    assert found["read"] == ["a.txt", "deep/b.txt"]
    assert uuid.UUID(job.removeprefix("landrun-"))


def test_a_manifest_is_read_by_where_it_lies(stack):
    bucket = stack.outputs["OutputBucket"]
    for name in ("a.txt", "b.txt"):
        stack.put(bucket, f"listed/{name}")
    manifest = json.dumps([{"prefix": f"s3://{bucket}/listed/"}, "a.txt"])

    _, found = run(stack, by_hand(stack, stack.put(bucket, "manifests/listed.json", manifest)))

    assert found["read"] == ["a.txt"]
