"""The World itself: that it is at least once, knows AWS's rules, and sees what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from .cases import CASES
from .direct import direct_client
from .faulty import killed_after, killed_before
from .invariants import violations
from .stack import PHYSICAL, client
from .world import World

KEY = "incoming/a.jsonl"


@pytest.fixture
def world():
    with World() as opened:
        yield opened


@pytest.fixture
def run(world):
    world.land(KEY)
    world.drain()
    world.drain("statuses")
    [name] = world.executions()
    return name


def test_every_case_of_the_list_is_claimed_by_a_test():
    claims = re.compile(r"pytest\.mark\.case\(([\d, ]+)\)")
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    claimed = {int(n) for text in texts for found in claims.findall(text) for n in found.split(",")}
    assert claimed == CASES.keys()


def test_what_is_well_has_no_violations(world, run):
    world.finish(run)
    world.drain("statuses")
    assert violations(world, settled=True) == []


def _put_row(world, run, **changed):
    table = world.stack.name("RunsTable")
    item = client("dynamodb").get_item(TableName=table, Key={"name": {"S": run}})["Item"]
    faulty = world.functions._cold("ExecutionStatus").module.recorder.runs_table._client
    faulty.put_item(TableName=table, Item=item | changed)


def _overwrite(world, _):
    [stored] = world.manifests().values()
    bucket = world.stack.name("OutputBucket")
    client("s3").put_object(Bucket=bucket, Key=stored.key, Body=b"[]")


def _publish(world, run):
    topic = world.variable("ExecutionStatus", "NOTIFICATIONS_TOPIC_ARN")
    sns = world.functions._cold("ExecutionStatus").module.recorder.notifications._client
    sns.publish(TopicArn=topic, Subject=f"landrun: {run} failed", Message="again")


def _bury(world, _):
    url = world.variable("ObjectCreated", "DEAD_LETTER_QUEUE_URL")
    client("sqs").send_message(QueueUrl=url, MessageBody=world.landed[0].body)


def _alien(world, run):
    world.machine.start("another", world.executions()[run].input)


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        (lambda w, r: _put_row(w, r, status_rank={"N": "-1"}), "went from"),
        (lambda w, r: _put_row(w, r, status={"S": "FAILED"}, status_rank={"N": "1"}), "ahead of"),
        (_overwrite, "was written 2 times"),
        (_publish, "were notified 1 times"),
        (_bury, "dead-lettered, though no poison"),
        (_alien, "has 2 executions"),
        (_alien, "runs without a manifest"),
        (lambda w, r: w.land("incoming/b.jsonl", expected=True), "messages are left in a queue"),
        (lambda w, r: w.land("incoming/b.jsonl"), "is in no manifest"),
        (lambda w, r: w.machine.finish(r), "status of"),
    ],
)
def test_what_is_wrong_is_said(world, run, breaking, said):
    breaking(world, run)
    found = violations(world, settled=True)
    assert any(said in sentence for sentence in found), found


def test_landing_in_two_manifests_is_said():
    with World("schedule") as world:
        world.land(KEY)
        world.start_runs()
        [item] = world.waiting().values()
        client("dynamodb").update_item(
            TableName=world.stack.name("LandingsTable"),
            Key={"id": {"S": item["id"]}},
            UpdateExpression="SET waiting = :shard",
            ExpressionAttributeValues={":shard": {"S": item["id"][0]}},
        )
        world.tick()
        assert any("is in 2 manifests" in sentence for sentence in violations(world))


def test_message_of_a_function_that_dies_comes_again_until_it_is_dead(world):
    world.land(KEY)
    world.landings.max_receives = 3
    world.faults.always(killed_before(), "s3")
    for receives in range(1, world.landings.max_receives + 1):
        [message] = world.landings.each()
        world.later()
        assert message.receives == receives
    world.later()
    assert len(world.landings) == 0
    assert len(world.dead("landings")) == 1


def test_dead_process_reaches_nothing_and_is_not_used_again(world):
    world.land(KEY)
    processes = []
    world.faults.add(lambda call: processes.append(call.process.number))
    world.faults.when("s3", "put_object", killed_after())
    [outcome] = world.drain()
    assert not outcome.ok
    assert world.faults.counts == {("s3", "put_object"): 1}
    world.later()
    assert len(set(processes)) == 2


def test_index_that_lags_shows_an_earlier_moment(collecting):
    collecting.freeze_indexes()
    collecting.land(KEY)
    collecting.drain()
    assert collecting.tick().answer == {"Objects": 0}
    collecting.thaw_indexes()
    assert collecting.tick().answer["Objects"] == 1


TABLE, BUCKET = "landrun-RunsTable", PHYSICAL["OutputBucket"]
ITEM = {"name": {"S": "run"}, "parts": {"L": [{"M": {"rows": {"N": "2"}}}]}}
NEW = {
    "TableName": TABLE,
    "Item": ITEM,
    "ConditionExpression": "attribute_not_exists(#name)",
    "ExpressionAttributeNames": {"#name": "name"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("dynamodb", "put_item", NEW),
        ("dynamodb", "get_item", {"TableName": TABLE, "Key": {"name": {"S": "run"}}}),
        ("dynamodb", "get_item", {"TableName": TABLE, "Key": {"name": {"S": "another"}}}),
        ("dynamodb", "transact_write_items", {"TransactItems": [{"Put": NEW}]}),
        ("s3", "put_object", {"Bucket": BUCKET, "Key": "a", "Body": b"", "IfNoneMatch": "*"}),
        ("s3", "get_object", {"Bucket": BUCKET, "Key": "a"}),
        ("s3", "get_object", {"Bucket": BUCKET, "Key": "none"}),
        ("s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": "", "MaxKeys": 1}),
        ("stepfunctions", "describe_execution", {"executionArn": "none"}),
    ],
)
def test_direct_clients_answer_as_botocores_do(world, service, operation, arguments):
    client("dynamodb").put_item(TableName=TABLE, Item=ITEM)
    for key in "ab":
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"body", Metadata={"name": "value"})
    answers = [_answer(make(service), operation, arguments) for make in (client, direct_client)]
    assert answers[0] == answers[1]


def _answer(real, operation, arguments):
    try:
        answer = getattr(real, operation)(**arguments)
    except ClientError as error:
        answer = error.response
    body = answer["Body"].read() if "Body" in answer else None
    names = ("Item", "CancellationReasons", "Metadata", "NextContinuationToken")
    keys = [found["Key"] for found in answer.get("Contents", ())]
    return body, keys, answer.get("Error", {}).get("Code"), [answer.get(name) for name in names]


def test_events_of_the_world_have_the_shape_of_those_in_events(world, load_event):
    landed = world.land(KEY)
    sample = json.loads(load_event("object-created")["Records"][0]["body"])
    assert _shape(landed.event) == _shape(sample)
    world.drain()
    [message] = world.statuses.each()
    sample = json.loads(load_event("execution-running")["Records"][0]["body"])
    assert _shape(json.loads(message.body)) == _shape(sample)


def _shape(node):
    return {key: _shape(node[key]) for key in node} if isinstance(node, dict) else type(node)
