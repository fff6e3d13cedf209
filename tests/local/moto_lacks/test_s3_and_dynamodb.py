"""S3's events and answers, and conditional writes that are one step."""

import contextlib
import json
import threading

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.table import Table
from moto.s3.responses import S3Response

from landrun_ops.local.settings import ACCOUNT, REGION

from .conftest import both, client

pytestmark = both
ODD_KEY = "a\x01 +é.csv"


@pytest.fixture
def bucket(aws):
    """A client of S3 where there is a bucket that tells EventBridge."""
    aws.s3.create_bucket(Bucket="bucket")
    aws.s3.put_bucket_notification_configuration(
        Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return aws.s3


def test_events_of_overwrites_can_be_told_apart(patched, aws, bucket):
    _, take = aws.queue("aws.s3")
    for body in (b"1", b"2"):
        bucket.put_object(Bucket="bucket", Key="k+ %2B", Body=body)
    created = [one["detail"] for one in take() if one["detail-type"] == "Object Created"]
    first, second = (detail["object"] for detail in created)
    assert (first["sequencer"] < second["sequencer"]) is patched
    assert (first.keys() == {"key", "size", "etag", "sequencer"}) is patched
    assert (created[0]["reason"] == "PutObject") is patched
    assert first["key"] == "k+ %2B"


def test_target_that_fails_keeps_nothing_from_the_others(patched, aws, bucket, caplog):
    events = client("events")
    events.put_rule(Name="a", EventPattern=json.dumps({"source": ["aws.s3"]}))
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    events.put_targets(Rule="a", Targets=[{"Id": "f", "Arn": function}])
    _, take = aws.queue("aws.s3")
    bucket.put_object(Bucket="bucket", Key="k")
    assert bool(take()) is patched
    assert ("a: event not delivered" in caplog.text) is patched


def test_bucket_says_that_it_tells_eventbridge(patched, bucket):
    def says():
        found = bucket.get_bucket_notification_configuration(Bucket="bucket")
        return "EventBridgeConfiguration" in found

    assert says() is patched
    bucket.put_bucket_notification_configuration(Bucket="bucket", NotificationConfiguration={})
    assert not says()


def test_versions_are_listed_whatever_the_key(patched, bucket):
    bucket.put_object(Bucket="bucket", Key=ODD_KEY)
    with contextlib.nullcontext() if patched else pytest.raises(ClientError, match="500"):
        listed = bucket.list_object_versions(Bucket="bucket", Prefix=ODD_KEY)
        assert [one["Key"] for one in listed["Versions"]] == [ODD_KEY]


@pytest.fixture
def both_succeed(patched, monkeypatch):
    """``both_succeed(Class, "looks", write)``: whether two writes succeed.

    The second begins when the first has looked, and the first goes on when the second has ended.
    """

    def try_twice(owner, looks, write):
        look, looked, go_on = getattr(owner, looks), threading.Event(), threading.Event()
        results = []

        def try_to_write():
            with contextlib.suppress(ClientError):
                write()
                results.append(True)

        def slowly(*arguments, **more):
            seen = look(*arguments, **more)
            if threading.current_thread() is first:
                looked.set()
                go_on.wait(30)
            return seen

        first, second = (threading.Thread(target=try_to_write) for _ in range(2))
        monkeypatch.setattr(owner, looks, slowly)
        first.start()
        assert looked.wait(30)
        second.start()
        second.join(0.1 if patched else 30)  # patched, it waits for the first
        go_on.set()
        first.join()
        second.join()
        assert results
        return len(results) == 2

    return try_twice


def test_one_of_two_conditional_puts_of_an_item_succeeds(patched, aws, both_succeed):
    client("dynamodb").create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    new = {"Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(id)"}

    def claim():
        client("dynamodb").put_item(TableName="t", **new)

    assert both_succeed(Table, "get_item", claim) is not patched


def test_one_of_two_conditional_puts_of_an_object_succeeds(patched, bucket, both_succeed):
    def commit():
        bucket.put_object(Bucket="bucket", Key="k", Body=b"", IfNoneMatch="*")

    assert both_succeed(S3Response, "_get_checksum", commit) is not patched
