"""`landrun doctor`: as a process, on a stack that works, one that is broken, and none at all."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local import LocalAws

from .process import environment, landrun


@pytest.fixture(scope="module")
def env(aws: LocalAws) -> dict[str, str]:
    """What somebody has who typed eval "$(landrun local env)"."""
    return environment(aws)


def doctor(env: dict[str, str], *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return landrun(env, "doctor", *arguments, **how)


@contextlib.contextmanager
def unfed(aws: LocalAws) -> Iterator[str]:
    """Turn the event source of landings off for the block; gives its id."""
    functions = aws.client("lambda")
    [source] = functions.list_event_source_mappings(
        FunctionName=aws.outputs["ObjectCreatedFunction"]
    )["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    try:
        yield source["UUID"]
    finally:
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=True)


@contextlib.contextmanager
def broken(aws: LocalAws) -> Iterator[dict[str, str]]:
    """Break the stack in several ways for the block; gives the remedy of each."""
    states, events, sqs = (aws.client(name) for name in ("stepfunctions", "events", "sqs"))
    dead = aws.outputs["StatusDeadLetterQueueUrl"]
    rule, machine = aws.outputs["LandingRule"], aws.outputs["StateMachineArn"]
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    other = definition.replace('"MaxAttempts": 200', '"MaxAttempts": 2')
    states.update_state_machine(stateMachineArn=machine, definition=other)
    events.disable_rule(Name=rule)
    sqs.send_message(QueueUrl=dead, MessageBody="{}")
    try:
        with unfed(aws) as source:
            yield {
                "landing rule": f"aws events enable-rule --name {rule}",
                "landing source": f"--uuid {source} --enabled",
                "definition": "sam deploy",
                "dead letters": "landrun redrive --queue statuses",
            }
    finally:
        for letter in sqs.receive_message(QueueUrl=dead)["Messages"]:
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
        events.enable_rule(Name=rule)
        states.update_state_machine(stateMachineArn=machine, definition=definition)


def test_a_stack_that_is_well_and_one_that_is_not(aws: LocalAws, env: dict[str, str]) -> None:
    well = doctor(env, "--json")
    checks = {f"{one['area']}: {one['check']}": one for one in json.loads(well.stdout)["checks"]}
    # Tests of this session may have left dead letters, and this machine may lack anything.
    mine = {
        name: one["says"]
        for name, one in checks.items()
        if one["status"] == "fail" and not name.startswith(("this machine", "waiting"))
    }
    assert not mine
    assert checks["permissions: state machine"]["status"] == "ok"
    assert checks["events: EventBridge"]["status"] == "ok"
    assert checks["schedules: reconcile"]["status"] == "ok"
    assert checks["the job: quota"]["says"] == "the laptop has no quotas"

    with broken(aws) as remedies:
        ill = doctor(env, "--quiet")
        told = json.loads(doctor(env, "--json").stdout)
    assert ill.returncode == 1
    assert not ill.stderr
    assert max(map(len, ill.stdout.splitlines())) <= 80
    failed = {one["check"]: one["remedy"] for one in told["checks"] if one["status"] == "fail"}
    assert failed.keys() >= remedies.keys()
    for name, remedy in remedies.items():
        assert name in ill.stdout
        assert remedy in failed[name]


def test_an_event_source_that_is_off_feeds_nothing_until_it_is_on_again(
    aws: LocalAws, eventually: Callable[..., Any], load_event: Callable[[str], dict[str, Any]]
) -> None:
    ignored = load_event("object-created-folder-marker")["Records"][0]["body"]
    sqs, queue = aws.client("sqs"), aws.outputs["LandingQueueUrl"]

    def waiting() -> int:
        name = "ApproximateNumberOfMessages"
        answer = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
        return int(answer["Attributes"][name])

    with unfed(aws):
        # The poll that was under way may still take one.
        eventually(lambda: sqs.send_message(QueueUrl=queue, MessageBody=ignored) and waiting())
        time.sleep(1.5)
        assert waiting()
    eventually(lambda: not waiting())


def test_without_a_stack_it_looks_at_this_machine(tmp_path: Path, env: dict[str, str]) -> None:
    alone = {
        name: value for name, value in env.items() if not name.startswith(("LANDRUN_", "AWS_"))
    }
    done = doctor(alone, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "this machine" in done.stdout
    assert "name a deployed one with --stack or LANDRUN_STACK" in done.stdout


def test_a_stack_that_is_not_there_fails_in_one_line(env: dict[str, str]) -> None:
    done = doctor(env, "--stack", "nobodys", "--quiet")
    assert done.returncode == 1
    assert "no stack 'nobodys'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
