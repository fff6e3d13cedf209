"""The World itself: it sees what is wrong, its dead stay dead, and a test claims each case."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cases import CASES
from .faulty import killed_after
from .invariants import violations
from .mutations import MUTATIONS, ROOT, mutated
from .stack import client
from .world import World

KEY = "incoming/a.jsonl"


def test_every_case_of_the_list_is_claimed_by_a_test():
    claims = re.compile(r"pytest\.mark\.case\(([\d, ]+)\)")
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    claimed = {int(n) for text in texts for found in claims.findall(text) for n in found.split(",")}
    assert claimed == CASES.keys()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_guarantee_that_make_mutations_takes_away_is_there_and_what_is_left_is_python(
    mutation,
):
    path = ROOT / "src" / mutation.file
    compile(mutated(path.read_text("utf-8"), mutation), str(path), "exec")


@pytest.fixture
def broken():
    """A World with a run of one object that has landed; a test breaks something in it."""
    with World() as opened:
        opened.land(KEY)
        opened.drain()
        opened.drain("statuses")
        assert violations(opened) == []
        yield opened


def _put_row(world, **changed):
    module = world.functions._cold("ExecutionStatus").module
    [name], table = world.executions(), world.stack.name("RunsTable")
    item = client("dynamodb").get_item(TableName=table, Key={"name": {"S": name}})["Item"]
    module.recorder.runs_table._client.put_item(TableName=table, Item=item | changed)


def _overwrite(world):
    [stored] = world.manifests().values()
    bucket = world.stack.name("OutputBucket")
    client("s3").put_object(Bucket=bucket, Key=stored.key, Body=b"[]")


def _publish(world):
    module, [name] = world.functions._cold("ExecutionStatus").module, world.executions()
    topic = world.variable("ExecutionStatus", "NOTIFICATIONS_TOPIC_ARN")
    subject = f"landrun: {name} failed"
    module.recorder.notifications._client.publish(TopicArn=topic, Subject=subject, Message="again")


def _bury(world):
    url = world.variable("ObjectCreated", "DEAD_LETTER_QUEUE_URL")
    client("sqs").send_message(QueueUrl=url, MessageBody=world.landed[0].body)


def _start_another(world):
    [execution] = world.executions().values()
    world.machine.start("another", execution.input)


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        (lambda world: _put_row(world, status_rank={"N": "-1"}), "went from"),
        (lambda world: _put_row(world, status_rank={"N": "1"}), "ahead of"),
        (_overwrite, "was written 2 times"),
        (_publish, "were notified 1 times"),
        (_bury, "dead-lettered, though no poison"),
        (_start_another, "has 2 executions"),
        (_start_another, "runs without a manifest"),
        (lambda world: world.land("incoming/b.jsonl"), "messages are left in a queue"),
        (lambda world: world.land("incoming/b.jsonl"), "is in no manifest"),
        (lambda world: world.machine.finish(*world.running()), "status of"),
    ],
)
def test_the_invariants_name_what_is_wrong(broken, breaking, said):
    breaking(broken)
    found = violations(broken, settled=True)
    assert any(said in sentence for sentence in found), found


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
