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


def put(stack, bucket, *keys, body=b"x"):
    for key in keys:
        stack.client("s3").put_object(Bucket=stack.outputs[bucket], Key=key, Body=body)


def manifest(stack, key):
    """Put a manifest of one object there, and give its URI."""
    put(stack, "OutputBucket", "listed/a.txt", "listed/b.txt")
    body = [{"prefix": f"s3://{stack.outputs['OutputBucket']}/listed/"}, "a.txt"]
    put(stack, "OutputBucket", key, body=json.dumps(body).encode())
    return f"s3://{stack.outputs['OutputBucket']}/{key}"


def test_words_and_variables_reach_the_script_exactly(stack):
    put(stack, "LandingBucket", "by-hand/words.txt")
    uri = f"s3://{stack.outputs['LandingBucket']}/by-hand/words.txt"

    _, found = run(stack, by_hand(stack, uri))

    assert found["arguments"] == AWKWARD
    assert {name: found["environment"].get(name) for name in VARIABLES} == VARIABLES


def test_an_object_and_a_prefix_are_read_as_the_notebook_reads_them(stack):
    put(stack, "LandingBucket", "by-hand/in/a.txt", "by-hand/in/deep/b.txt")
    prefix = f"s3://{stack.outputs['LandingBucket']}/by-hand/in/"

    job, found = run(stack, by_hand(stack, prefix))
    _, one = run(stack, by_hand(stack, f"{prefix}deep/b.txt"))

    assert found["read"] == ["a.txt", "deep/b.txt"]
    assert one["read"] == ["b.txt"]
    assert job.startswith("landrun-")
    assert uuid.UUID(job.removeprefix("landrun-"))


def test_a_manifest_is_read_by_where_it_lies_or_by_who_started_the_run(stack):
    named = by_hand(stack, manifest(stack, f"manifests/{uuid.uuid4()}.json"))
    own = named["PreprocessingJobName"].replace("bsm-batch-preprocessing-daily", "landrun")
    moved = by_hand(stack, manifest(stack, f"manifests-of-before/{uuid.uuid4()}.json"))
    moved |= {"PreprocessingJobName": own, "Trigger": {"Kind": "manual", "StartedBy": "me"}}

    unnamed_job, by_place = run(stack, named)
    job, by_trigger = run(stack, moved)

    assert by_place["read"] == by_trigger["read"] == ["a.txt"]
    assert unnamed_job.startswith("landrun-")
    assert job.startswith(f"{own}-")
    assert len(job) <= 63
