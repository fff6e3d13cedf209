"""`landrun land`, `stop`, `backfill`, `explain` and `redrive`, on the laptop's AWS."""

import json
import shutil
import uuid

from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import object_created
from landrun_ops.stack.object_versions import current_versions
from laptop_stack import eventually
from local.commands import landrun, told

PART = 8 * 2**20
"""Bytes from which boto3 uploads in parts."""


def test_files_and_folders_land_and_their_runs_are_followed(aws, env, root, tmp_path):
    (tmp_path / "more").mkdir()
    shutil.copy(root / "samples/orders.jsonl", tmp_path / "more" / "a b+é.jsonl")
    prefix = uuid.uuid4().hex

    paths = (str(root / "samples/orders.jsonl"), str(tmp_path))
    said = told(env, "land", *paths, "--prefix", prefix, "--wait")

    bucket = aws.outputs["LandingBucket"]
    names = ("orders.jsonl", "more/a b+é.jsonl")
    uris = [f"s3://{bucket}/incoming/{prefix}/{name}" for name in names]
    assert [one["uri"] for one in said["landed"]] == uris
    ended = {run["name"]: run for run in said["ended"]}
    for one in said["landed"]:
        run = ended[one["run"]]
        assert (run["status"], run["summary"]["rows_in"]) == ("SUCCEEDED", 44)


def test_the_run_of_a_large_file_is_known_at_once_and_can_be_stopped(env, tmp_path):
    file = tmp_path / f"{uuid.uuid4().hex}.txt"
    file.write_text("hello\n" + "\n" * PART)
    [landed] = told(env, "land", str(file))["landed"]
    run = eventually(lambda: told(env, "explain", landed["uri"])["run"])
    assert run == landed["run"]

    # Whether it is stopped in time or has ended before, it does not run any more.
    [stopped] = told(env, "stop", run)
    assert (stopped["name"], stopped["status"] == "RUNNING") == (run, False)
    assert "had ended before" in landrun(env, "stop", run).stdout


def land_without_events(aws, *keys):
    """Land objects without events, as before the stack; the name of each one's run, by its key."""
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    prefix, runs = aws.outputs["JobNamePrefix"], {}
    for key in keys:
        version = s3.put_object(Bucket=bucket, Key=key, Body=b"hello\n")["VersionId"]
        runs[key] = landing_run_name(prefix, bucket, key, version)
    on = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=on)
    return runs


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
    assert "refused: no room" in landrun(env, "redrive", "--dry-run").stdout

    # When it is sent back, then it has its run
    sent = told(env, "redrive", "--queue", "landings", "--yes")["queues"]["landings"]
    assert sent["failed"] == []
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
    assert "1 in flight" in done.stdout
    sqs.purge_queue(QueueUrl=dead)
