"""`landrun backfill`: which objects are sent, as what, and how fast."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from landrun.adapters.landings_table import KEPT, landing_id, ordered
from landrun.adapters.landings_table import LandingsTable as Landings
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.events import parse_object_created
from landrun.models.landing import Landing
from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import Backfill, Survey, object_created, send, under_landing
from landrun_ops.stack.object_versions import ObjectVersion, current_versions, versions_of
from landrun_ops.stack.stack import Stack
from records import create_runs_table, item

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
QUEUE = "arn:aws:sqs:us-east-1:123456789012:landrun-LandingQueue"
LANDING = S3Uri("landings", "incoming/")
A = "incoming/a.jsonl"
OUTPUTS = {
    "LandingBucket": "landings",
    "LandingPrefix": "incoming/",
    "LandingSuffix": ".jsonl",
    "OutputBucket": "outputs",
    "OutputPrefix": "processed/",
    "ManifestPrefix": "manifests/",
    "RunsTable": "runs",
    "LandingsTable": "landings",
    "JobNamePrefix": "landrun",
    "StartOn": "arrival",
}


def version(key=A, version_id="v1", **more):
    return ObjectVersion(key, version_id, **({"modified": NOW, "size": 7} | more))


# ---- The event


@pytest.mark.parametrize("fraction", ["00000000", "80000000", "FFFFFFFF"])
@pytest.mark.parametrize("before", [0, -1, -3600, 40], ids=str)  # 40: this began before that landed
def test_a_made_sequencer_is_between_those_of_older_and_newer_versions(before, fraction):
    def true(at, fraction):
        return ordered(f"00{int(at.timestamp()):08X}{fraction}")

    older = NOW + timedelta(seconds=before)
    made = ordered(version(after=older).sequencer)
    assert true(older, fraction) < made < true(max(NOW, older) + timedelta(seconds=1), "00000001")
    # Without a version id it names the run: it is always the same.
    unversioned = {version(version_id=None, after=at).sequencer for at in (None, older)}
    assert len(unversioned) == 1


def test_the_event_gives_its_run_the_name_that_s3s_own_would_give(load_event):
    [record] = load_event("object-created")["Records"]
    real = json.loads(record["body"])
    bucket, said = real["detail"]["bucket"]["name"], real["detail"]["object"]
    found = version(said["key"], said["version-id"], size=said["size"])
    made = object_created(bucket, found, QUEUE)
    ours, theirs = parse_object_created(json.dumps(made)), parse_object_created(json.dumps(real))
    assert replace(ours, sequencer=None) == replace(theirs, sequencer=None)
    assert landing_id(ours) == landing_id(theirs)
    assert made.keys() == real.keys()
    key = "incoming/a+b%2B\n é😀.jsonl"
    landing = parse_object_created(json.dumps(object_created(bucket, version(key, None), QUEUE)))
    assert (landing.key, landing.version_id) == (key, None)


# ---- What to look at


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("s3://landings/incoming/2026/", "s3://landings/incoming/2026/"),
        ("s3://landings", "s3://landings/incoming/"),
        ("s3://landings/inc", "s3://landings/incoming/"),
        ("s3://other/incoming/", "nothing there starts a run"),
        ("s3://landings/elsewhere/", "nothing there starts a run"),
    ],
)
def test_only_what_starts_runs_is_looked_at(asked, answer):
    try:
        found = str(under_landing(asked, LANDING))
    except ConfigurationError as error:
        found = str(error)
    assert answer in found


# ---- What is there, and has been processed: S3 and DynamoDB, as moto has them


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        clients = {name: boto3.client(name, region_name="us-east-1") for name in ("s3", "dynamodb")}
        clients["s3"].create_bucket(Bucket="landings")
        create_runs_table(clients["dynamodb"])
        clients["dynamodb"].create_table(
            TableName="landings",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        yield clients


def keep_versions(aws):
    status = {"Status": "Enabled"}
    aws["s3"].put_bucket_versioning(Bucket="landings", VersioningConfiguration=status)


def put(aws, *keys, **more):
    answers = [
        aws["s3"].put_object(Bucket="landings", Key=key, **{"Body": b"{}"} | more) for key in keys
    ]
    return [answer.get("VersionId", "") for answer in answers]


def put_run(aws, name, **trigger):
    about = {"Kind": "object-created", "Bucket": "landings", "Key": A, **trigger}
    aws["dynamodb"].put_item(TableName="runs", Item=item({"name": name, "trigger": about}))


def put_landing(aws, version_id, at=NOW, sequencer="0A"):
    landing = Landing("landings", A, version_id, sequencer, 2, at.isoformat())
    Landings(aws["dynamodb"], "landings", lambda: at).record(landing)


def surveyed(aws, *, missing=True, now=None, **outputs):
    stack = Stack("s", "us-east-1", OUTPUTS | outputs, {}, lambda service, *_: aws[service])
    survey = Survey()
    now = now or datetime.now(UTC)
    sent = [
        one for some in Backfill(stack, LANDING, now, missing=missing).find(survey) for one in some
    ]
    assert [one.key for one in sent] == survey.first
    return survey


def test_the_current_version_of_each_object_that_is_not_deleted_is_found(aws):
    put(aws, "incoming/before", "other/x")
    keep_versions(aws)
    put(aws, A, "incoming/gone")
    old, new = put(aws, A, A)
    aws["s3"].delete_object(Bucket="landings", Key="incoming/gone")
    found = list(current_versions(aws["s3"], LANDING))
    assert {one.key: one.version_id for one in found} == {A: new, "incoming/before": None}
    assert found[0].after is not None
    put(aws, f"{A}b")
    aws["s3"].delete_object(Bucket="landings", Key=A)
    deleted, *others = versions_of(aws["s3"], S3Uri("landings", A))
    assert deleted.deletion
    assert {one.version_id for one in others} > {old, new}
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        list(current_versions(aws["s3"], S3Uri("nowhere", "")))


def test_what_starts_no_run_is_left_out_and_counted_by_why(aws):
    put(aws, A, "incoming/b.csv", "incoming/c/", "incoming/d//e.jsonl")
    put(aws, "incoming/f.jsonl", Body=b"")
    put(aws, "incoming/g.jsonl", StorageClass="DEEP_ARCHIVE")
    survey = surveyed(aws)
    reasons = ("suffix", "folder-marker", "unreadable-key", "zero-bytes", "archived")
    assert survey.left_out == dict.fromkeys(reasons, 1)
    assert (survey.objects, survey.to_send, survey.first) == (6, 1, [A])


@pytest.mark.parametrize("known_by", ["its run", "a run of an earlier prefix", "its landing"])
def test_with_missing_a_version_that_has_a_run_or_waits_is_left_out(aws, known_by):
    keep_versions(aws)
    old, new = put(aws, A, A)
    put_run(aws, landing_run_name("landrun", "landings", A, old))
    put_landing(aws, old)
    assert surveyed(aws).to_send == 1
    if known_by == "its landing":
        put_landing(aws, new, NOW, sequencer="0B")
    else:
        prefix = "landrun" if known_by == "its run" else "nightly"
        put_run(aws, landing_run_name(prefix, "landings", A, new))
    assert surveyed(aws).known == 1
    assert surveyed(aws, missing=False).to_send == 1


@pytest.mark.parametrize("by", ["run", "landing"])
@pytest.mark.parametrize(("seconds", "known"), [(-60, 0), (-3, 1), (60, 1)])
def test_without_a_version_id_a_run_or_landing_of_the_key_since_it_landed_counts(
    aws, by, seconds, known
):
    put(aws, A)
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    put_run(aws, "elsewhere-1", Bucket="other", EventTime=at.isoformat())
    if by == "run":
        put_run(aws, "r", EventTime=at.isoformat())
    else:
        put_landing(aws, None, at)
    assert surveyed(aws, missing=False).known == known


@pytest.mark.parametrize(("start_on", "left_out"), [("schedule", 1), ("arrival", 0)])
def test_what_the_landings_table_may_have_forgotten_is_not_sent(aws, start_on, left_out):
    put(aws, A)
    later = datetime.now(UTC) + KEPT + timedelta(days=1)
    found = surveyed(aws, now=later, StartOn=start_on).left_out
    assert found["older-than-400-days"] == left_out


# ---- Sending


class FakeQueue:
    """Takes messages, and refuses one of a batch once it has so many."""

    def __init__(self, most=100):
        self.taken = []
        self.most = most

    def send_message_batch(self, QueueUrl, Entries):  # noqa: N803
        assert len(Entries) <= 10
        self.taken += [json.loads(entry["MessageBody"]) for entry in Entries]
        return {"Failed": [{"Id": "0", "Code": "Busy"}]} if len(self.taken) > self.most else {}


@pytest.mark.parametrize(("rate", "seconds"), [(50, 0.4), (5, 4), (1, 24)])
def test_messages_leave_at_no_more_than_the_rate(rate, seconds):
    queue, slept, events = FakeQueue(), [0.0], [{"n": n} for n in range(25)]
    sending = send(queue, "url", iter(events), rate, clock=lambda: sum(slept), sleep=slept.append)
    assert list(sending)[-1] == 25
    assert queue.taken == events
    assert sum(slept) == pytest.approx(seconds)


def test_what_sqs_does_not_take_ends_the_backfill_before_the_batch_counts():
    sending = send(FakeQueue(most=10), "url", iter([{}] * 30), 1000, sleep=lambda _: None)
    assert next(sending) == 10
    with pytest.raises(ServiceError, match="sqs:SendMessageBatch: Busy"):
        next(sending)
