"""The template's state machine: awkward words, and inputs as a notebook passes them."""

import json
import uuid

import pytest

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
    return laptop(root, folder / "state", parameters).aws


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


def put(stack, *keys, body=b"x"):
    """Put objects where they start no run of their own; give the bucket's URI."""
    bucket = stack.outputs["OutputBucket"]
    for key in keys:
        stack.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/"


def test_words_variables_and_the_objects_of_a_prefix_reach_the_script_exactly(stack):
    source = put(stack, "by-hand/a.txt", "by-hand/deep/b.txt")

    job, found = run(stack, by_hand(stack, f"{source}by-hand/"))

    assert found["arguments"] == AWKWARD
    assert {name: found["environment"].get(name) for name in VARIABLES} == VARIABLES
    assert found["read"] == ["a.txt", "deep/b.txt"]
    assert uuid.UUID(job.removeprefix("landrun-"))


def test_a_manifest_is_read_by_where_it_lies(stack):
    source = put(stack, "listed/a.txt", "listed/b.txt")
    manifest = json.dumps([{"prefix": f"{source}listed/"}, "a.txt"]).encode()
    put(stack, "manifests/listed.json", body=manifest)

    _, found = run(stack, by_hand(stack, f"{source}manifests/listed.json"))

    assert found["read"] == ["a.txt"]
