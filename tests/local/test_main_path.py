"""The main job on the laptop's AWS: what lands is run once, and its outcome is on the record."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from laptop_stack import LaptopStack, eventually
from local import commands

MESSAGES = b"".join(
    json.dumps({"id": str(n), "sender": "ada", "text": text}).encode() + b"\n"
    for n, text in enumerate(["hello", "hello", "", "write to bob@example.org"])
)
RAISES = """
import sys
print("rows: 1", flush=True)
raise ValueError("no column is called text, https://evil.example")
"""


@pytest.fixture
def key():
    """A key that no other test uses."""
    return f"incoming/{uuid.uuid4()}.jsonl"


def test_a_file_copied_with_the_aws_cli_becomes_a_row_with_all_that_is_known_of_its_run(
    stack, key, tmp_path
):
    file, target = tmp_path / "messages.jsonl", f"s3://{stack.outputs['LandingBucket']}/{key}"
    file.write_bytes(MESSAGES)
    command = [Path(sys.executable).with_name("aws"), "s3", "cp", "--quiet", file, target]
    subprocess.run(command, env=commands.environment(stack.aws), check=True)
    row = stack.ended(key)
    assert row["status"] == "SUCCEEDED"
    counts = {name: int(row["summary"][name]) for name in ("rows_in", "rows_out", "duplicates")}
    assert counts == {"rows_in": 4, "rows_out": 2, "duplicates": 1}
    name = row["name"]
    output = stack.outputs["OutputBucket"]
    assert row["input_message"] == f"s3://{output}/manifests/{name}.json"
    assert row["output_processed_message"] == f"s3://{output}/processed/{name}/"
    assert row["trigger"]["Kind"] == "object-created"
    assert row["job_arn"].endswith(row["job_name"])
    assert row["instance_seconds"] > 0
    assert row["started_at"] < row["stopped_at"]
    listed = stack.client("s3").list_objects_v2(Bucket=output, Prefix=f"processed/{name}/")
    sizes = [found["Size"] for found in listed["Contents"]]
    assert (row["output_objects"], row["output_bytes"]) == (len(sizes), sum(sizes))


def test_several_odd_keys_at_once_are_each_read_exactly_by_their_job(stack, key):
    odd = ("a b", "a+b", "a%2Bb", "😀 größe", 'it\'s "quoted"', "a&b<c>?#")
    keys = [key.replace(".jsonl", f"/{one}.jsonl") for one in odd]
    for one in keys:
        stack.put(stack.outputs["LandingBucket"], one, MESSAGES)
    for one in keys:
        row = stack.ended(one)
        assert row["status"] == "SUCCEEDED"
        [file] = row["summary"]["files"]
        assert file["name"].endswith(one)


def test_the_same_event_delivered_five_times_makes_one_execution(stack, key, load_event):
    stack.put(stack.outputs["LandingBucket"], key, MESSAGES)
    row = stack.ended(key)
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    event["detail"]["bucket"]["name"] = stack.outputs["LandingBucket"]
    event["detail"]["object"] |= {"key": key, "version-id": row["trigger"]["VersionId"]}
    sqs, queue = stack.client("sqs"), stack.outputs["LandingQueueUrl"]
    for _ in range(5):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))

    eventually(lambda: not stack.messages("LandingQueueUrl"))
    assert [e["name"] for e in stack.executions()].count(row["name"]) == 1
    assert stack.ended(key) == row


def test_a_script_of_the_users_own_that_raises_says_why_in_row_mail_and_runs(
    laptop, root, tmp_path
):
    script = tmp_path / "my_script.py"
    script.write_text(RAISES)
    given = {"JobEntrypoint": f"python3 {script}"}
    stack = LaptopStack(laptop(root, tmp_path / "state", given).aws)
    notifications = stack.subscribe()
    row = stack.ended(stack.land())
    assert (row["status"], row["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(row["cause"])["FailureReason"] == "AlgorithmError: , exit code: 1"
    why = "ValueError: no column is called text, "
    assert row["exit_message"] == f"{why}https://evil.example"
    [notification] = eventually(notifications)
    assert row["name"] in notification["Subject"]
    assert f"Exit message: {why}https[:]//evil.example" in notification["Message"].splitlines()
    assert "What to do" in notification["Message"]
    env = commands.environment(stack.aws, COLUMNS="200")
    listed = commands.landrun(env, "runs", "--status", "failed")
    assert (listed.returncode, why in listed.stdout) == (0, True), listed.stdout + listed.stderr
