"""Faults on the laptop's AWS, each object that lands starting its run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .laptop import START, TESTS, Stack, eventually
from .thorough import THOROUGH

pytestmark = pytest.mark.skipif(not THOROUGH, reason="takes half a minute: make faults runs it")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    started = Stack(tmp_path_factory.mktemp("arrival"))
    yield started
    started.close()


@pytest.mark.case(10)
def test_function_killed_in_mid_batch_gets_it_again_and_each_landing_runs_once(
    stack: Stack,
) -> None:
    # Given a batch, of which the start of the third run is not answered
    with stack.laptop.held(START, nth=3):
        before = stack.laptop.invocations("ObjectCreatedFunction")
        with stack.one_batch():
            keys = stack.land_several(6)
        eventually(stack.laptop.is_holding)
        eventually(lambda: len(stack.executions_of(*keys)) >= 3)  # the others start meanwhile
        # When its process is killed, before it hears of that
        stack.laptop.worker("object_created").kill()
    # Then the batch comes again, and all run, each once
    eventually(lambda: stack.laptop.invocations("ObjectCreatedFunction") >= before + 3)
    rows = [stack.ended(Key=key) for key in keys]
    assert {row["status"] for row in rows} == {"SUCCEEDED"}
    assert stack.executions_of(*keys) == sorted(keys)
    assert stack.waiting("LandingDeadLetterQueueUrl") == 0


@pytest.mark.case(11)
def test_one_poison_message_in_ten_goes_to_the_dead_letters_with_its_reason_the_nine_run(
    stack: Stack, load_event: Callable[[str], Any]
) -> None:
    [poison] = load_event("object-created-malformed")["Records"]
    before = stack.laptop.invocations("ObjectCreatedFunction")
    with stack.one_batch():
        keys = stack.land_several(5)
        stack.client("sqs").send_message(
            QueueUrl=stack.outputs["LandingQueueUrl"], MessageBody=poison["body"]
        )
        keys += stack.land_several(4)
    assert {stack.ended(Key=key)["status"] for key in keys} == {"SUCCEEDED"}
    [dead] = stack.take_dead_letters()
    assert dead["Body"] == poison["body"]
    assert dead["MessageAttributes"]["Reason"]["StringValue"]
    assert stack.laptop.invocations("ObjectCreatedFunction") == before + 2  # none came again
    assert stack.executions_of(*keys) == sorted(keys)


@pytest.mark.case(13)
def test_odd_keys_are_read_exactly_or_refused(
    stack: Stack, load_event: Callable[[str], Any]
) -> None:
    # Given keys that are hard to spell; the laptop's S3 has none with line breaks
    odd = [key for key in keys_of(load_event("object-created-odd-keys")) if "\n" not in key]
    assert len(odd) > 5
    for key in odd:
        stack.land(key, f"of {key}")
    # and events of keys that no file can have
    refused = load_event("object-created-refused-keys")["Records"]
    for record in refused:
        stack.client("sqs").send_message(
            QueueUrl=stack.outputs["LandingQueueUrl"],
            MessageBody=of_bucket(record["body"], stack.outputs["LandingBucket"]),
        )
    # Then each odd one is read, and nothing else; and the others are dead letters
    for key in odd:
        row = stack.ended(Key=key)
        assert row["status"] == "SUCCEEDED", row
        assert stack.manifest(row)[1:] == [key]
        assert stack.read(row) == [f"of {key}"]
    dead: list[str] = []
    while len(dead) < len(refused):
        dead += eventually(lambda: [one["Body"] for one in stack.take_dead_letters()])
    keys = {key_of(record["body"]) for record in refused}
    assert {key_of(body) for body in dead} == keys
    assert stack.executions_of(*keys) == []


def key_of(body: str) -> str:
    return json.loads(body)["detail"]["object"]["key"]


def keys_of(event: dict[str, Any]) -> list[str]:
    return [key_of(record["body"]) for record in event["Records"]]


def of_bucket(body: str, bucket: str) -> str:
    event = json.loads(body)
    event["detail"]["bucket"]["name"] = bucket
    return json.dumps(event)


@pytest.mark.case(21, 26)
def test_failed_run_is_redriven_with_the_notifications_command_and_ends_succeeded(
    stack: Stack,
) -> None:
    # Given a run that has failed, in spite of its retry, and was told
    stack.listen()
    key = "incoming/breaks"
    stack.land(key, "broken")
    failed = stack.ended(Key=key)
    assert (failed["status"], failed["exit_message"]) == ("FAILED", "cannot read what is broken")
    name = failed["name"]
    [told] = eventually(lambda: stack.told(name))
    [command] = [line for line in told.splitlines() if "redrive-execution" in line]
    # When its cause is mended, and the command is run that the notification has
    stack.mended.touch()
    done = stack.shell(command)
    assert done.returncode == 0, done.stderr
    # Then the same execution, and the same row, end well; nothing more is told
    ended = stack.ended(redrives=1, Key=key)
    assert (ended["name"], ended["status"]) == (name, "SUCCEEDED")
    assert "error" not in ended
    assert stack.executions_of(key) == [key]
    assert len(stack.told(name)) == 1
    # and every attempt was a job of its own
    jobs = stack.jobs(name)
    assert len(jobs) == len(set(jobs)) == 3
    assert ended["job_name"] in jobs
    assert ended["job_name"] != failed["job_name"]


@pytest.mark.case(25)
def test_run_waits_for_sagemakers_quota_and_runs_when_there_is_room(stack: Stack) -> None:
    with stack.laptop.quota(0):
        [key] = stack.land_several(1)
        row = eventually(lambda: stack.row(Key=key))
        eventually(lambda: len(stack.failures(row)) > 1)
        assert stack.row(Key=key)["status"] == "RUNNING"
    ended = stack.ended(Key=key)
    assert ended["status"] == "SUCCEEDED"
    assert set(stack.failures(row)) == {"SageMaker.ResourceLimitExceededException"}
    assert len(stack.jobs(row["name"])) == 1
    assert stack.executions_of(key) == [key]


@pytest.mark.case(30)
def test_object_deleted_before_its_job_reads_it_fails_its_run_by_name_the_others_go_on(
    stack: Stack,
) -> None:
    with stack.laptop.quota(0):
        gone, *others = stack.land_several(3)
        row = eventually(lambda: stack.row(Key=gone))
        eventually(lambda: stack.failures(row))
        stack.client("s3").delete_object(Bucket=stack.outputs["LandingBucket"], Key=gone)
    failed = stack.ended(Key=gone)
    assert failed["status"] == "FAILED"
    assert f"s3://{stack.outputs['LandingBucket']}/{gone}" in failed["cause"]
    assert {stack.ended(Key=key)["status"] for key in others} == {"SUCCEEDED"}


def test_dead_letters_go_back_with_the_readmes_command_after_which_all_is_well(
    stack: Stack,
) -> None:
    # Given an outage that outlasts a queue's patience: two tries, where the template gives 100
    queue, sqs = stack.outputs["LandingQueueUrl"], stack.client("sqs")
    policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])
    before = json.loads(policy["Attributes"]["RedrivePolicy"])
    short = json.dumps({**before, "maxReceiveCount": 2})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": short})
    with stack.laptop.refused(START):
        keys = stack.land_several(2)
        eventually(lambda: stack.waiting("LandingDeadLetterQueueUrl") == 2)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(before)})
    # When it is over, and they are moved back
    done = stack.shell(f'{readmes_move()} --endpoint-url "$AWS_ENDPOINT_URL"')
    assert done.returncode == 0, done.stderr
    # Then each has its run, and nothing is left
    assert {stack.ended(Key=key)["status"] for key in keys} == {"SUCCEEDED"}
    assert stack.executions_of(*keys) == sorted(keys)
    assert stack.waiting("LandingDeadLetterQueueUrl") == 0


def readmes_move() -> str:
    text = Path(TESTS.parent, "README.md").read_text(encoding="utf-8")
    [command] = [
        block.partition("```")[0].strip()
        for block in text.split("```sh\n")
        if block.startswith("aws sqs start-message-move-task")
    ]
    return command


@pytest.mark.case(19)
def test_lost_status_events_are_reconciled(stack: Stack) -> None:
    # Given a run whose end was lost, and one of which everything was
    with ExitStack() as losing:
        with stack.laptop.quota(0):
            [half] = stack.land_several(1)
            eventually(lambda: stack.row(Key=half))
            losing.enter_context(stack.status_events_lost())
        [whole] = stack.land_several(1)
        eventually(lambda: stack.succeeded(half, whole))
    assert stack.row(Key=half)["status"] == "RUNNING"
    assert stack.row(Key=whole) is None
    # When
    mended = stack.aws.reconcile(grace_seconds=0)
    # Then
    assert (mended["Statuses"], mended["Executions"]) == (1, 1)
    assert [stack.row(Key=key)["status"] for key in (half, whole)] == ["SUCCEEDED"] * 2
    # and there is nothing more to mend
    again = stack.shell("landrun reconcile --grace 0")
    assert (again.returncode, again.stdout, again.stderr) == (0, "nothing was lost\n", "")
