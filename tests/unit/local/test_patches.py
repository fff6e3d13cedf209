"""Error names, outputs, waits, needs of permissions, the register of jobs, and patches."""

from __future__ import annotations

import errno
import json
import logging
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds

from landrun_ops.local.moto_patches import tasks
from landrun_ops.local.moto_patches.iam import Need, needs
from landrun_ops.local.moto_patches.sagemaker import ProcessingJobs
from landrun_ops.local.moto_patches.task_tokens import TOKENS, Token
from landrun_ops.local.moto_patches.tasks import as_output, wait
from landrun_ops.local.patches import Patches

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/{}"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"


def test_times_of_an_output_are_epoch_milliseconds():
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    there = moment.astimezone(timezone(timedelta(hours=2)))
    value = {"a": moment, "b": [there, {"c": moment.replace(tzinfo=None)}], "d": "x", "e": 1}
    millis = int(moment.timestamp() * 1000)
    assert as_output(value) == {"a": millis, "b": [millis, {"c": millis}], "d": "x", "e": 1}


def test_wait_lasts_as_long_as_asked_or_as_the_execution():
    started = time.monotonic()
    wait(SimpleNamespace(is_running=lambda: True), 0.15)
    assert time.monotonic() - started >= 0.15
    ended = threading.Event()
    threading.Timer(0.05, ended.set).start()
    wait(SimpleNamespace(is_running=lambda: not ended.is_set()), 60)
    assert time.monotonic() - started < 30


def test_patches_are_taken_back_also_from_what_was_inherited():
    class Base:
        a = 1

    class Derived(Base):
        b = 2

    mapping, patches = {"c": 3}, Patches()
    for name, value in (("a", 10), ("b", 20), ("b", 21)):
        patches.set(Derived, name, value)
    patches.item(mapping, "c", 30)
    assert (Derived.a, Derived.b, mapping) == (10, 21, {"c": 30})
    patches.undo()
    Base.a = 4
    assert (Derived.a, Derived.b, mapping) == (4, 2, {"c": 3})


@pytest.mark.parametrize("patched", [True, False])
def test_a_stopped_executions_task_keeps_its_timeout_which_moto_takes_from_the_stack(patched):
    env = SimpleNamespace(stack=["the parameters"], is_running=lambda: False, heap={})
    with Patches() as patches:
        if patched:
            tasks.patch(patches, ProcessingJobs(lambda _: None), lambda *_: None, None)
        TimeoutSeconds(timeout_seconds=60).eval(env=env)
    assert (env.stack.pop() == 60) is patched


def asked(action, **parameters):
    response = SimpleNamespace(body=json.dumps(parameters), querystring={})
    return list(needs(response, action, "*"))


def test_a_transaction_needs_what_its_parts_need_and_nothing_of_its_own():
    parts = [
        {"Update": {"TableName": "a"}},
        {"Delete": {"TableName": "a"}},
        {"Put": {"TableName": "b"}},
        {"ConditionCheck": {"TableName": "b"}},
    ]
    assert asked("dynamodb:TransactWriteItems", TransactItems=parts) == [
        Need("dynamodb:UpdateItem", TABLE.format("a")),
        Need("dynamodb:DeleteItem", TABLE.format("a")),
        Need("dynamodb:PutItem", TABLE.format("b")),
        Need("dynamodb:ConditionCheckItem", TABLE.format("b")),
    ]


def test_an_answer_to_a_token_is_about_the_machine_that_gave_it_out():
    TOKENS["t-1"] = Token(MACHINE)
    for token, resource in (("t-1", MACHINE), ("nobody's", "*")):
        needed = Need("states:SendTaskSuccess", resource)
        assert asked("states:SendTaskSuccess", taskToken=token) == [needed]


@pytest.mark.parametrize(
    ("error", "lines"), [(RuntimeError("why"), True), (OSError(errno.ENOSPC, "no space"), False)]
)
def test_runner_that_breaks_is_a_failed_job_and_a_full_disk_is_one_line(caplog, error, lines):
    def run(_):
        raise error

    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
    request = {
        "ProcessingJobName": f"job-{type(error).__name__}",
        "RoleArn": "arn:aws:iam::123456789012:role/processing",
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["python3", "x.py"]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    with caplog.at_level(logging.ERROR):
        job = ProcessingJobs(run).create(request)
        assert job.ended.wait(30)
    described = job.response_object
    assert described["ProcessingJobStatus"] == "Failed"
    assert f"{type(error).__name__}: {error}" in described["FailureReason"]
    assert ("Traceback" in caplog.text) is lines
    assert str(error) in caplog.text
    assert "Tags" not in described
    assert job.tags == [{"Key": "a", "Value": "b"}]
