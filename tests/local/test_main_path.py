"""The main job on the laptop's AWS: what lands is run once, and its outcome is on the record."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from landrun_ops.local import LocalAws
from laptop_stack import LaptopStack, eventually
from local import commands

MESSAGES = b"".join(
    json.dumps({"id": str(n), "sender": "ada", "text": text}).encode() + b"\n"
    for n, text in enumerate(["hello", "hello", "", "write to bob@example.org"])
)
NO_TEXT = b'{"id": "1", "colour": "red"}\n'


@pytest.fixture
def key():
    """A key that no other test uses."""
    return f"incoming/{uuid.uuid4()}.jsonl"


RAISES = """
import sys
print("rows: 1", flush=True)
raise ValueError("no column is called text, https://evil.example")
"""


def land(stack, key, body=MESSAGES):
    """Put an object into the landing bucket; gives its version id."""
    bucket = stack.outputs["LandingBucket"]
    return stack.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]


def manifest(stack, row):
    bucket, _, key = row["input_message"].removeprefix("s3://").partition("/")
    return json.loads(stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def subscribed(stack):
    """Subscribe to a stack's notifications; return what gives those that have come."""
    sqs, sns = stack.client("sqs"), stack.client("sns")
    url = sqs.create_queue(QueueName=f"told-{uuid.uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(
        TopicArn=stack.outputs["NotificationsTopicArn"], Protocol="sqs", Endpoint=arn["QueueArn"]
    )
    seen = []

    def read():
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        seen.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return seen

    return read


def test_a_file_copied_with_the_aws_cli_becomes_a_row_with_all_that_is_known_of_its_run(
    stack, key, tmp_path
):
    (tmp_path / "messages.jsonl").write_bytes(MESSAGES)
    target = f"s3://{stack.outputs['LandingBucket']}/{key}"
    command = [Path(sys.executable).with_name("aws"), "s3", "cp", "--quiet"]
    subprocess.run(
        [*command, str(tmp_path / "messages.jsonl"), target],
        env=commands.environment(stack.aws),
        check=True,
    )
    row = stack.ended(key)
    assert row["status"] == "SUCCEEDED"
    counts = {name: int(row["summary"][name]) for name in ("rows_in", "rows_out", "duplicates")}
    assert counts == {"rows_in": 4, "rows_out": 2, "duplicates": 1}
    name = row["name"]
    output = stack.outputs["OutputBucket"]
    assert row["preprocessing_job_name"] == name
    assert row["input_message"] == f"s3://{output}/manifests/{name}.json"
    assert row["output_processed_message"] == f"s3://{output}/processed/{name}/"
    assert row["trigger"]["Kind"] == "object-created"
    assert row["job_name"].startswith(f"{name}-")
    assert row["job_arn"].endswith(row["job_name"])
    assert row["instance_seconds"] > 0
    assert row["started_at"] < row["stopped_at"]
    assert json.loads(row["output"])["ProcessingJobStatus"] == "Completed"
    listed = stack.client("s3").list_objects_v2(Bucket=output, Prefix=f"processed/{name}/")
    sizes = [found["Size"] for found in listed["Contents"]]
    assert (row["output_objects"], row["output_bytes"]) == (len(sizes), sum(sizes))


def test_several_odd_keys_at_once_are_each_read_exactly_by_their_job(stack, key):
    odd = ("a b", "a+b", "a%2Bb", "😀 größe", 'it\'s "quoted"', "a&b<c>?#")
    keys = [key.replace(".jsonl", f"/{one}.jsonl") for one in odd]
    for one in keys:
        land(stack, one)
    for one in keys:
        row = stack.ended(one)
        assert row["status"] == "SUCCEEDED"
        assert manifest(stack, row) == [{"prefix": f"s3://{stack.outputs['LandingBucket']}/"}, one]
        [file] = row["summary"]["files"]
        assert file["name"].endswith(one)


def test_the_same_event_delivered_five_times_makes_one_execution(stack, key, load_event):
    version = land(stack, key)
    row = stack.ended(key)
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    event["detail"]["bucket"]["name"] = stack.outputs["LandingBucket"]
    event["detail"]["object"] |= {"key": key, "version-id": version}
    sqs, queue = stack.client("sqs"), stack.outputs["LandingQueueUrl"]
    for _ in range(5):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))

    eventually(lambda: not stack.messages("LandingQueueUrl"))
    assert [e["name"] for e in stack.executions()].count(row["name"]) == 1
    assert stack.ended(key) == row


def test_overwriting_a_key_is_a_run_of_its_own(stack, key):
    first = land(stack, key)
    stack.ended(first)
    second = land(stack, key, MESSAGES * 2)
    row = stack.ended(second)
    assert int(row["summary"]["rows_in"]) == 8


def test_a_script_that_fails_makes_a_failed_row_with_its_cause_and_is_told(stack, key):
    told = subscribed(stack)
    land(stack, key, NO_TEXT)
    row = stack.ended(key)
    assert (row["status"], row["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(row["cause"])
    assert cause["ProcessingJobStatus"] == "Failed"
    assert "text" in row["exit_message"]
    assert row["exit_message"] == cause["ExitMessage"]

    def about_this_run():
        return [one for one in told() if row["name"] in one["Subject"]]

    [notification] = eventually(about_this_run)
    assert row["exit_message"][:60] in notification["Message"]
    assert "What to do" in notification["Message"]


def test_a_script_of_the_users_own_that_raises_says_why_in_row_mail_and_runs(
    laptop, root, tmp_path, key
):
    script = tmp_path / "my_script.py"
    script.write_text(RAISES)
    given = {"JobEntrypoint": f"python3 {script}"}
    stack = LaptopStack(laptop(root, tmp_path / "state", given).aws)
    notifications = subscribed(stack)
    land(stack, key)
    row = stack.ended(key)
    assert json.loads(row["cause"])["FailureReason"] == "AlgorithmError: , exit code: 1"
    why = "ValueError: no column is called text, "
    assert row["exit_message"] == f"{why}https://evil.example"
    [notification] = eventually(notifications)
    assert f"Exit message: {why}https[:]//evil.example" in notification["Message"].splitlines()
    env = commands.environment(LocalAws.attach(tmp_path / "state"), COLUMNS="200")
    listed = commands.landrun(env, "runs", "--status", "failed")
    assert (listed.returncode, why in listed.stdout) == (0, True), listed.stdout + listed.stderr
