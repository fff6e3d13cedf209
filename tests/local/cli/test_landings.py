"""`landrun backfill`, `explain` and `redrive`: as processes, about objects without events."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import object_created
from landrun_ops.local import LocalAws
from landrun_ops.stack.object_versions import ObjectVersions

from .process import LANDRUN, SECONDS, environment, landrun


@pytest.fixture
def env(aws: LocalAws, tmp_path: Path) -> dict[str, str]:
    """What somebody has who typed eval "$(landrun local env)"."""
    return environment(aws, XDG_STATE_HOME=str(tmp_path))


@contextmanager
def unheard(aws: LocalAws) -> Iterator[None]:
    """No events for what lands meanwhile, as of a bucket of before the stack."""
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


def land_unheard(aws: LocalAws, *keys: str) -> dict[str, str]:
    """Land objects without events; the name of each one's run, by its key."""
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    with unheard(aws):
        versions = {
            key: s3.put_object(Bucket=bucket, Key=key, Body=b"hello\n")["VersionId"] for key in keys
        }
    prefix = aws.outputs["JobNamePrefix"]
    return {key: landing_run_name(prefix, bucket, key, one) for key, one in versions.items()}


def started(aws: LocalAws) -> set[str]:
    pages = aws.client("stepfunctions").get_paginator("list_executions")
    machine = aws.outputs["StateMachineArn"]
    found = pages.paginate(stateMachineArn=machine)
    return {execution["name"] for page in found for execution in page["executions"]}


def test_a_backfill_that_was_killed_goes_on_and_gives_each_object_its_one_run(
    aws: LocalAws, env: dict[str, str], tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    folder = f"incoming/old +é {uuid.uuid4().hex}/"
    runs = land_unheard(aws, *(f"{folder}{n}.txt" for n in range(3)))
    uri = f"s3://{aws.outputs['LandingBucket']}/{folder}"
    command = ("backfill", uri, "--missing", "--yes", "--json")

    # Given one that is killed once it has sent something
    first = subprocess.Popen(
        [LANDRUN, *command, "--rate", "1"],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    [mark] = eventually(lambda: list(tmp_path.glob("landrun/backfill-*.json")), every=0.05)
    first.kill()
    first.wait(SECONDS)

    # When the same command is given again
    done = landrun(env, *command)

    # Then it goes on where that was, and every object has the run that its event would have given
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["resumed_after"] == f"{folder}0.txt"
    assert (said["objects"], said["sent"]) == (2, 2)
    assert not mark.exists()
    eventually(lambda: started(aws) >= set(runs.values()))


def test_a_dead_letter_is_explained_and_sent_back_to_be_processed(
    aws: LocalAws, env: dict[str, str], eventually: Callable[..., Any]
) -> None:
    key = f"incoming/{uuid.uuid4().hex} a.txt"
    [name] = land_unheard(aws, key).values()
    where = S3Uri(aws.outputs["LandingBucket"], key)
    explain = ("explain", str(where), "--json")

    # Given an object whose event is a dead letter
    [version] = ObjectVersions(aws.client("s3")).current(where)
    event = object_created(where.bucket, version, aws.outputs["LandingQueueArn"])
    reason = {"Reason": {"DataType": "String", "StringValue": f"no room for {key}"}}
    dead = aws.outputs["LandingDeadLetterQueueUrl"]
    aws.client("sqs").send_message(
        QueueUrl=dead, MessageBody=json.dumps(event), MessageAttributes=reason
    )

    # Then that is why it has no run, and how it gets one
    answer = json.loads(landrun(env, *explain).stdout)
    assert (answer["verdict"], answer["reason"]) == ("dead-letter", f"no room for {key}")
    redrive = "landrun redrive --queue landings"
    assert answer["commands"] == [redrive, f"{redrive} --discard"]

    # When it is sent back, then it has its run
    done = landrun(env, "redrive", "--queue", "landings", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["queues"]["landings"]
    assert "no room for KEY" in [group["reason"] for group in said["groups"]]
    assert said["status"] == "COMPLETED"
    eventually(lambda: name in started(aws))
    answer = json.loads(landrun(env, *explain).stdout)
    assert answer["run"] == name
    assert answer["verdict"] in {"running", "processed", "failed"}


def test_refused_messages_are_saved_and_deleted_and_the_others_stay(
    aws: LocalAws, env: dict[str, str], tmp_path: Path
) -> None:
    sqs, dead = aws.client("sqs"), aws.outputs["StatusDeadLetterQueueUrl"]
    reason = {"Reason": {"DataType": "String", "StringValue": "not such an event"}}
    sqs.send_message(QueueUrl=dead, MessageBody="refused", MessageAttributes=reason)
    sqs.send_message(QueueUrl=dead, MessageBody="failed")
    discard = ("redrive", "--queue", "statuses", "--discard", "--out", str(tmp_path / "saved"))
    assert landrun(env, *discard).returncode == 2  # nobody is there to be asked
    done = landrun(env, *discard, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"1 deleted, and saved to {tmp_path / 'saved'}" in done.stdout
    [line] = (tmp_path / "saved").read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["body"], json.loads(line)["reason"]) == (
        "refused",
        "not such an event",
    )
    left = json.loads(landrun(env, "redrive", "--queue", "statuses", "--dry-run", "--json").stdout)
    assert [group["why"] for group in left["queues"]["statuses"]["groups"]] == ["failed"]

    # While somebody else has received it, it is in flight
    assert sqs.receive_message(QueueUrl=dead, VisibilityTimeout=600)["Messages"]
    done = landrun(env, "redrive", "--queue", "statuses", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "statuses: no dead-letter messages, but 1 in flight",
        "  somebody has received them: run it again once they are back",
    ]
    sqs.purge_queue(QueueUrl=dead)


@pytest.mark.parametrize("odd", ["\x01", "\x1b[2J", "\t", "é+%2B '"])
def test_a_key_with_odd_characters_is_explained(
    aws: LocalAws, env: dict[str, str], odd: str
) -> None:
    key = f"incoming/{uuid.uuid4().hex}{odd}.txt"
    land_unheard(aws, key)
    done = landrun(env, "explain", f"s3://{aws.outputs['LandingBucket']}/{key}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no-event" in done.stdout
    assert done.stdout.replace("\n", "").isprintable()
