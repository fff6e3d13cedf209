"""`landrun backfill`, `explain` and `redrive`: as processes, about objects without events."""

import json
import uuid

from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import object_created
from landrun_ops.stack.object_versions import current_versions
from laptop_stack import eventually
from local.commands import landrun, told


def land_without_events(aws, *keys):
    """Land objects without events, as before the stack; the name of each one's run, by its key."""
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    answers = {key: s3.put_object(Bucket=bucket, Key=key, Body=b"hello\n") for key in keys}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    prefix = aws.outputs["JobNamePrefix"]
    return {
        key: landing_run_name(prefix, bucket, key, answer["VersionId"])
        for key, answer in answers.items()
    }


def started(stack):
    return [execution["name"] for execution in stack.executions()]


def test_a_backfill_gives_each_object_its_one_run_however_often_it_is_typed(aws, stack, env):
    folder = f"incoming/old +é {uuid.uuid4().hex}/"
    runs = land_without_events(aws, *(f"{folder}{n}.txt" for n in range(3)))
    command = ("backfill", f"s3://{aws.outputs['LandingBucket']}/{folder}")

    planned = told(env, *command, "--missing", "--dry-run")
    assert (planned["to_send"], planned["sent"], planned["first"]) == (3, 0, list(runs))
    assert not set(started(stack)) & set(runs.values())
    assert landrun(env, *command).returncode == 2  # nobody is there to be asked

    assert told(env, *command, "--missing", "--yes")["sent"] == 3
    assert told(env, *command, "--yes")["sent"] == 3
    eventually(lambda: set(started(stack)) >= set(runs.values()))
    eventually(lambda: told(env, *command, "--missing", "--yes")["known"] == 3)
    assert told(env, *command, "--missing", "--yes")["sent"] == 0
    assert sorted({*started(stack)} & {*runs.values()}) == sorted(runs.values())


def test_an_object_without_a_run_is_explained_and_its_dead_letter_sent_back(aws, stack, env):
    # Given an object of an odd key whose event never arrived
    key = f"incoming/{uuid.uuid4().hex}\x01\x1b[2J\t é+%2B '.txt"
    [name] = land_without_events(aws, key).values()
    where = S3Uri(aws.outputs["LandingBucket"], key)
    said = landrun(env, "explain", str(where))
    assert (said.returncode, said.stderr) == (0, "")
    assert "no-event" in said.stdout
    assert said.stdout.replace("\n", "").isprintable()

    # When its event is a dead letter, then that is why it has no run
    [version] = current_versions(aws.client("s3"), where)
    event = object_created(where.bucket, version, aws.outputs["LandingQueueArn"])
    aws.client("sqs").send_message(
        QueueUrl=aws.outputs["LandingDeadLetterQueueUrl"],
        MessageBody=json.dumps(event),
        MessageAttributes={"Reason": {"DataType": "String", "StringValue": "no room"}},
    )
    answer = told(env, "explain", str(where))
    assert answer["verdict"] == "dead-letter"
    assert "no room" in answer["said"]
    redrive = "landrun redrive --queue landings"
    assert answer["commands"] == [redrive, f"{redrive} --discard"]
    listed = landrun(env, "redrive", "--dry-run").stdout
    assert "refused: no room" in listed
    assert listed.replace("\n", "").isprintable()

    # When it is sent back, then it has its run
    assert (
        told(env, "redrive", "--queue", "landings", "--yes")["queues"]["landings"]["failed"] == []
    )
    eventually(lambda: name in started(stack))
    answer = told(env, "explain", str(where))
    assert answer["run"] == name
    assert answer["verdict"] in {"running", "processed", "failed"}


def test_refused_messages_are_saved_and_deleted_and_the_others_stay(
    aws, env, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sqs, dead = aws.client("sqs"), aws.outputs["StatusDeadLetterQueueUrl"]
    reason = {"Reason": {"DataType": "String", "StringValue": "not such an event"}}
    sqs.send_message(QueueUrl=dead, MessageBody="refused", MessageAttributes=reason)
    sqs.send_message(QueueUrl=dead, MessageBody="failed")
    redrive = ("redrive", "--queue", "statuses")
    assert landrun(env, *redrive, "--discard").returncode == 2  # nobody is there to be asked
    said = told(env, *redrive, "--discard", "--yes")["queues"]["statuses"]
    assert said["done"] == 1
    [saved] = tmp_path.iterdir()
    assert str(saved) == said["file"]
    assert json.loads(saved.read_text(encoding="utf-8"))["body"] == "refused"
    left = told(env, *redrive, "--dry-run")["queues"]["statuses"]
    assert [group["why"] for group in left["groups"]] == ["failed"]

    # While somebody else has received it, it is in flight
    assert sqs.receive_message(QueueUrl=dead, VisibilityTimeout=600)["Messages"]
    done = landrun(env, *redrive, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 dead-letter messages" in done.stdout
    assert "1 in flight" in done.stdout
    sqs.purge_queue(QueueUrl=dead)
